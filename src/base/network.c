/* SPDX-License-Identifier: Apache-2.0 */
/* Address ranges (RFC 4632), IPv4 ones as the v4-mapped part of IPv6 (RFC 4291, 2.5.5.2). */
#include "base/access.h"

#include "base/quote.h"

#include <arpa/inet.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#define ADDRESS_BITS 128U
#define MAPPED_BITS  96U /* of the prefix ::ffff:0:0 */

/* Room for the longest writing of an IPv6 address. */
#define TEXT_SIZE 64

/* Reads the number behind the slash: one to three digits, no zero in front. */
static bool read_prefix_len(const char *text, unsigned max, unsigned *prefix_len)
{
    size_t len = strlen(text);
    if (len == 0 || len > 3 || strspn(text, "0123456789") != len || (text[0] == '0' && len > 1))
        return false;
    *prefix_len = 0;
    for (const char *c = text; *c != '\0'; c++)
        *prefix_len = *prefix_len * 10 + (unsigned)(*c - '0');
    return *prefix_len <= max;
}

/* ::ffff:0:0, where IPv4 lies. */
static const uint8_t mapped[MAPPED_BITS / 8] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

/* Reads the address; *max_bits is how long its prefix may be as it is written. */
static bool read_address(const char *text, struct hx_network *network, unsigned *max_bits)
{
    if (inet_pton(AF_INET6, text, network->address) == 1) {
        *max_bits = ADDRESS_BITS;
        return true;
    }
    memcpy(network->address, mapped, sizeof(mapped));
    *max_bits = ADDRESS_BITS - MAPPED_BITS;
    return inet_pton(AF_INET, text, network->address + sizeof(mapped)) == 1;
}

static bool has_host_bits(const struct hx_network *network)
{
    for (unsigned bit = network->prefix_len; bit < ADDRESS_BITS; bit++) {
        if ((network->address[bit / 8] >> (7 - bit % 8) & 1) != 0)
            return true;
    }
    return false;
}

enum hx_errcode hx_network_parse(const char *text, struct hx_network *network, struct hx_error *err)
{
    char address[TEXT_SIZE];
    char quoted[HX_QUOTE_SIZE];
    const char *slash = strchr(text, '/');
    size_t len = slash == NULL ? strlen(text) : (size_t)(slash - text);
    unsigned max_bits = 0;
    bool is_good = len < sizeof(address);
    if (is_good) {
        memcpy(address, text, len);
        address[len] = '\0';
        is_good = read_address(address, network, &max_bits);
    }
    network->prefix_len = max_bits;
    if (is_good && slash != NULL)
        is_good = read_prefix_len(slash + 1, max_bits, &network->prefix_len);
    if (!is_good)
        return hx_error_set(err, HX_ERR_INVALID,
                            "expected an address or a network such as 10.0.0.0/8, got %s",
                            hx_quote(text, quoted));
    network->prefix_len += ADDRESS_BITS - max_bits;
    if (has_host_bits(network))
        return hx_error_set(err, HX_ERR_INVALID, "%s has bits set behind its prefix",
                            hx_quote(text, quoted));
    return HX_OK;
}

bool hx_network_contains(const struct hx_network *network, const uint8_t address[16])
{
    unsigned whole = network->prefix_len / 8;
    unsigned rest = network->prefix_len % 8;
    if (network->prefix_len < MAPPED_BITS && memcmp(address, mapped, sizeof(mapped)) == 0)
        return false;
    if (memcmp(network->address, address, whole) != 0)
        return false;
    return rest == 0 || ((network->address[whole] ^ address[whole]) >> (8 - rest)) == 0;
}
