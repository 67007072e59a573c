/* SPDX-License-Identifier: Apache-2.0 */
/* The closed lists: their texts are label values, so that a change of one is a breaking change. */
#include "health_exporter/check.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define LAST_ERRNO 133 /* EHWPOISON */

static void reasons_have_the_documented_texts(void **state)
{
    (void)state;
    static const char *const TEXTS[] = {
        "",      "dns",      "refused", "unreachable", "timeout",   "closed",      "tls",
        "auth",  "protocol", "limit",   "status",      "assertion", "unavailable", "blocked",
        "stale", "internal",
    };
    assert_int_equal(sizeof TEXTS / sizeof TEXTS[0], HX_N_REASONS);
    for (int i = 0; i < HX_N_REASONS; i++) {
        assert_string_equal(hx_reason_text((enum hx_reason)i), TEXTS[i]);
    }
}

static void states_and_phases_have_the_documented_texts(void **state)
{
    (void)state;
    assert_string_equal(hx_state_text(HX_STATE_UNKNOWN), "unknown");
    assert_string_equal(hx_state_text(HX_STATE_UP), "up");
    assert_string_equal(hx_state_text(HX_STATE_DEGRADED), "degraded");
    assert_string_equal(hx_state_text(HX_STATE_DOWN), "down");
    static const char *const PHASES[] = {"resolve", "connect", "tls", "auth", "send", "receive"};
    assert_int_equal(sizeof PHASES / sizeof PHASES[0], HX_N_PHASES);
    for (int i = 0; i < HX_N_PHASES; i++) {
        assert_string_equal(hx_phase_text((enum hx_phase)i), PHASES[i]);
    }
}

static void only_blocked_stale_and_internal_are_ours(void **state)
{
    (void)state;
    for (int i = 0; i < HX_N_REASONS; i++) {
        const char *text = hx_reason_text((enum hx_reason)i);
        bool is_ours = strcmp(text, "blocked") == 0 || strcmp(text, "stale") == 0 ||
                       strcmp(text, "internal") == 0;
        assert_int_equal(hx_reason_is_ours((enum hx_reason)i), is_ours);
    }
}

static void every_errno_has_its_reason(void **state)
{
    (void)state;
    static const struct {
        int error;
        enum hx_reason reason;
    } TABLE[] = {
        {ECONNREFUSED, HX_REASON_REFUSED},     {ENOENT, HX_REASON_REFUSED},
        {EHOSTUNREACH, HX_REASON_UNREACHABLE}, {ENETUNREACH, HX_REASON_UNREACHABLE},
        {EHOSTDOWN, HX_REASON_UNREACHABLE},    {ENETDOWN, HX_REASON_UNREACHABLE},
        {ENONET, HX_REASON_UNREACHABLE},       {ETIMEDOUT, HX_REASON_TIMEOUT},
        {ECONNRESET, HX_REASON_CLOSED},        {EPIPE, HX_REASON_CLOSED},
        {ECONNABORTED, HX_REASON_CLOSED},      {ENOTCONN, HX_REASON_CLOSED},
        {ESHUTDOWN, HX_REASON_CLOSED},         {EPROTO, HX_REASON_PROTOCOL},
        {EBADMSG, HX_REASON_PROTOCOL},         {EMSGSIZE, HX_REASON_PROTOCOL},
        {EILSEQ, HX_REASON_PROTOCOL},
    };
    for (int error = 1; error <= LAST_ERRNO; error++) {
        enum hx_reason expected = HX_REASON_INTERNAL;
        for (size_t i = 0; i < sizeof TABLE / sizeof TABLE[0]; i++) {
            if (TABLE[i].error == error) {
                expected = TABLE[i].reason;
            }
        }
        assert_int_equal(hx_reason_from_errno(error), expected);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reasons_have_the_documented_texts),
        cmocka_unit_test(states_and_phases_have_the_documented_texts),
        cmocka_unit_test(only_blocked_stale_and_internal_are_ours),
        cmocka_unit_test(every_errno_has_its_reason),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
