/* SPDX-License-Identifier: Apache-2.0 */
/* health_exporter [flags] [NAME=URL...]: what it is told by flags, and then serve.c. */
#include "assemble.h"
#include "base/clock.h"
#include "base/units.h"
#include "cli/cli.h"
#include "cli/command.h"
#include "cli/configure.h"
#include "cli/print_dashboard.h"
#include "cli/print_rules.h"
#include "cli/serve.h"
#include "cli/sharing.h"
#include "config/schema.h"
#include "health_exporter.h"
#include "kinds/kinds.h"

#include <stdio.h>
#include <unistd.h>

/* For load balancers to see that it is not ready and look elsewhere. */
#define DEFAULT_SHUTDOWN_DELAY_NS (5 * HX_NS_PER_S)

#define DEFAULT_HISTORY_NS (24 * 3600 * HX_NS_PER_S)

struct run_options {
    const char *config_file;
    bool is_check_only;
    bool is_schema;
    bool is_rules;
    bool is_dashboard;
    struct hx_flag_texts listen_addresses;
    const char *telemetry_path;
    const char *web_config_file;
    int64_t history_ns;
    bool has_native_histograms;
    struct hx_sharing_options sharing;
    const char *engine_threads;
    bool is_lifecycle_enabled;
    int64_t shutdown_delay_ns;
    int log_level;  /* enum hx_log_level */
    int log_format; /* enum hx_log_format */
    bool is_version;
    bool is_help;
};

static const char *const level_choices[] = {"debug", "info", "warn", "error", NULL};
static const char *const format_choices[] = {"logfmt", "json", NULL};

static const struct hx_flag run_flags[] = {
    {"config.file", 0, HX_FLAG_TEXT, offsetof(struct run_options, config_file), "FILE",
     "Read dependencies and options from this YAML file.", NULL},
    {"config.check", 0, HX_FLAG_SWITCH, offsetof(struct run_options, is_check_only), NULL,
     "Check the configuration, print what is wrong with it, and exit with 0 or 2.", NULL},
    {"config.schema", 0, HX_FLAG_SWITCH, offsetof(struct run_options, is_schema), NULL,
     "Print the JSON Schema of the configuration file, for editors, and exit.", NULL},
    {"print-alert-rules", 0, HX_FLAG_SWITCH, offsetof(struct run_options, is_rules), NULL,
     "Print alerting rules for Prometheus, made to measure for the configuration, and exit.", NULL},
    {"print-dashboard", 0, HX_FLAG_SWITCH, offsetof(struct run_options, is_dashboard), NULL,
     "Print a dashboard for Grafana, made to measure for the configuration, and exit.", NULL},
    {"web.listen-address", 0, HX_FLAG_TEXTS, offsetof(struct run_options, listen_addresses),
     "ADDRESS",
     "Address to listen on: HOST:PORT, :PORT or unix:/PATH. May be repeated. "
     "Default: :10119.",
     NULL},
    {"web.telemetry-path", 0, HX_FLAG_TEXT, offsetof(struct run_options, telemetry_path), "PATH",
     "Path of the metrics page. Default: /metrics.", NULL},
    {"web.config.file", 0, HX_FLAG_TEXT, offsetof(struct run_options, web_config_file), "FILE",
     "Read TLS, users, networks and limits of the listeners from this YAML file.", NULL},
    {"web.history", 0, HX_FLAG_DURATION, offsetof(struct run_options, history_ns), "DURATION",
     "How far back the status page shows each dependency: 1h to 30d, or 0 for not at all. Default: "
     "24h.",
     NULL},
    {"web.enable-lifecycle", 0, HX_FLAG_SWITCH, offsetof(struct run_options, is_lifecycle_enabled),
     NULL, "Allow reloads and maintenance over HTTP: /-/reload, /-/maintenance.", NULL},
    {"metrics.native-histograms", 0, HX_FLAG_SWITCH,
     offsetof(struct run_options, has_native_histograms), NULL,
     "Keep native histograms too, for Prometheus servers that scrape them.", NULL},
    {"shard", 0, HX_FLAG_TEXT, offsetof(struct run_options, sharing.shard), "ORDINAL",
     HX_HELP_SHARD, NULL},
    {"total-shards", 0, HX_FLAG_TEXT, offsetof(struct run_options, sharing.total), "N",
     HX_HELP_TOTAL_SHARDS, NULL},
    {"engine.threads", 0, HX_FLAG_TEXT, offsetof(struct run_options, engine_threads), "N",
     "Share the checks among this many threads, 1 to 64: when one core is not enough. Default: 1.",
     NULL},
    {"shutdown.delay", 0, HX_FLAG_DURATION, offsetof(struct run_options, shutdown_delay_ns),
     "DURATION",
     "On SIGTERM, how long to be not ready but go on serving; a second signal ends it. Default: "
     "5s.",
     NULL},
    {"log.level", 0, HX_FLAG_CHOICE, offsetof(struct run_options, log_level), "LEVEL",
     "Least severe lines to log: debug, info, warn or error. Default: info.", level_choices},
    {"log.format", 0, HX_FLAG_CHOICE, offsetof(struct run_options, log_format), "FORMAT",
     "Form of the log lines on standard error: logfmt or json. Default: logfmt.", format_choices},
    {"version", 0, HX_FLAG_SWITCH, offsetof(struct run_options, is_version), NULL,
     "Print the version and exit.", NULL},
    {"help", 'h', HX_FLAG_SWITCH, offsetof(struct run_options, is_help), NULL,
     "Print this and exit.", NULL},
    {NULL, 0, HX_FLAG_SWITCH, 0, NULL, NULL, NULL},
};

