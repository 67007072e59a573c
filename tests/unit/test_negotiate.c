/* SPDX-License-Identifier: Apache-2.0 */
/* Accept headers as scrapers, browsers and curl send them, and as nobody should. */
#include "web/negotiate.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define PROTOBUF \
    "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited"
#define OM_1  "application/openmetrics-text; version=1.0.0; charset=utf-8"
#define OM_0  "application/openmetrics-text; version=0.0.1; charset=utf-8"
#define TEXT4 "text/plain; version=0.0.4; charset=utf-8"

static void expect(const char *accept, const char *content_type)
{
    struct hx_negotiated n = hx_negotiate(accept);
    assert_string_equal(n.content_type, content_type);
    enum hx_format format = HX_FORMAT_OPENMETRICS;
    if (strcmp(content_type, TEXT4) == 0)
        format = HX_FORMAT_TEXT;
    else if (strcmp(content_type, PROTOBUF) == 0)
        format = HX_FORMAT_PROTOBUF;
    assert_int_equal(n.format, format);
}

static void prometheus_gets_openmetrics(void **state)
{
    (void)state;
    expect("application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,"
           "application/openmetrics-text;version=0.0.1;q=0.5,"
           "text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,"
           "text/plain;version=0.0.4;q=0.3,*/*;q=0.2",
           OM_1);
}

static void prometheus_with_native_histograms_gets_protobuf(void **state)
{
    (void)state;
    /* As 3.x sends it, and as 2.42 did. */
    expect("application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;"
           "encoding=delimited;q=0.6,"
           "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.5,"
           "application/openmetrics-text;version=0.0.1;q=0.4,"
           "text/plain;version=1.0.0;escaping=allow-utf-8;q=0.3,"
           "text/plain;version=0.0.4;q=0.2,*/*;q=0.1",
           PROTOBUF);
    expect("application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;"
           "encoding=delimited,application/openmetrics-text;version=1.0.0;q=0.8,"
           "application/openmetrics-text;version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,"
           "*/*;q=0.1",
           PROTOBUF);
    expect("application/vnd.google.protobuf; encoding=\"delimited\"; "
           "proto=\"io.prometheus.client.MetricFamily\"",
           PROTOBUF);
}

static void other_protobuf_is_not_ours(void **state)
{
    (void)state;
    expect("application/vnd.google.protobuf", TEXT4);
    expect("application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=text",
           TEXT4);
    expect("application/vnd.google.protobuf;proto=other;encoding=delimited,"
           "application/openmetrics-text;version=1.0.0;q=0.1",
           OM_1);
}

static void gzip_is_for_those_who_take_it(void **state)
{
    (void)state;
    static const char *const yes[] = {
        "gzip", "GZIP",       "x-gzip",           "deflate, gzip;q=0.5, br",
        "*",    "gzip;q=1.0", "identity, *;q=0.1"};
    static const char *const no[] = {
        NULL, "", "identity", "gzip;q=0", "deflate", "gzip;q=0.000, *", "br, zstd, *;q=0", "gzi"};
    for (size_t i = 0; i < sizeof(yes) / sizeof(yes[0]); i++)
        assert_true(hx_negotiate_gzip(yes[i]));
    for (size_t i = 0; i < sizeof(no) / sizeof(no[0]); i++)
        assert_false(hx_negotiate_gzip(no[i]));
}

static void openmetrics_without_a_version_is_the_old_one(void **state)
{
    (void)state;
    expect("application/openmetrics-text", OM_0);
    expect("application/openmetrics-text; version=0.0.1,text/plain;q=0.5", OM_0);
    expect("Application/OpenMetrics-Text ; Version=\"1.0.0\"", OM_1);
}

static void highest_quality_wins_and_the_earlier_of_equals(void **state)
{
    (void)state;
    expect("application/openmetrics-text;version=1.0.0;q=0.2,text/plain;q=0.9", TEXT4);
    expect("text/plain;q=0.5,application/openmetrics-text;version=1.0.0;q=0.500", TEXT4);
    expect("text/plain;q=0.5,application/openmetrics-text;version=1.0.0;q=0.501", OM_1);
    expect("application/openmetrics-text;version=1.0.0;q=0,text/plain;q=0.001", TEXT4);
}

static void whatever_does_not_match_gets_text(void **state)
{
    (void)state;
    static const char *const accepts[] = {
        NULL,
        "",
        "*/*",
        "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8",
        "application/json",
        "application/openmetrics-text;version=2.0.0",
        "application/openmetrics-text;version=1.0.0;q=0",
        "/;q=0.1",
        ",,;;==;q=,q=;q",
        ";q=1",
        "application/openmetrics-textual",
        "text/plain;version=1.0.0;escaping=allow-utf-8",
    };
    for (size_t i = 0; i < sizeof(accepts) / sizeof(accepts[0]); i++)
        expect(accepts[i], TEXT4);
}

static void junk_beside_a_good_range_does_not_hide_it(void **state)
{
    (void)state;
    expect("/;q=0.1, ;, application/openmetrics-text;version=1.0.0;q=abc", OM_1);
    expect("\t application/openmetrics-text\t;\tversion=1.0.0\t;\tq=0.5\t", OM_1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(prometheus_gets_openmetrics),
        cmocka_unit_test(prometheus_with_native_histograms_gets_protobuf),
        cmocka_unit_test(other_protobuf_is_not_ours),
        cmocka_unit_test(gzip_is_for_those_who_take_it),
        cmocka_unit_test(openmetrics_without_a_version_is_the_old_one),
        cmocka_unit_test(highest_quality_wins_and_the_earlier_of_equals),
        cmocka_unit_test(whatever_does_not_match_gets_text),
        cmocka_unit_test(junk_beside_a_good_range_does_not_hide_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
