/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What everybody asks again and again is prepared (bodies.h): readiness and startup in each
 * dialect, liveness and each dependency in our own JSON. The rest is rendered when it is asked for,
 * which takes a few milliseconds for ten thousand dependencies.
 */
#include "web/probe_routes.h"

#include "web/reply.h"

static enum MHD_Result send_fault(struct hx_exchange *exchange, const struct hx_fault *fault)
{
    return hx_exchange_send_error(exchange, fault->status, fault->sentence);
}

static enum MHD_Result send_body(struct hx_exchange *exchange, const struct hx_body *body)
{
    return body == NULL ? MHD_NO : hx_exchange_send(exchange, body->status, body->response);
}

static enum MHD_Result send_answer(struct hx_exchange *exchange, struct hx_question *question)
{
    struct hx_reply reply;
    question->now_ns = exchange->web->now_ns;
    struct MHD_Response *response = hx_bodies_answer(question, exchange->is_closing, &reply);
    return hx_exchange_send_take(exchange, reply.status, response);
}

enum MHD_Result hx_send_unknown_tag(struct hx_exchange *exchange, const char *tag)
{
    struct hx_strbuf sentence;
    hx_strbuf_init(&sentence);
    hx_strbuf_puts(&sentence, "no dependency has the tag \"");
    hx_strbuf_puts(&sentence, tag);
    hx_strbuf_putc(&sentence, '"');
    return hx_exchange_send_error_take(exchange, MHD_HTTP_NOT_FOUND, &sentence);
}

enum MHD_Result hx_livez_handle(struct hx_exchange *exchange)
{
    struct hx_query query;
    struct hx_verdict verdict = {0};
    const struct hx_fault *fault = hx_query_read(exchange, &query);
    if (fault != NULL)
        return send_fault(exchange, fault);
    verdict.is_live =
        hx_board_is_live(exchange->web->options.board, exchange->web->now_ns, &verdict.stalled_ns);
    if (verdict.is_live && query.dialect == HX_DIALECT_JSON)
        return hx_exchange_send_constant(exchange, MHD_HTTP_OK, HX_CONSTANT_LIVE);
    struct hx_question question = {.probe = HX_PROBE_LIVEZ,
                                   .dialect = query.dialect,
                                   .generation = hx_bodies_follow(&exchange->web->bodies),
                                   .verdict = &verdict};
    return send_answer(exchange, &question);
}

/* Readiness over some of the dependencies. */
static enum MHD_Result send_selected(struct hx_exchange *exchange, struct hx_query *query)
{
    struct hx_web *web = exchange->web;
    const struct hx_generation *generation = hx_bodies_follow(&web->bodies);
    const char *unknown_tag;
    struct hx_selection selection;
    struct hx_verdict verdict;
    enum hx_errcode code = hx_query_select(query, generation, &selection, &unknown_tag);
    if (code == HX_ERR_NOTFOUND)
        return hx_send_unknown_tag(exchange, unknown_tag);
    if (code != HX_OK)
        return MHD_NO;
    hx_board_verdict_without(web->options.board, generation, selection.is_left_out, web->now_ns,
                             &verdict);
    struct hx_question question = {.probe = HX_PROBE_READYZ,
                                   .dialect = query->dialect,
                                   .generation = generation,
                                   .selection = &selection,
                                   .verdict = &verdict};
    enum MHD_Result result = send_answer(exchange, &question);
    hx_selection_fini(&selection);
    return result;
}

enum MHD_Result hx_readyz_handle(struct hx_exchange *exchange)
{
    struct hx_query query;
    const struct hx_fault *fault = hx_query_read(exchange, &query);
    if (fault != NULL)
        return send_fault(exchange, fault);
    if (hx_query_is_selective(&query))
        return send_selected(exchange, &query);
    return send_body(exchange, hx_bodies_page(&exchange->web->bodies, HX_PAGE_READYZ, query.dialect,
                                              exchange->web->now_ns, exchange->is_closing));
}

enum MHD_Result hx_startupz_handle(struct hx_exchange *exchange)
{
    struct hx_query query;
    const struct hx_fault *fault = hx_query_read(exchange, &query);
    if (fault != NULL)
        return send_fault(exchange, fault);
    return send_body(exchange,
                     hx_bodies_page(&exchange->web->bodies, HX_PAGE_STARTUPZ, query.dialect,
                                    exchange->web->now_ns, exchange->is_closing));
}

static enum MHD_Result send_prepared_dependency(struct hx_exchange *exchange)
{
    const struct hx_body *body;
    enum hx_errcode code = hx_bodies_dependency(&exchange->web->bodies, exchange->name,
                                                exchange->web->now_ns, exchange->is_closing, &body);
    if (code == HX_ERR_NOTFOUND)
        return hx_exchange_send_unknown(exchange);
    return code == HX_OK ? send_body(exchange, body) : MHD_NO;
}

enum MHD_Result hx_dependency_handle(struct hx_exchange *exchange)
{
    struct hx_query query;
    const struct hx_fault *fault = hx_query_read(exchange, &query);
    if (fault != NULL)
        return send_fault(exchange, fault);
    if (query.dialect == HX_DIALECT_JSON)
        return send_prepared_dependency(exchange);
    const struct hx_generation *generation = hx_bodies_follow(&exchange->web->bodies);
    struct hx_question question = {
        .probe = HX_PROBE_DEPENDENCY,
        .dialect = query.dialect,
        .generation = generation,
        .record = generation == NULL ? NULL : hx_generation_find(generation, exchange->name)};
    return question.record == NULL ? hx_exchange_send_unknown(exchange)
                                   : send_answer(exchange, &question);
}
