/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Networks. The golden file holds 10,000 cases with the answers of Python's ipaddress
 * (tests/golden/networks.py): network, address, and whether it is inside, or that the network is
 * none.
 */
#include "base/access.h"

#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define GOLDEN  "tests/golden/networks.txt"
#define N_CASES 10000

static void read_address(const char *text, uint8_t address[16])
{
    char mapped[80];
    snprintf(mapped, sizeof(mapped), "::ffff:%s", text);
    assert_int_equal(inet_pton(AF_INET6, strchr(text, ':') == NULL ? mapped : text, address), 1);
}

static const char *judge(const char *network_text, const char *address_text)
{
    struct hx_network network;
    uint8_t address[16];
    if (hx_network_parse(network_text, &network, NULL) != HX_OK)
        return "invalid";
    read_address(address_text, address);
    return hx_network_contains(&network, address) ? "inside" : "outside";
}

static void networks_agree_with_pythons_ipaddress(void **state)
{
    (void)state;
    char network[128], address[128], answer[16];
    unsigned n = 0;
    FILE *file = fopen(GOLDEN, "r");
    assert_non_null(file);
    while (fscanf(file, "%127s %127s %15s", network, address, answer) == 3) {
        const char *ours = judge(network, address);
        if (strcmp(ours, answer) != 0)
            fail_msg("%s in %s: %s, expected %s", address, network, ours, answer);
        n++;
    }
    fclose(file);
    assert_int_equal(n, N_CASES);
}

static void message_says_what_is_wrong(void **state)
{
    (void)state;
    struct hx_network network;
    struct hx_error err;
    assert_int_equal(hx_network_parse("10.0.0.1/8", &network, &err), HX_ERR_INVALID);
    assert_string_equal(err.message, "\"10.0.0.1/8\" has bits set behind its prefix");
    assert_int_equal(hx_network_parse("ten", &network, &err), HX_ERR_INVALID);
    assert_string_equal(err.message,
                        "expected an address or a network such as 10.0.0.0/8, got \"ten\"");
}

static void mapped_network_is_the_ipv4_one(void **state)
{
    (void)state;
    assert_string_equal(judge("::ffff:10.0.0.0/104", "10.1.2.3"), "inside");
    assert_string_equal(judge("10.0.0.0/8", "::ffff:10.1.2.3"), "inside");
    assert_string_equal(judge("0.0.0.0/0", "::1"), "outside");
    assert_string_equal(judge("::/0", "10.1.2.3"), "outside");
    assert_string_equal(judge("::/0", "::1"), "inside");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(networks_agree_with_pythons_ipaddress),
        cmocka_unit_test(message_says_what_is_wrong),
        cmocka_unit_test(mapped_network_is_the_ipv4_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
