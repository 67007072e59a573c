/* SPDX-License-Identifier: Apache-2.0 */
/* The replies of a Redis server: what ends one, what is none, and what the errors mean. */
#include "kinds/redis_reply.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

struct outcome {
    enum hx_redis_read read;
    enum hx_reason reason;
    struct hx_redis_reply reply;
    size_t n_left;
};

/* Feeds the bytes in pieces of the size, up to the first reply or failure. */
static struct outcome feed(struct hx_redis_input *input, const char *bytes, size_t len, size_t size)
{
    struct outcome outcome = {.read = HX_REDIS_READ_MORE};

    while (len > 0 && outcome.read == HX_REDIS_READ_MORE) {
        const char *piece = bytes;
        size_t piece_len = len < size ? len : size;
        outcome.read = hx_redis_read(input, &piece, &piece_len, &outcome.reply, &outcome.reason);
        outcome.n_left = len - (size_t)(piece - bytes);
        len -= (size_t)(piece - bytes);
        bytes = piece;
    }
    return outcome;
}

static struct outcome feed_text(const char *text)
{
    struct hx_redis_input input = {0};
    struct outcome outcome = feed(&input, text, strlen(text), strlen(text));

    hx_redis_input_clear(&input);
    return outcome;
}

static void reads_a_line_in_pieces_of_any_size(void **state)
{
    (void)state;
    const char *text = "+PONG\r\n";

    for (size_t size = 1; size <= strlen(text); size++) {
        struct hx_redis_input input = {0};
        struct outcome outcome = feed(&input, text, strlen(text), size);
        assert_int_equal(outcome.read, HX_REDIS_READ_REPLY);
        assert_false(outcome.reply.is_error);
        assert_string_equal(outcome.reply.text, "PONG");
        assert_int_equal(outcome.n_left, 0);
        hx_redis_input_clear(&input);
    }
}

static void reads_one_reply_after_the_other(void **state)
{
    (void)state;
    struct hx_redis_input input = {0};
    const char *bytes = "+OK\r\n-LOADING wait\r\n+PO";
    size_t len = strlen(bytes);
    struct hx_redis_reply reply;
    enum hx_reason reason;

    assert_int_equal(hx_redis_read(&input, &bytes, &len, &reply, &reason), HX_REDIS_READ_REPLY);
    assert_string_equal(reply.text, "OK");
    assert_int_equal(hx_redis_read(&input, &bytes, &len, &reply, &reason), HX_REDIS_READ_REPLY);
    assert_true(reply.is_error);
    assert_string_equal(reply.text, "LOADING wait");
    assert_int_equal(hx_redis_read(&input, &bytes, &len, &reply, &reason), HX_REDIS_READ_MORE);
    assert_int_equal(len, 0);
    hx_redis_input_clear(&input);
    hx_redis_input_clear(&input);
}

static void what_is_not_one_line_is_refused_at_its_first_byte(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "*2147483647\r\n",
        "*4294967296\r\n",
        "$2147483647\r\n",
        "$-5\r\n",
        "*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n",
        "%1\r\n",
        "_\r\n",
        ":1\r\n",
        "$4\r\nPONG\r\n",
        "HTTP/1.1 400 Bad Request\r\n",
        "\x15\x03\x03",
        "\r\n",
        "\n",
        "SSH-2.0-OpenSSH_9.2\r\n"};

    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        struct outcome outcome = feed_text(texts[i]);
        assert_int_equal(outcome.read, HX_REDIS_READ_FAILED);
        assert_int_equal(outcome.reason, HX_REASON_PROTOCOL);
        assert_int_equal(outcome.n_left, strlen(texts[i]));
    }
    assert_string_equal(feed_text("*1\r\n").reply.text, "a reply that begins with \"*\"");
    assert_string_equal(feed_text("\x15").reply.text, "a reply that begins with byte 0x15");
}

static void a_zero_byte_is_no_type(void **state)
{
    (void)state;
    struct hx_redis_input input = {0};
    struct outcome outcome = feed(&input, "\0\0", 2, 2);

    assert_int_equal(outcome.read, HX_REDIS_READ_FAILED);
    assert_int_equal(outcome.reason, HX_REASON_PROTOCOL);
    hx_redis_input_clear(&input);
}

static void a_line_without_its_end_is_waited_for(void **state)
{
    (void)state;

    assert_int_equal(feed_text("+OK").read, HX_REDIS_READ_MORE);
    assert_int_equal(feed_text("+OK\n").read, HX_REDIS_READ_MORE);
    assert_int_equal(feed_text("+OK\r").read, HX_REDIS_READ_MORE);
}

static void only_cr_and_lf_together_end_a_line(void **state)
{
    (void)state;

    assert_string_equal(feed_text("+a\nb\rc\r\r\n").reply.text, "a\nb\rc\r");
    assert_int_equal(feed_text("+a\n\rb").read, HX_REDIS_READ_MORE);
    assert_string_equal(feed_text("+\r\n").reply.text, "");
}

