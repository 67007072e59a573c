/* SPDX-License-Identifier: Apache-2.0 */
/*
 * health_exporter check [NAME=URL...]: runs every check once, by the library, without a listener,
 * and says how each ended. 0 when the service could be ready with them, 1 when not.
 *
 * Each check has its own timeout, so that all end; a bound over all of them is for an exporter that
 * is itself in trouble.
 */
#include "cli/cli.h"
#include "cli/command.h"
#include "cli/configure.h"
#include "cli/outcome.h"
#include "cli/sharing.h"

#include "base/clock.h"
#include "base/units.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define POLL_NS  (20 * HX_NS_PER_MS)
#define SLACK_NS (10 * HX_NS_PER_S) /* beyond the longest timeout */

enum format { FORMAT_TEXT, FORMAT_JSON };

struct check_options {
    const char *config_file;
    int format;         /* enum format */
    int64_t timeout_ns; /* 0: as the dependencies need it */
    struct hx_sharing_options sharing;
    bool is_help;
};

static const char *const format_choices[] = {"text", "json", NULL};

static const struct hx_flag check_flags[] = {
    {"config.file", 0, HX_FLAG_TEXT, offsetof(struct check_options, config_file), "FILE",
     "Read dependencies and options from this YAML file.", NULL},
    {"format", 0, HX_FLAG_CHOICE, offsetof(struct check_options, format), "FORMAT",
     "Form of the answer on standard output: text or json. Default: text.", format_choices},
    {"timeout", 0, HX_FLAG_DURATION, offsetof(struct check_options, timeout_ns), "DURATION",
     "How long to wait for all results. Default: the longest timeout of a dependency, and 10s.",
     NULL},
    {"shard", 0, HX_FLAG_TEXT, offsetof(struct check_options, sharing.shard), "ORDINAL",
     HX_HELP_SHARD, NULL},
    {"total-shards", 0, HX_FLAG_TEXT, offsetof(struct check_options, sharing.total), "N",
     HX_HELP_TOTAL_SHARDS, NULL},
    {"help", 'h', HX_FLAG_SWITCH, offsetof(struct check_options, is_help), NULL,
     "Print this and exit.", NULL},
    {NULL, 0, HX_FLAG_SWITCH, 0, NULL, NULL, NULL},
};

static const char help[] =
    "Checks every dependency once and prints how each check ended; exit code 0 when all\n"
    "critical ones are up or degraded, 1 when not, 2 when the configuration is wrong.\n"
    "\n"
    "usage: health_exporter check [flags] [NAME=URL...]\n"
    "\n"
    "Dependencies of kind heartbeat report by themselves; they are shown as unknown.\n"
    "For example:\n"
    "\n"
    "  health_exporter check --config.file=checks.yml\n"
    "  health_exporter check --format=json cache=redis://cache:6379\n";

/* All dependencies, as they were last read. */
struct round {
    struct hx_exporter *exporter;
    struct hx_snapshot *snapshots;
    size_t n;
    int64_t bound_ns; /* how long all may take */
};

/* ---- what a terminal is shown ---- */

static bool is_terminal(int fd)
{
    const char *term = getenv("TERM");
    return isatty(fd) && (term == NULL || strcmp(term, "dumb") != 0);
}

/* https://no-color.org: present and not empty, whatever it says. */
static bool wants_colours(void)
{
    const char *no_color = getenv("NO_COLOR");
    return (no_color == NULL || no_color[0] == '\0') && is_terminal(STDOUT_FILENO);
}

static void show_progress(const struct round *round, size_t n_done, const char *awaited)
{
    fprintf(stderr, "\r\033[Kchecking: %zu of %zu done, waiting for %s", n_done, round->n, awaited);
    fflush(stderr);
}

static void end_progress(void)
{
    fputs("\r\033[K", stderr);
    fflush(stderr);
}

/* ---- the round ---- */

static bool is_awaited(const struct hx_snapshot *snapshot)
{
    return !snapshot->has_result && !snapshot->is_reported;
}

/* Reads those that are not done; returns how many are, and the first that is not. */
static size_t read_results(const struct round *round, const char **awaited)
{
    size_t n_done = 0;
    *awaited = NULL;
    for (size_t i = 0; i < round->n; i++) {
        struct hx_snapshot *snapshot = &round->snapshots[i];
        if (is_awaited(snapshot))
            (void)hx_exporter_dependency(round->exporter, i, snapshot);
        if (!is_awaited(snapshot))
            n_done++;
        else if (*awaited == NULL)
            *awaited = snapshot->name;
    }
    return n_done;
}

