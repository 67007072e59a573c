/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The cache of prepared bodies. The board's versions are read before its records are, so that a
 * body is never labelled newer than what it shows: a change in between only makes it render again.
 */
#include "web/bodies.h"

#include "base/clock.h"
#include "web/landing.h"
#include "web/probes.h"
#include "web/reply.h"

#include <stdlib.h>

/* How late a result may show that changed no verdict. */
#define MAX_AGE_NS (100 * HX_NS_PER_MS)

void hx_bodies_init(struct hx_bodies *bodies, struct hx_board *board, const char *title,
                    const char *telemetry_path)
{
    *bodies = (struct hx_bodies){.board = board,
                                 .title = title,
                                 .telemetry_path = telemetry_path,
                                 .verdict_version = UINT64_MAX};
}

static void drop(struct hx_body *body)
{
    if (body->response != NULL)
        MHD_destroy_response(body->response);
    *body = (struct hx_body){0};
}

static void drop_dependencies(struct hx_bodies *bodies)
{
    size_t n = bodies->generation == NULL ? 0 : bodies->generation->n;
    for (size_t i = 0; bodies->dependencies != NULL && i < n; i++)
        drop(&bodies->dependencies[i]);
    free(bodies->dependencies);
    bodies->dependencies = NULL;
    hx_generation_release(bodies->generation);
    bodies->generation = NULL;
}

void hx_bodies_fini(struct hx_bodies *bodies)
{
    drop_dependencies(bodies);
    for (size_t i = 0; i < HX_N_PAGE_KINDS; i++)
        drop(&bodies->pages[i]);
}

/* Follows the board to its current generation, whose bodies are none of the old one's. */
static void follow(struct hx_bodies *bodies)
{
    uint64_t version = atomic_load_explicit(&bodies->board->verdict_version, memory_order_acquire);
    if (version == bodies->verdict_version)
        return;
    struct hx_generation *current = hx_board_hold(bodies->board);
    if (current == bodies->generation) {
        hx_generation_release(current);
    } else {
        drop_dependencies(bodies);
        bodies->generation = current;
    }
    bodies->verdict_version = version;
}

static bool is_good(const struct hx_bodies *bodies, const struct hx_body *body, int64_t now_ns,
                    bool is_closing)
{
    const struct hx_board *board = bodies->board;
    if (body->response == NULL || body->is_closing != is_closing || now_ns > body->valid_until_ns ||
        body->verdict_version !=
            atomic_load_explicit(&board->verdict_version, memory_order_acquire))
        return false;
    return body->version == atomic_load_explicit(&board->version, memory_order_acquire) ||
           now_ns - body->made_ns <= MAX_AGE_NS;
}

/* What a body that is rendered from now on may be called. */
static struct hx_body begin(const struct hx_bodies *bodies, int64_t now_ns, bool is_closing)
{
    return (struct hx_body){.is_closing = is_closing,
                            .version =
                                atomic_load_explicit(&bodies->board->version, memory_order_acquire),
                            .verdict_version = bodies->verdict_version,
                            .made_ns = now_ns,
                            .valid_until_ns = INT64_MAX};
}

/* Puts the rendered body in the place of the old one; NULL when out of memory. */
static const struct hx_body *replace(struct hx_body *place, struct hx_body body,
                                     struct hx_strbuf *buf, const char *type)
{
    body.response = hx_response_take(buf, type, body.is_closing);
    if (body.response == NULL)
        return NULL;
    drop(place);
    *place = body;
    return place;
}

const struct hx_body *hx_bodies_page(struct hx_bodies *bodies, enum hx_page_kind kind,
                                     int64_t now_ns, bool is_closing)
{
    struct hx_body *place = &bodies->pages[kind];
    if (is_good(bodies, place, now_ns, is_closing))
        return place;
    follow(bodies);
    struct hx_body body = begin(bodies, now_ns, is_closing);
    struct hx_verdict verdict;
    struct hx_strbuf buf;
    const char *type = HX_TYPE_JSON;
    hx_strbuf_init(&buf);
    hx_board_verdict(bodies->board, bodies->generation, now_ns, &verdict);
    body.valid_until_ns = verdict.valid_until_ns;
    switch (kind) {
    case HX_PAGE_READYZ:
        body.status = hx_probe_readyz(&buf, bodies->generation, &verdict, now_ns);
        break;
    case HX_PAGE_STARTUPZ:
        body.status = hx_probe_startupz(&buf, bodies->generation, &verdict);
        break;
    case HX_PAGE_LANDING:
        body.status = MHD_HTTP_OK;
        type = HX_TYPE_HTML;
        hx_landing_render(&buf, bodies->generation, &verdict, now_ns, bodies->title,
                          bodies->telemetry_path);
        break;
    }
    return replace(place, body, &buf, type);
}

enum hx_errcode hx_bodies_dependency(struct hx_bodies *bodies, const char *name, int64_t now_ns,
                                     bool is_closing, const struct hx_body **body)
{
    follow(bodies);
    size_t n = bodies->generation == NULL ? 0 : bodies->generation->n;
    size_t index = n == 0 ? SIZE_MAX : hx_generation_index(bodies->generation, name);
    if (index == SIZE_MAX)
        return HX_ERR_NOTFOUND;
    if (bodies->dependencies == NULL)
        bodies->dependencies = calloc(n, sizeof(*bodies->dependencies));
    if (bodies->dependencies == NULL)
        return HX_ERR_NOMEM;
    struct hx_body *place = &bodies->dependencies[index];
    *body = place;
    if (is_good(bodies, place, now_ns, is_closing))
        return HX_OK;
    struct hx_body made = begin(bodies, now_ns, is_closing);
    struct hx_strbuf buf;
    hx_strbuf_init(&buf);
    made.status =
        hx_probe_dependency(&buf, bodies->generation->records[index], now_ns, &made.valid_until_ns);
    *body = replace(place, made, &buf, HX_TYPE_JSON);
    return *body != NULL ? HX_OK : HX_ERR_NOMEM;
}
