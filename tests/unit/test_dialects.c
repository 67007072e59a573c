/* SPDX-License-Identifier: Apache-2.0 */
/* Every dialect in every state, byte by byte against tests/golden/bodies, one file a dialect. */
#include "web/probes.h"

#include "web_board.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#define GOLDEN "tests/golden/bodies"
/* 2026-11-20T22:30:00.123Z */
#define WALL_NS INT64_C(1795213800123000000)

static const struct hx_kind postgres = {
    .name = "postgres", .options = web_board_options, .reasons = web_board_reasons};
static const struct hx_kind memory = {
    .name = "memory", .options = web_board_options, .reasons = web_board_reasons};

struct world {
    struct web_board b;
    int64_t now_ns;
    struct hx_strbuf text;
};

static void result(struct world *w, const char *name, enum hx_state state, enum hx_reason reason,
                   int64_t duration_ns)
{
    struct hx_status status = web_board_status(state, reason, duration_ns);
    status.last_run_wall_ns = WALL_NS;
    web_board_publish(&w->b, name, &status, true);
}

/* database and cache are critical, reco is not. */
static void set_up_world(struct world *w)
{
    static const char *const names[] = {"database", "-reco", "cache", NULL};
    *w = (struct world){0};
    web_board_init(&w->b, names);
    w->b.generation->records[0]->dependency->kind = &postgres;
    w->b.generation->records[2]->dependency->kind = &memory;
    hx_strbuf_init(&w->text);
    w->now_ns = hx_clock_monotonic_ns();
}

static void all_up(struct world *w)
{
    result(w, "database", HX_STATE_UP, HX_REASON_NONE, 3200000);
    result(w, "reco", HX_STATE_UP, HX_REASON_NONE, 12345678);
    result(w, "cache", HX_STATE_UP, HX_REASON_NONE, 800000);
}

/* Appends the answer under a title such as "GET /readyz, one is slow: 200". */
static void show(struct world *w, struct hx_question question, const char *title)
{
    struct hx_verdict verdict;
    struct hx_strbuf body;
    hx_strbuf_init(&body);
    question.generation = w->b.generation;
    question.now_ns = w->now_ns;
    hx_board_verdict_without(&w->b.board, w->b.generation,
                             question.selection == NULL ? NULL : question.selection->is_left_out,
                             w->now_ns, &verdict);
    question.verdict = &verdict;
    struct hx_reply reply = hx_probe_answer(&body, &question);
    hx_strbuf_printf(&w->text, "GET %s: %u\n", title, reply.status);
    hx_strbuf_puts(&w->text, hx_strbuf_text(&body));
    hx_strbuf_puts(&w->text, body.len > 0 && body.data[body.len - 1] == '\n' ? "\n" : "\n\n");
    hx_strbuf_fini(&body);
}

static void show_readyz(struct world *w, enum hx_dialect dialect, const char *state)
{
    char title[80];
    snprintf(title, sizeof(title), "/readyz, %s", state);
    show(w, (struct hx_question){.probe = HX_PROBE_READYZ, .dialect = dialect}, title);
}

static void show_dependency(struct world *w, enum hx_dialect dialect, const char *name,
                            const char *state)
{
    char title[80];
    snprintf(title, sizeof(title), "/health/%s, %s", name, state);
    show(w,
         (struct hx_question){.probe = HX_PROBE_DEPENDENCY,
                              .dialect = dialect,
                              .record = hx_generation_find(w->b.generation, name)},
         title);
}

static void show_states(struct world *w, enum hx_dialect dialect)
{
    atomic_store(&w->b.board.is_first_round_done, false);
    show_readyz(w, dialect, "starting");
    show(w, (struct hx_question){.probe = HX_PROBE_STARTUPZ, .dialect = dialect},
         "/startupz, starting");
    show_dependency(w, dialect, "database", "before its first check");
    all_up(w);
    atomic_store(&w->b.board.is_first_round_done, true);
    show_readyz(w, dialect, "up");
    show(w, (struct hx_question){.probe = HX_PROBE_STARTUPZ, .dialect = dialect}, "/startupz, up");
    show_dependency(w, dialect, "database", "up");
    result(w, "database", HX_STATE_DEGRADED, HX_REASON_NONE, 300000000);
    show_readyz(w, dialect, "a critical one is slow");
    show_dependency(w, dialect, "database", "slow");
    all_up(w);
    result(w, "reco", HX_STATE_DOWN, HX_REASON_TIMEOUT, 500300000);
    show_readyz(w, dialect, "one that is not critical is down");
    show_dependency(w, dialect, "reco", "down");
    result(w, "cache", HX_STATE_DOWN, HX_REASON_REFUSED, 200000);
    show_readyz(w, dialect, "a critical one is down");
    struct hx_status stale = web_board_status(HX_STATE_UP, HX_REASON_NONE, 800000);
    stale.last_run_wall_ns = WALL_NS;
    stale.fresh_until_ns = w->now_ns - 1;
    web_board_publish(&w->b, "cache", &stale, true);
    show_readyz(w, dialect, "a critical one is stale");
    show_dependency(w, dialect, "cache", "stale");
}

