/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The cache of prepared bodies. The board's versions are read before its records are, so that a
 * body is never labelled newer than what it shows: a change in between only makes it render again.
 */
#include "web/bodies.h"

#include "base/clock.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

/* How late a result may show that changed no verdict. */
#define MAX_AGE_NS (100 * HX_NS_PER_MS)

void hx_bodies_init(struct hx_bodies *bodies, struct hx_board *board)
{
    *bodies = (struct hx_bodies){.board = board, .verdict_version = UINT64_MAX};
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
    for (size_t kind = 0; kind < HX_N_PAGE_KINDS; kind++) {
        for (size_t dialect = 0; dialect < HX_N_DIALECTS; dialect++)
            drop(&bodies->pages[kind][dialect]);
    }
}

/* Follows the board to its current generation, whose bodies are none of the old one's. */
const struct hx_generation *hx_bodies_follow(struct hx_bodies *bodies)
{
    uint64_t version = atomic_load_explicit(&bodies->board->verdict_version, memory_order_acquire);
    if (version == bodies->verdict_version)
        return bodies->generation;
    struct hx_generation *current = hx_board_hold(bodies->board);
    if (current == bodies->generation) {
        hx_generation_release(current);
    } else {
        drop_dependencies(bodies);
        bodies->generation = current;
    }
    bodies->verdict_version = version;
    return bodies->generation;
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

/* Puts the new body in the place of the old one; NULL when there is no response. */
static const struct hx_body *replace(struct hx_body *place, const struct hx_body *body)
{
    if (body->response == NULL)
        return NULL;
    drop(place);
    *place = *body;
    return place;
}

struct MHD_Response *hx_bodies_answer(const struct hx_question *question, bool is_closing,
                                      struct hx_reply *reply)
{
    struct hx_strbuf buf;
    char seconds[24];
    hx_strbuf_init(&buf);
    *reply = hx_probe_answer(&buf, question);
    struct MHD_Response *response =
        hx_response_take(&buf, hx_dialect_content_type(question->dialect), is_closing);
    response = hx_response_add(response, MHD_HTTP_HEADER_VARY, MHD_HTTP_HEADER_ACCEPT);
    if (reply->retry_after_seconds == 0)
        return response;
    snprintf(seconds, sizeof(seconds), "%" PRId64, reply->retry_after_seconds);
    return hx_response_add(response, MHD_HTTP_HEADER_RETRY_AFTER, seconds);
}

static void make_answer(struct hx_body *body, const struct hx_question *question)
{
    struct hx_reply reply;
    body->response = hx_bodies_answer(question, body->is_closing, &reply);
    body->status = reply.status;
    body->valid_until_ns = reply.valid_until_ns;
}

const struct hx_body *hx_bodies_page(struct hx_bodies *bodies, enum hx_page_kind kind,
                                     enum hx_dialect dialect, int64_t now_ns, bool is_closing)
{
    struct hx_body *place = &bodies->pages[kind][dialect];
    if (is_good(bodies, place, now_ns, is_closing))
        return place;
    hx_bodies_follow(bodies);
    struct hx_body body = begin(bodies, now_ns, is_closing);
    struct hx_verdict verdict;
    hx_board_verdict(bodies->board, bodies->generation, now_ns, &verdict);
    struct hx_question question = {.probe = kind == HX_PAGE_STARTUPZ ? HX_PROBE_STARTUPZ
                                                                     : HX_PROBE_READYZ,
                                   .dialect = dialect,
                                   .generation = bodies->generation,
                                   .verdict = &verdict,
                                   .now_ns = now_ns};
    make_answer(&body, &question);
    return replace(place, &body);
}

enum hx_errcode hx_bodies_dependency(struct hx_bodies *bodies, const char *name, int64_t now_ns,
                                     bool is_closing, const struct hx_body **body)
{
    hx_bodies_follow(bodies);
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
    struct hx_question question = {.probe = HX_PROBE_DEPENDENCY,
                                   .dialect = HX_DIALECT_JSON,
                                   .generation = bodies->generation,
                                   .record = bodies->generation->records[index],
                                   .now_ns = now_ns};
    make_answer(&made, &question);
    *body = replace(place, &made);
    return *body != NULL ? HX_OK : HX_ERR_NOMEM;
}
