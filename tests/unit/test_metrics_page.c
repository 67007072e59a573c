/* SPDX-License-Identifier: Apache-2.0 */
/* The metrics page as it is asked for: compressed, and in parts. */
/* link: -lz */
#include "web_server.h"

#include <zlib.h>

/* Asks for the metrics page, with more of a target and of a head; the body without its chunks. */
static void get_metrics(struct fixture *f, const char *query, const char *fields,
                        struct web_reply *reply)
{
    char request[512];
    snprintf(request, sizeof(request),
             "GET /metrics%s HTTP/1.1\r\nHost: t\r\nConnection: close\r\n%s\r\n", query, fields);
    web_ask(f->port, request, reply);
    assert_int_equal(reply->status, 200);
    assert_true(web_header_is(reply, "Vary", "Accept, Accept-Encoding"));
    assert_true(web_reply_dechunk(reply));
}

static void metrics_are_compressed_for_those_who_take_it(void **state)
{
    struct fixture *f = *state;
    struct web_reply plain, packed, head;
    char text[4096];
    fill(f->registry);
    get_metrics(f, "?name[]=filler", "", &plain);
    assert_null(web_header(&plain, "Content-Encoding"));
    get_metrics(f, "?name[]=filler", "Accept-Encoding: gzip\r\n", &packed);
    assert_true(web_header_is(&packed, "Content-Encoding", "gzip"));
    assert_true(packed.body_len < plain.body_len / 5);
    z_stream stream = {.next_in = (Bytef *)packed.body, .avail_in = (uInt)packed.body_len};
    assert_int_equal(inflateInit2(&stream, 15 + 16), Z_OK);
    size_t compared = 0;
    int code = Z_OK;
    while (code == Z_OK) {
        stream.next_out = (Bytef *)text;
        stream.avail_out = sizeof(text);
        code = inflate(&stream, Z_NO_FLUSH);
        size_t n = sizeof(text) - stream.avail_out;
        assert_true(n <= plain.body_len - compared);
        assert_memory_equal(plain.body + compared, text, n);
        compared += n;
    }
    assert_int_equal(code, Z_STREAM_END);
    assert_int_equal(stream.avail_in, 0);
    assert_int_equal(compared, plain.body_len);
    inflateEnd(&stream);
    web_ask(f->port, "HEAD /metrics HTTP/1.1\r\nHost: t\r\nAccept-Encoding: gzip\r\n\r\n", &head);
    assert_true(web_header_is(&head, "Content-Encoding", "gzip"));
    assert_true(web_header_is(&head, "Vary", "Accept, Accept-Encoding"));
    assert_int_equal(head.body_len, 0);
    web_reply_fini(&head);
    web_reply_fini(&plain);
    web_reply_fini(&packed);
}

static void families_are_asked_for_by_name(void **state)
{
    struct fixture *f = *state;
    struct web_reply reply;
    get_metrics(f, "?name[]=health_service_ready&name%5B%5D=health_service_live&other=1",
                "Accept-Encoding: gzip\r\n", &reply);
    assert_null(web_header(&reply, "Content-Encoding")); /* too small for that */
    assert_non_null(strstr(reply.body, "\nhealth_service_ready 1\n"));
    assert_int_equal(count(reply.body, "# TYPE "), 2);
    web_reply_fini(&reply);
    get_metrics(f, "?name[]=health_exporter_http_requests", "", &reply);
    assert_non_null(strstr(reply.body, "\nhealth_exporter_http_requests_total{"));
    assert_int_equal(count(reply.body, "# TYPE "), 1);
    web_reply_fini(&reply);
    get_metrics(f, "?name[]=health_service&name[]", "", &reply);
    assert_int_equal(reply.body_len, 0);
    web_reply_fini(&reply);
}

static void a_scrape_shows_size_and_duration_of_the_one_before(void **state)
{
    struct fixture *f = *state;
    struct web_reply first, second;
    char expected[64];
    get_metrics(f, "", "Accept-Encoding: gzip\r\n", &first);
    snprintf(expected, sizeof(expected), "\nhealth_exporter_scrape_sent_bytes %zu\n",
             first.body_len);
    web_reply_fini(&first);
    get_metrics(f, "", "", &first);
    assert_non_null(strstr(first.body, expected));
    assert_non_null(strstr(first.body, "\nhealth_exporter_http_connections 1\n"));
    get_metrics(f, "", "", &second);
    snprintf(expected, sizeof(expected), "\nhealth_exporter_scrape_bytes %zu\n", first.body_len);
    assert_non_null(strstr(second.body, expected));
    snprintf(expected, sizeof(expected), "\nhealth_exporter_scrape_sent_bytes %zu\n",
             first.body_len);
    assert_non_null(strstr(second.body, expected));
    assert_null(strstr(second.body, "\nhealth_exporter_scrape_duration_seconds 0\n"));
    web_reply_fini(&first);
    web_reply_fini(&second);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SERVED(metrics_are_compressed_for_those_who_take_it),
        SERVED(families_are_asked_for_by_name),
        SERVED(a_scrape_shows_size_and_duration_of_the_one_before),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