static const char help[] =
    "Checks the dependencies of a service and serves /metrics, /livez, /readyz, /startupz.\n"
    "\n"
    "usage: health_exporter [flags] [NAME=URL...]\n"
    "       health_exporter check [NAME=URL...]   check everything once; exit code 0 or 1\n"
    "       health_exporter wait [URL]            wait until a running exporter is ready\n"
    "       health_exporter get PATH|URL          ask a running exporter; exit code 0 or 1\n"
    "       health_exporter kinds [NAME]          explain what can be checked, and how\n"
    "Each of them explains itself with --help.\n"
    "\n"
    "With neither file nor NAME=URL it checks this host's disk and memory. For example:\n"
    "\n"
    "  health_exporter database=postgresql://health@db/app cache=redis://cache:6379 \\\n"
    "      api=https://api.example.com/health\n";

static int print_version(void)
{
    struct hx_strbuf text;
    hx_strbuf_init(&text);
    hx_strbuf_printf(&text, "health_exporter, version %s (revision: %s)\n", hx_version(),
                     hx_revision());
    return hx_cli_print(&text);
}

static int print_schema(void)
{
    struct hx_strbuf text;
    hx_strbuf_init(&text);
    hx_config_schema(hx_kinds, &text);
    return hx_cli_print(&text);
}

static int print_verdict(void)
{
    struct hx_strbuf text;
    hx_strbuf_init(&text);
    hx_strbuf_puts(&text, "the configuration has no errors\n");
    return hx_cli_print(&text);
}

/* Prints what is made to measure for the configuration, or for what is checked without one. */
static int print_for(struct hx_exporter *exporter,
                     void (*write)(const struct hx_config *config, struct hx_strbuf *out))
{
    struct hx_strbuf text;
    hx_strbuf_init(&text);
    if (hx_config_add_defaults(exporter, &exporter->config, &exporter->diagnostics) == HX_OK)
        write(&exporter->config, &text);
    else
        text.is_failed = true;
    return hx_cli_print(&text);
}

/* The sockets that systemd gives, and the addresses; one of them must be there. */
static enum hx_errcode prepare_listeners(struct hx_exporter *exporter,
                                         const struct run_options *options, struct hx_error *err)
{
    size_t n_adopted = 0;
    enum hx_errcode code = hx_systemd_adopt(exporter, &n_adopted, err);
    if (code == HX_OK && options->listen_addresses.n == 0 && n_adopted == 0)
        code = hx_exporter_listen(exporter, HX_DEFAULT_LISTEN_ADDRESS, err);
    for (size_t i = 0; code == HX_OK && i < options->listen_addresses.n; i++)
        code = hx_exporter_listen(exporter, options->listen_addresses.items[i], err);
    return code;
}

static enum hx_errcode set_history(struct hx_exporter *exporter, int64_t span_ns,
                                   struct hx_error *err)
{
    enum hx_errcode code = hx_exporter_history(exporter, span_ns, err);
    return code == HX_OK ? code : hx_error_wrap(err, code, "--web.history");
}