static void a_line_without_end_hits_the_cap(void **state)
{
    (void)state;
    char *text = malloc(HX_REDIS_MAX_BYTES + 2);
    struct hx_redis_input input = {0};

    memset(text, 'x', HX_REDIS_MAX_BYTES + 1);
    text[0] = '+';
    struct outcome outcome = feed(&input, text, HX_REDIS_MAX_BYTES, 1000);
    assert_int_equal(outcome.read, HX_REDIS_READ_MORE);
    outcome = feed(&input, "x", 1, 1);
    assert_int_equal(outcome.read, HX_REDIS_READ_FAILED);
    assert_int_equal(outcome.reason, HX_REASON_LIMIT);
    hx_redis_input_clear(&input);

    outcome = feed(&input, text, HX_REDIS_MAX_BYTES + 1, HX_REDIS_MAX_BYTES + 1);
    assert_int_equal(outcome.reason, HX_REASON_LIMIT);
    hx_redis_input_clear(&input);
    free(text);
}

static void many_replies_hit_the_cap_too(void **state)
{
    (void)state;
    struct hx_redis_input input = {0};
    struct outcome outcome = {0};
    int n = 0;

    do {
        outcome = feed(&input, "+OK\r\n", 5, 5);
        n++;
    } while (outcome.read == HX_REDIS_READ_REPLY);
    assert_int_equal(outcome.reason, HX_REASON_LIMIT);
    assert_int_equal(n, HX_REDIS_MAX_BYTES / 5 + 1);
    hx_redis_input_clear(&input);
}

static void text_stays_as_it_is_but_is_cut(void **state)
{
    (void)state;
    struct hx_redis_input input = {0};
    char text[400];

    assert_string_equal(feed_text("-ERR \x1b \xc3\xa9\r\n").reply.text, "ERR \x1b \xc3\xa9");
    assert_string_equal(feed(&input, "-a\0b\r\n", 6, 6).reply.text, "a?b");
    snprintf(text, sizeof(text), "-%0300d\r\n", 0);
    assert_int_equal(strlen(feed_text(text).reply.text), 159);
}

static void error_replies_have_their_reason(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        enum hx_reason reason;
    } rows[] = {
        {"NOAUTH Authentication required.", HX_REASON_AUTH},
        {"WRONGPASS invalid username-password pair or user is disabled.", HX_REASON_AUTH},
        {"NOPERM this user has no permissions to run the 'ping' command", HX_REASON_AUTH},
        {"DENIED Redis is running in protected mode", HX_REASON_AUTH},
        {"ERR invalid password", HX_REASON_AUTH},
        {"ERR AUTH <password> called without any password configured", HX_REASON_AUTH},
        {"ERR Client sent AUTH, but no password is set", HX_REASON_AUTH},
        {"ERR wrong number of arguments for 'auth' command", HX_REASON_AUTH},
        {"ERR operation not permitted", HX_REASON_AUTH},
        {"LOADING Redis is loading the dataset in memory", HX_REASON_UNAVAILABLE},
        {"BUSY Redis is busy running a script.", HX_REASON_UNAVAILABLE},
        {"MASTERDOWN Link with MASTER is down", HX_REASON_UNAVAILABLE},
        {"MISCONF Redis is configured to save RDB snapshots", HX_REASON_UNAVAILABLE},
        {"OOM command not allowed when used memory > 'maxmemory'.", HX_REASON_UNAVAILABLE},
        {"CLUSTERDOWN Hash slot not served", HX_REASON_UNAVAILABLE},
        {"TRYAGAIN Multiple keys request during rehashing of slot", HX_REASON_UNAVAILABLE},
        {"NOREPLICAS Not enough good replicas to write.", HX_REASON_UNAVAILABLE},
        {"ERR max number of clients reached", HX_REASON_UNAVAILABLE},
        {"ERR max number of clients + cluster connections reached", HX_REASON_UNAVAILABLE},
        {"READONLY You can't write against a read only replica.", HX_REASON_ASSERTION},
        {"ERR Protocol error: invalid multibulk length", HX_REASON_PROTOCOL},
        {"MOVED 3999 127.0.0.1:6381", HX_REASON_STATUS},
        {"ASK 3999 127.0.0.1:6381", HX_REASON_STATUS},
        {"ERR DB index is out of range", HX_REASON_STATUS},
        {"ERR SELECT is not allowed in cluster mode", HX_REASON_STATUS},
        {"ERR unknown command 'PING'", HX_REASON_STATUS},
        {"LOADING", HX_REASON_UNAVAILABLE},
        {"BUSYGROUP Consumer Group name already exists", HX_REASON_STATUS},
        {"NOAUTHORITY", HX_REASON_STATUS},
        {"loading", HX_REASON_STATUS},
        {"", HX_REASON_STATUS},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        assert_string_equal(hx_reason_text(hx_redis_error_reason(rows[i].text)),
                            hx_reason_text(rows[i].reason));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_a_line_in_pieces_of_any_size),
        cmocka_unit_test(reads_one_reply_after_the_other),
        cmocka_unit_test(what_is_not_one_line_is_refused_at_its_first_byte),
        cmocka_unit_test(a_zero_byte_is_no_type),
        cmocka_unit_test(a_line_without_its_end_is_waited_for),
        cmocka_unit_test(only_cr_and_lf_together_end_a_line),
        cmocka_unit_test(a_line_without_end_hits_the_cap),
        cmocka_unit_test(many_replies_hit_the_cap_too),
        cmocka_unit_test(text_stays_as_it_is_but_is_cut),
        cmocka_unit_test(error_replies_have_their_reason),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
