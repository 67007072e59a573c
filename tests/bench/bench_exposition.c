/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How fast a page is written: 10,000 members, each a histogram of 12 buckets, a gauge and a
 * counter, in chunks of 64 KiB, on one thread. Prints megabytes per second of CPU time, the median
 * of the rounds, for each format. The budget, which includes sending, is 1,400.
 */
#include "metrics/exposition.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define N_MEMBERS 10000
#define N_BUCKETS 12
#define N_ROUNDS  21
#define CHUNK     65536

struct member {
    char *labels;
    size_t labels_len;
    struct hx_histogram_cells *cells;
};

struct world {
    struct member members[N_MEMBERS];
    struct hx_buckets buckets;
};

enum { DURATION, UP, FAILURES, N_FAMILIES };

static const struct hx_family shapes[N_FAMILIES] = {
    [DURATION] = {"health_check_duration_seconds", "Duration of checks.", HX_FAMILY_HISTOGRAM},
    [UP] = {"health_check_status", "Whether the dependency is up.", HX_FAMILY_GAUGE},
    [FAILURES] = {"dependency_check_failures_total", "Failed checks.", HX_FAMILY_COUNTER},
};

static size_t n_families(const void *source)
{
    (void)source;
    return N_FAMILIES;
}

static const struct hx_family *shape(const void *source, size_t family)
{
    (void)source;
    return &shapes[family];
}

static size_t n_members(const void *source, size_t family)
{
    (void)source;
    (void)family;
    return N_MEMBERS;
}

static void collect(const void *source, size_t family, size_t i, struct hx_samples *out)
{
    const struct world *world = source;
    const struct member *member = &world->members[i];
    struct hx_labels labels = {member->labels, member->labels_len};
    if (family == DURATION) {
        struct hx_histogram histogram = {.buckets = &world->buckets, .cells = member->cells};
        hx_samples_histogram(out, labels, &histogram);
    } else if (family == UP) {
        hx_samples_gauge(out, labels, HX_NO_LABELS, i % 10 == 0 ? 0 : 1);
    } else {
        hx_samples_counter(out, labels, HX_NO_LABELS, i);
    }
}

static bool member_init(struct member *member, const struct hx_buckets *buckets, size_t i)
{
    char name[32];
    snprintf(name, sizeof name, "dependency-%05zu", i);
    const char *const labels[] = {"dependency", name, "kind", "http", NULL};
    member->labels = hx_labels_format(labels);
    member->cells = calloc(1, hx_cells_size(buckets));
    if (member->labels == NULL || member->cells == NULL) {
        return false;
    }
    member->labels_len = strlen(member->labels);
    for (size_t n = 0; n < 100 + i % 100; n++) {
        hx_cells_observe(member->cells, buckets, (double)((n * 7919 + i) % 12000000) * 1e-6);
    }
    return true;
}

static double cpu_seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* Writes a page; gives its bytes per second of CPU time, 0 when out of memory. */
static double measure(const struct hx_collector *collector, enum hx_format format, size_t *bytes)
{
    struct hx_page page;
    struct hx_strbuf chunk;
    hx_strbuf_init(&chunk);
    hx_page_init(&page, format, collector, 1);
    *bytes = 0;
    double start = cpu_seconds();
    while (!page.is_done && !chunk.is_failed) {
        hx_strbuf_clear(&chunk);
        hx_page_write(&page, &chunk, CHUNK);
        *bytes += chunk.len;
    }
    double seconds = cpu_seconds() - start;
    bool is_failed = chunk.is_failed;
    hx_strbuf_fini(&chunk);
    return is_failed ? 0 : (double)*bytes / seconds;
}

static int compare(const void *a, const void *b)
{
    double left = *(const double *)a, right = *(const double *)b;
    return (left > right) - (left < right);
}

int main(void)
{
    static struct world world;
    world.buckets = hx_duration_buckets;
    world.buckets.n = N_BUCKETS;
    for (size_t i = 0; i < N_MEMBERS; i++) {
        if (!member_init(&world.members[i], &world.buckets, i)) {
            fprintf(stderr, "bench_exposition: out of memory\n");
            return 1;
        }
    }
    struct hx_collector collector = {&world, n_families, shape, n_members, collect};
    const char *const names[HX_N_TEXT_FORMATS] = {"text", "openmetrics"};
    for (int format = 0; format < HX_N_TEXT_FORMATS; format++) {
        double rates[N_ROUNDS];
        size_t bytes = 0;
        for (int round = 0; round < N_ROUNDS; round++) {
            rates[round] = measure(&collector, (enum hx_format)format, &bytes);
        }
        qsort(rates, N_ROUNDS, sizeof *rates, compare);
        printf("exposition %s: %.2f MB, %.0f MB per CPU-second [%.0f..%.0f]\n", names[format],
               (double)bytes / 1e6, rates[N_ROUNDS / 2] / 1e6, rates[0] / 1e6,
               rates[N_ROUNDS - 1] / 1e6);
    }
    for (size_t i = 0; i < N_MEMBERS; i++) {
        free(world.members[i].labels);
        free(world.members[i].cells);
    }
    return 0;
}
