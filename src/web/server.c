/* SPDX-License-Identifier: Apache-2.0 */
/* The server as the rest of the program sees it; the work is done in loop.c and exchange.c. */
#include "web/server.h"

#include "web/loop.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum hx_errcode hx_web_new(const struct hx_web_options *options, struct hx_web **web,
                           struct hx_error *err)
{
    if (!hx_route_is_free(options->telemetry_path)) {
        hx_access_free(options->access);
        return hx_error_set(err, HX_ERR_INVALID,
                            "telemetry path \"%s\": expected an absolute path that is no other "
                            "route",
                            options->telemetry_path);
    }
    struct hx_web *w = calloc(1, sizeof(*w));
    if (w == NULL) {
        hx_access_free(options->access);
        return hx_error_set(err, HX_ERR_NOMEM, "out of memory");
    }
    w->options = *options;
    w->epoll_fd = w->wake_fd = -1;
    int error = hx_laters_init(&w->laters);
    if (error != 0) {
        hx_access_free(options->access);
        free(w);
        return hx_error_set(err, HX_ERR_SYSTEM, "cannot make a lock: %s", strerrordesc_np(error));
    }
    enum hx_errcode code = hx_gate_init(&w->gate, options->access, err);
    if (code != HX_OK) {
        hx_laters_fini(&w->laters);
        free(w);
        return code;
    }
    w->options.access = NULL;
    code = hx_counts_init(&w->counts, options->registry, err);
    if (code == HX_OK)
        code = hx_constants_init(&w->constants, err);
    if (code != HX_OK) {
        hx_gate_fini(&w->gate);
        hx_laters_fini(&w->laters);
        free(w);
        return code;
    }
    *web = w;
    return HX_OK;
}

/* Room for one more listener, which is not counted yet; NULL when out of memory. */
static struct hx_listener *add_listener(struct hx_web *web, struct hx_error *err)
{
    struct hx_listener *listeners =
        realloc(web->listeners, (web->n_listeners + 1) * sizeof(*listeners));
    if (listeners == NULL) {
        (void)hx_error_set(err, HX_ERR_NOMEM, "out of memory");
        return NULL;
    }
    web->listeners = listeners;
    return &listeners[web->n_listeners];
}

enum hx_errcode hx_web_listen(struct hx_web *web, const char *address, struct hx_error *err)
{
    struct hx_listener *listener = add_listener(web, err);
    if (listener == NULL)
        return HX_ERR_NOMEM;
    enum hx_errcode code = hx_listener_open(address, listener, err);
    if (code == HX_OK)
        web->n_listeners++;
    return code;
}

enum hx_errcode hx_web_adopt(struct hx_web *web, int fd, struct hx_error *err)
{
    struct hx_listener *listener = add_listener(web, err);
    if (listener == NULL) {
        close(fd);
        return HX_ERR_NOMEM;
    }
    enum hx_errcode code = hx_listener_adopt(fd, listener, err);
    if (code == HX_OK)
        web->n_listeners++;
    return code;
}

enum hx_errcode hx_web_set_access(struct hx_web *web, struct hx_access *access,
                                  struct hx_error *err)
{
    enum hx_errcode code = hx_gate_offer(&web->gate, access, err);
    if (code == HX_OK && web->is_running)
        hx_loop_wake(web);
    else if (code == HX_OK)
        hx_gate_renew(&web->gate);
    return code;
}

enum hx_errcode hx_web_start(struct hx_web *web, struct hx_error *err)
{
    enum hx_errcode code = hx_loop_start(web, err);
    web->is_running = code == HX_OK;
    return code;
}

uint16_t hx_web_port(const struct hx_web *web, size_t i)
{
    return i < web->n_listeners ? web->listeners[i].port : 0;
}

void hx_web_stop(struct hx_web *web, int64_t grace_ns)
{
    if (web->is_running)
        hx_loop_stop(web, grace_ns);
    web->is_running = false;
    for (size_t i = 0; i < web->n_listeners; i++)
        hx_listener_close(&web->listeners[i]);
    web->n_listeners = 0;
}

void hx_web_free(struct hx_web *web)
{
    if (web == NULL)
        return;
    hx_web_stop(web, 0);
    hx_gate_fini(&web->gate);
    hx_constants_fini(&web->constants);
    hx_laters_fini(&web->laters);
    free(web->listeners);
    free(web);
}