static enum hx_errcode set_threads(struct hx_exporter *exporter, const char *text,
                                   struct hx_error *err)
{
    struct hx_error why = {0};
    int64_t n = 1;
    if (text != NULL && hx_parse_int(text, 1, HX_MAX_ENGINE_THREADS, &n, &why) != HX_OK)
        return hx_error_set(err, HX_ERR_INVALID, "--engine.threads=%.40s: %s", text, why.message);
    return hx_exporter_engine_threads(exporter, (size_t)n, err);
}

/* What flags say beside the configuration; nothing is opened by it. */
static int set_up(struct hx_exporter *exporter, const struct run_options *options)
{
    struct hx_error err = {0};
    enum hx_errcode code = HX_OK;
    if (options->telemetry_path != NULL)
        code = hx_exporter_telemetry_path(exporter, options->telemetry_path, &err);
    if (code == HX_OK)
        code = set_history(exporter, options->history_ns, &err);
    if (code == HX_OK)
        code = set_threads(exporter, options->engine_threads, &err);
    hx_exporter_enable_lifecycle(exporter, options->is_lifecycle_enabled);
    hx_exporter_enable_native_histograms(exporter, options->has_native_histograms);
    return code == HX_OK ? HX_EXIT_OK : hx_cli_usage_error(err.message);
}

static int serve(struct hx_exporter *exporter, const struct run_options *options)
{
    struct hx_systemd systemd;
    struct hx_error err = {0};
    hx_systemd_init(&systemd);
    enum hx_errcode code = prepare_listeners(exporter, options, &err);
    if (code == HX_OK)
        code = hx_exporter_log(exporter, STDERR_FILENO, (enum hx_log_level)options->log_level,
                               (enum hx_log_format)options->log_format, &err);
    if (code != HX_OK)
        return hx_cli_usage_error(err.message);
    return hx_serve(exporter, &systemd, options->shutdown_delay_ns);
}

static int read_web_config(struct hx_exporter *exporter, const char *path)
{
    if (path == NULL || hx_exporter_web_config(exporter, path, NULL) == HX_OK)
        return HX_EXIT_OK;
    fputs(hx_exporter_diagnostics(exporter), stderr);
    return HX_EXIT_USAGE;
}

static int run_ready(struct hx_exporter *exporter, const struct run_options *options)
{
    if (options->is_rules)
        return print_for(exporter, hx_print_rules);
    if (options->is_dashboard)
        return print_for(exporter, hx_print_dashboard);
    return options->is_check_only ? print_verdict() : serve(exporter, options);
}

/* All that is wrong is told, in whichever file or flag it is. */
static int run_configured(const struct run_options *options, char *const *arguments, size_t n)
{
    bool is_printing = options->is_rules || options->is_dashboard || options->is_check_only;
    struct hx_exporter *exporter = hx_exporter_new();
    if (exporter == NULL)
        return hx_cli_usage_error("out of memory");
    /* Before a long configuration is read: a reload that is asked for meanwhile ends nothing. */
    if (!is_printing)
        hx_serve_block_signals();
    bool is_good = hx_cli_configure(exporter, options->config_file, arguments, n) == HX_EXIT_OK;
    is_good &= read_web_config(exporter, options->web_config_file) == HX_EXIT_OK;
    is_good &= hx_cli_share(exporter, &options->sharing) == HX_EXIT_OK;
    is_good &= set_up(exporter, options) == HX_EXIT_OK;
    int code = is_good ? run_ready(exporter, options) : HX_EXIT_USAGE;
    hx_exporter_free(exporter);
    return code;
}

static int run(const void *data, char *const *arguments, size_t n)
{
    const struct run_options *options = data;
    if (options->is_version)
        return print_version();
    return options->is_schema ? print_schema() : run_configured(options, arguments, n);
}

int hx_cli_run(int argc, char **argv)
{
    static const struct hx_command command = {run_flags, offsetof(struct run_options, is_help),
                                              help, run};
    struct run_options options = {.log_level = HX_LOG_INFO,
                                  .history_ns = DEFAULT_HISTORY_NS,
                                  .shutdown_delay_ns = DEFAULT_SHUTDOWN_DELAY_NS};
    return hx_command_run(&command, argc, argv, &options);
}
