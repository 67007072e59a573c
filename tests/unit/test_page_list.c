/* SPDX-License-Identifier: Apache-2.0 */
/* link: -Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc,--wrap=strdup */
/* Which dependencies stand on a page, in which order, under which heading. */
#include "web/page_list.h"

#include "failing_alloc.h"
#include "web_board.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

/* name, tags with a space between them, whether it is critical, its state (none: no result) */
struct entry {
    const char *name, *tags;
    bool is_critical;
    enum hx_state state;
};

static void put_tags(struct hx_strings *tags, const char *text)
{
    char *copy = strdup(text);
    char *rest = copy;
    tags->items = calloc(8, sizeof(*tags->items));
    assert_non_null(tags->items);
    for (char *tag = strsep(&rest, " "); tag != NULL; tag = strsep(&rest, " ")) {
        if (*tag != '\0')
            tags->items[tags->n++] = strdup(tag);
    }
    free(copy);
}

static struct hx_record *make_record(const struct entry *entry)
{
    struct hx_dependency *dependency = calloc(1, sizeof(*dependency));
    struct hx_record *record;
    assert_non_null(dependency);
    dependency->name = strdup(entry->name);
    dependency->kind = &web_board_kind;
    assert_int_equal(hx_options_default(hx_policy_options, &dependency->policy, NULL), HX_OK);
    dependency->policy.critical = entry->is_critical;
    put_tags(&dependency->policy.tags, entry->tags);
    assert_int_equal(hx_record_new(dependency, &record, NULL), HX_OK);
    if (entry->state != HX_STATE_UNKNOWN) {
        struct hx_status status = web_board_status(entry->state, HX_REASON_NONE, 1000);
        hx_record_publish(record, &status);
    }
    return record;
}

static struct hx_generation *make_generation(const struct entry *entries, size_t n)
{
    struct hx_record **records = calloc(n, sizeof(struct hx_record *));
    struct hx_generation *generation;
    assert_non_null(records);
    for (size_t i = 0; i < n; i++)
        records[i] = make_record(&entries[i]);
    assert_int_equal(hx_generation_new(records, n, NULL, &generation, NULL), HX_OK);
    free(records);
    return generation;
}

static const struct entry mixed[] = {
    {"a", "shop", true, HX_STATE_UP},     {"b", "", true, HX_STATE_UP},
    {"c", "pay shop", true, HX_STATE_UP}, {"d", "shop", false, HX_STATE_DOWN},
    {"e", "", true, HX_STATE_UNKNOWN},    {"f", "pay", true, HX_STATE_DEGRADED},
    {"g", "shop pay", true, HX_STATE_UP}, {"h", "pay", true, HX_STATE_DOWN},
    {"i", "", false, HX_STATE_UNKNOWN},   {"J", "pay", true, HX_STATE_UP},
};
#define N_MIXED (sizeof(mixed) / sizeof(mixed[0]))

/* The list as text: names, and "|" between sections with the section's number. */
static void expect_list(const struct hx_page_list *list, const struct hx_generation *generation,
                        const char *expected)
{
    struct hx_strbuf buf;
    uint32_t section = UINT32_MAX;
    hx_strbuf_init(&buf);
    for (size_t i = 0; i < list->n_entries; i++) {
        if (list->entries[i].section != section)
            hx_strbuf_printf(&buf, "%s%u:", i == 0 ? "" : "|", list->entries[i].section);
        section = list->entries[i].section;
        hx_strbuf_puts(&buf, generation->records[list->entries[i].index]->dependency->name);
    }
    assert_string_equal(hx_strbuf_text(&buf), expected);
    hx_strbuf_fini(&buf);
}

/* Asks for key=value (key NULL: everything) among the mixed ones. */
static void expect(const char *key, const char *value, const char *expected)
{
    struct hx_generation *generation = make_generation(mixed, N_MIXED);
    struct hx_page_query query = {.page = 1};
    struct hx_page_list list;
    if (key != NULL)
        hx_page_query_take(&query, key, value);
    assert_int_equal(
        hx_page_list_init(&list, generation, &query, HX_READY_DOWN, hx_clock_monotonic_ns()),
        HX_OK);
    expect_list(&list, generation, expected);
    assert_int_equal(list.n_matching, list.n_entries);
    hx_page_list_fini(&list);
    hx_generation_release(generation);
}

static void what_is_not_up_stands_first_the_worst_before_the_others(void **state)
{
    (void)state;
    /* Critical and down, critical and unknown, others, degraded; then by first tag. */
    expect(NULL, NULL, "0:hedif|1:ag|2:cJ|3:b");
}

static void filtered_dependencies_stand_by_their_first_tag(void **state)
{
    (void)state;
    expect("tag", "pay", "1:g|2:cfhJ");
    expect("tag", "none", "");
    expect("status", "unknown", "3:ei");
    expect("status", "up", "1:ag|2:cJ|3:b");
    expect("q", "j", "2:J");
}