static void wait_for_results(const struct round *round)
{
    const struct timespec pause = {.tv_nsec = POLL_NS};
    bool has_progress = is_terminal(STDERR_FILENO);
    int64_t deadline_ns = hx_clock_monotonic_ns() + round->bound_ns;
    const char *awaited = NULL;
    size_t n_shown = SIZE_MAX;
    size_t n_done;
    while ((n_done = read_results(round, &awaited)) < round->n &&
           hx_clock_monotonic_ns() < deadline_ns) {
        if (has_progress && n_done != n_shown)
            show_progress(round, n_done, awaited);
        n_shown = n_done;
        nanosleep(&pause, NULL);
    }
    if (has_progress)
        end_progress();
}

/* What has no result when the time is over is not known to be anything. */
static void judge_missing(const struct round *round)
{
    char text[32];
    for (size_t i = 0; i < round->n; i++) {
        struct hx_snapshot *snapshot = &round->snapshots[i];
        if (!is_awaited(snapshot))
            continue;
        snapshot->state = HX_STATE_UNKNOWN;
        snapshot->reason = HX_REASON_TIMEOUT;
        snprintf(snapshot->message, sizeof(snapshot->message), "no result within %s",
                 hx_format_duration(round->bound_ns, text, sizeof(text)));
    }
}

static int print_outcome(const struct round *round, int format)
{
    struct hx_strbuf text;
    hx_strbuf_init(&text);
    if (format == FORMAT_JSON)
        hx_outcome_write_json(round->snapshots, round->n, &text);
    else
        hx_outcome_write_table(round->snapshots, round->n, wants_colours(), &text);
    int code = hx_cli_print(&text);
    enum hx_state state = hx_outcome_state(round->snapshots, round->n);
    return code == HX_EXIT_OK && state == HX_STATE_DOWN ? HX_EXIT_UNHEALTHY : code;
}

/* The dependencies as they are before the first result, and how long they may take. */
static bool begin_round(struct round *round)
{
    struct hx_snapshot snapshot;
    int64_t longest_ns = 0;
    for (; hx_exporter_dependency(round->exporter, round->n, &snapshot); round->n++)
        if (snapshot.timeout_ns > longest_ns)
            longest_ns = snapshot.timeout_ns;
    if (round->bound_ns == 0)
        round->bound_ns = longest_ns + SLACK_NS;
    round->snapshots = calloc(round->n + 1, sizeof(*round->snapshots));
    for (size_t i = 0; round->snapshots != NULL && i < round->n; i++)
        (void)hx_exporter_dependency(round->exporter, i, &round->snapshots[i]);
    return round->snapshots != NULL;
}

static int check(struct hx_exporter *exporter, int64_t bound_ns, int format)
{
    struct round round = {.exporter = exporter, .bound_ns = bound_ns};
    struct hx_error err = {0};
    if (hx_exporter_start(exporter, &err) != HX_OK)
        return hx_cli_usage_error(err.message);
    if (!begin_round(&round))
        return hx_cli_usage_error("out of memory");
    wait_for_results(&round);
    hx_exporter_stop(exporter);
    judge_missing(&round);
    int code = print_outcome(&round, format);
    free(round.snapshots);
    return code;
}

static int run(const void *data, char *const *arguments, size_t n)
{
    const struct check_options *options = data;
    struct hx_exporter *exporter = hx_exporter_new();
    if (exporter == NULL)
        return hx_cli_usage_error("out of memory");
    int code = hx_cli_configure(exporter, options->config_file, arguments, n);
    int share_code = hx_cli_share(exporter, &options->sharing);
    if (code == HX_EXIT_OK)
        code = share_code;
    if (code == HX_EXIT_OK)
        code = check(exporter, options->timeout_ns, options->format);
    hx_exporter_free(exporter);
    return code;
}

int hx_cli_check(int argc, char **argv)
{
    static const struct hx_command command = {check_flags, offsetof(struct check_options, is_help),
                                              help, run};
    struct check_options options = {0};
    return hx_command_run(&command, argc, argv, &options);
}