static void show_operators_wishes(struct world *w, enum hx_dialect dialect)
{
    struct hx_maintenance maintenance = {.is_on = true,
                                         .until_ns = w->now_ns + 597 * HX_NS_PER_S,
                                         .until_wall_ns = WALL_NS,
                                         .reason = "upgrade to \"15\""};
    all_up(w);
    hx_board_set_maintenance(&w->b.board, HX_MAINTENANCE_MANUAL, &maintenance);
    show_readyz(w, dialect, "maintenance");
    maintenance = (struct hx_maintenance){.is_on = true, .until_ns = INT64_MAX, .until_wall_ns = 0};
    hx_board_set_maintenance(&w->b.board, HX_MAINTENANCE_MANUAL, &maintenance);
    show_readyz(w, dialect, "open maintenance without a reason");
    maintenance.is_on = false;
    hx_board_set_maintenance(&w->b.board, HX_MAINTENANCE_MANUAL, &maintenance);
    atomic_store(&w->b.board.is_draining, true);
    show_readyz(w, dialect, "draining");
    atomic_store(&w->b.board.is_draining, false);
}

static void show_selection(struct world *w, enum hx_dialect dialect)
{
    static const char *const ignored[] = {"cash", "a\"b"};
    bool is_left_out[] = {false, false, true};
    struct hx_selection selection = {is_left_out, ignored, 2};
    result(w, "cache", HX_STATE_DOWN, HX_REASON_REFUSED, 200000);
    show(
        w,
        (struct hx_question){.probe = HX_PROBE_READYZ, .dialect = dialect, .selection = &selection},
        "/readyz?exclude=cache&exclude=cash&exclude=a\"b");
}

static void show_liveness(struct world *w, enum hx_dialect dialect)
{
    atomic_store(&w->b.board.heartbeat_ns, w->now_ns);
    show(w, (struct hx_question){.probe = HX_PROBE_LIVEZ, .dialect = dialect}, "/livez, up");
    atomic_store(&w->b.board.heartbeat_ns, w->now_ns - 17200 * HX_NS_PER_MS);
    show(w, (struct hx_question){.probe = HX_PROBE_LIVEZ, .dialect = dialect}, "/livez, stalled");
}

static void compare(const struct hx_strbuf *text, const char *name)
{
    char path[80];
    char golden[16384];
    snprintf(path, sizeof(path), GOLDEN "/%s.txt", name);
    FILE *file = fopen(path, "re");
    if (file == NULL)
        fail_msg("cannot open %s: run this test from the root of the repository", path);
    size_t len = fread(golden, 1, sizeof(golden) - 1, file);
    fclose(file);
    golden[len] = '\0';
    assert_string_equal(hx_strbuf_text(text), golden);
}

static void each_dialect_says_what_its_golden_file_says(void **state)
{
    (void)state;
    static const char *const files[HX_N_DIALECTS] = {[HX_DIALECT_JSON] = "json",
                                                     [HX_DIALECT_HEALTH_JSON] = "health+json",
                                                     [HX_DIALECT_SPRING] = "spring",
                                                     [HX_DIALECT_MICROPROFILE] = "microprofile",
                                                     [HX_DIALECT_KUBERNETES] = "kubernetes",
                                                     [HX_DIALECT_KUBERNETES_VERBOSE] =
                                                         "kubernetes-verbose"};
    for (unsigned dialect = 0; dialect < HX_N_DIALECTS; dialect++) {
        struct world w;
        set_up_world(&w);
        show_states(&w, (enum hx_dialect)dialect);
        show_operators_wishes(&w, (enum hx_dialect)dialect);
        show_selection(&w, (enum hx_dialect)dialect);
        show_liveness(&w, (enum hx_dialect)dialect);
        compare(&w.text, files[dialect]);
        hx_strbuf_fini(&w.text);
        web_board_fini(&w.b);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_dialect_says_what_its_golden_file_says),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