static void counts_are_those_of_all_whatever_is_asked_for(void **state)
{
    (void)state;
    struct hx_generation *generation = make_generation(mixed, N_MIXED);
    struct hx_page_query query = {.page = 1};
    struct hx_page_list list;
    hx_page_query_take(&query, "q", "a");
    assert_int_equal(
        hx_page_list_init(&list, generation, &query, HX_READY_DEGRADED, hx_clock_monotonic_ns()),
        HX_OK);
    assert_int_equal(list.n_all, N_MIXED);
    assert_int_equal(list.n_matching, 1);
    assert_int_equal(list.n_in_state[HX_STATE_UP], 5);
    assert_int_equal(list.n_in_state[HX_STATE_DOWN], 2);
    assert_int_equal(list.n_in_state[HX_STATE_UNKNOWN], 2);
    assert_int_equal(list.n_in_state[HX_STATE_DEGRADED], 1);
    assert_int_equal(list.n_tags, 2);
    assert_string_equal(list.tags[0], "shop");
    assert_string_equal(list.tags[1], "pay");
    assert_false(list.has_not_up);
    assert_int_equal(list.n_not_up, 5);
    hx_page_list_fini(&list);
    hx_generation_release(generation);
}

static void nothing_is_why_a_service_is_up(void **state)
{
    (void)state;
    static const struct entry entries[] = {{"a", "", true, HX_STATE_UP},
                                           {"new", "", true, HX_STATE_UNKNOWN}};
    struct hx_generation *generation = make_generation(entries, 2);
    struct hx_page_query query = {.page = 1};
    struct hx_page_list list;
    assert_int_equal(
        hx_page_list_init(&list, generation, &query, HX_READY_UP, hx_clock_monotonic_ns()), HX_OK);
    expect_list(&list, generation, "0:new|1:a");
    assert_int_equal(list.n_worst, 0);
    assert_int_equal(list.n_not_up, 0);
    hx_page_list_fini(&list);
    hx_generation_release(generation);
}

static void only_critical_ones_are_why_a_service_is_down(void **state)
{
    (void)state;
    struct hx_generation *generation = make_generation(mixed, N_MIXED);
    struct hx_page_query query = {.page = 1};
    struct hx_page_list list;
    assert_int_equal(
        hx_page_list_init(&list, generation, &query, HX_READY_DOWN, hx_clock_monotonic_ns()),
        HX_OK);
    assert_int_equal(list.n_worst, 2);
    assert_int_equal(list.n_not_up, 2);
    assert_int_equal(list.worst[0], 7);
    assert_int_equal(list.worst[1], 4);
    assert_true(list.has_not_up);
    hx_page_list_fini(&list);
    hx_generation_release(generation);
}

#define N_MANY 1001

static void pages_join_without_a_gap(void **state)
{
    (void)state;
    static struct entry many[N_MANY];
    static char names[N_MANY][8];
    bool is_seen[N_MANY] = {false};
    for (size_t i = 0; i < N_MANY; i++) {
        snprintf(names[i], sizeof(names[i]), "n%zu", i);
        many[i] = (struct entry){names[i], i % 3 == 0 ? "x" : "y", true,
                                 i % 10 == 0 ? HX_STATE_DOWN : HX_STATE_UP};
    }
    struct hx_generation *generation = make_generation(many, N_MANY);
    for (size_t number = 1; number <= 7; number++) {
        struct hx_page_query query = {.page = number};
        struct hx_page_list list;
        assert_int_equal(
            hx_page_list_init(&list, generation, &query, HX_READY_DOWN, hx_clock_monotonic_ns()),
            HX_OK);
        assert_int_equal(list.n_pages, 6);
        assert_int_equal(list.n_entries, number < 6 ? HX_PAGE_ROWS : number == 6 ? 1 : 0);
        for (size_t i = 0; i < list.n_entries; i++) {
            assert_false(is_seen[list.entries[i].index]);
            is_seen[list.entries[i].index] = true;
            assert_int_equal(list.entries[i].section == HX_PAGE_NOT_UP,
                             list.entries[i].index % 10 == 0);
        }
        hx_page_list_fini(&list);
    }
    for (size_t i = 0; i < N_MANY; i++)
        assert_true(is_seen[i]);
    hx_generation_release(generation);
}

static void nothing_is_configured_before_the_first_generation(void **state)
{
    (void)state;
    struct hx_page_query query = {.page = 1};
    struct hx_page_list list;
    assert_int_equal(hx_page_list_init(&list, NULL, &query, HX_READY_STARTING, 1), HX_OK);
    assert_int_equal(list.n_all, 0);
    assert_int_equal(list.n_entries, 0);
    assert_int_equal(list.n_pages, 1);
    hx_page_list_fini(&list);
}

static void out_of_memory_is_reported(void **state)
{
    (void)state;
    struct hx_generation *generation = make_generation(mixed, N_MIXED);
    struct hx_page_query query = {.page = 1};
    bool is_failing = true;
    for (size_t n = 1; is_failing; n++) {
        struct hx_page_list list;
        failing_alloc_at(n);
        enum hx_errcode code =
            hx_page_list_init(&list, generation, &query, HX_READY_DOWN, hx_clock_monotonic_ns());
        is_failing = failing_alloc_was_reached();
        assert_int_equal(code, is_failing ? HX_ERR_NOMEM : HX_OK);
        if (code == HX_OK)
            hx_page_list_fini(&list);
    }
    hx_generation_release(generation);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_not_up_stands_first_the_worst_before_the_others),
        cmocka_unit_test(filtered_dependencies_stand_by_their_first_tag),
        cmocka_unit_test(counts_are_those_of_all_whatever_is_asked_for),
        cmocka_unit_test(nothing_is_why_a_service_is_up),
        cmocka_unit_test(only_critical_ones_are_why_a_service_is_down),
        cmocka_unit_test(pages_join_without_a_gap),
        cmocka_unit_test(nothing_is_configured_before_the_first_generation),
        cmocka_unit_test(out_of_memory_is_reported),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
