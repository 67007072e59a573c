/* SPDX-License-Identifier: Apache-2.0 */
/* How descriptors are shared out, from very few to very many. */
#include "descriptors.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void assert_shares(size_t n, size_t n_engines, unsigned connections, unsigned per_ip,
                          size_t sockets)
{
    struct hx_descriptor_shares shares;
    hx_descriptors_share(n, n_engines, &shares);
    assert_int_equal(shares.max_connections, connections);
    assert_int_equal(shares.max_connections_per_ip, per_ip);
    assert_int_equal(shares.max_sockets, sockets);
}

static void checks_have_what_the_web_does_not_need(void **state)
{
    (void)state;
    assert_shares(65536, 1, 512, 256, 65536 - 128 - 512);
    assert_shares(1024, 1, 448, 256, 448);
    assert_shares(640, 1, 256, 256, 256);
    assert_shares(638, 1, 255, 255, 255);
}

static void each_engine_but_the_first_has_sixteen(void **state)
{
    (void)state;
    assert_shares(65536, 3, 512, 256, 65536 - 128 - 2 * 16 - 512);
}

static void both_have_some_when_there_are_none(void **state)
{
    (void)state;
    assert_shares(20, 1, 16, 16, 8);
    assert_shares(1024, 64, 16, 16, 8);
    assert_shares(128 + 2 * 15, 1, 16, 16, 15);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(checks_have_what_the_web_does_not_need),
        cmocka_unit_test(each_engine_but_the_first_has_sixteen),
        cmocka_unit_test(both_have_some_when_there_are_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
