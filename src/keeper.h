/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The keeper: one thread for what may block and may be late, so that neither the engine nor the web
 * does it: reloads that were asked for, and looking at files and the calendar once a second while
 * there is something to look at. Otherwise it sleeps.
 */
#ifndef HX_KEEPER_H
#define HX_KEEPER_H

#include "health_exporter/exporter.h"
#include "web/server.h"

struct hx_keeper;

/* Why it polls; it does while there is any reason. */
enum hx_poll_reason {
    HX_POLL_CONFIGURED, /* a file or a window of the configuration */
    HX_POLL_MANUAL,     /* maintenance that will end by itself */
};

struct hx_keeper_options {
    void *data;
    /* On the keeper's thread; reload is zeroed, filled by it, and ended by the keeper. */
    void (*reload)(void *data, struct hx_reload *reload);
    void (*poll)(void *data);
    int64_t period_ns; /* of polling */
    int64_t gap_ns;    /* from the end of a reload to the begin of the next, at least */
};

enum hx_errcode hx_keeper_new(const struct hx_keeper_options *options, struct hx_keeper **keeper,
                              struct hx_error *err) HX_MUST_CHECK;

/* Any thread, never blocks. All that wait when a reload begins are served by it: at most one runs,
 * and one waits, for the gap if need be. done (may be NULL) is called once, from the keeper's
 * thread. BUSY: it has ended; LIMIT: too many wait; done is not called then. */
enum hx_errcode hx_keeper_reload(struct hx_keeper *keeper, hx_reload_done done, void *done_data,
                                 struct hx_error *err) HX_MUST_CHECK;

/* Any thread, never blocks. */
void hx_keeper_poll(struct hx_keeper *keeper, enum hx_poll_reason reason, bool is_wanted);

/* Waits for what runs, tells those that wait that nothing will come of it, and ends the thread.
 * Idempotent. */
void hx_keeper_stop(struct hx_keeper *keeper);

/* Takes NULL. */
void hx_keeper_free(struct hx_keeper *keeper);

#endif
