/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The limit of a postgres check on a kept connection: SELECT 1 through libpq's asynchronous calls.
 * usage: limit_postgres PORT N INTERVAL_MS
 */
#include "pace.h"

#include <libpq-fe.h>

struct slot {
    PGconn *connection;
    bool is_busy;
    bool is_good;
};

static struct pace pace;
static struct slot *slots;

static void slot_init(struct slot *slot, const char *port)
{
    char target[128];
    snprintf(target, sizeof(target),
             "hostaddr=127.0.0.1 port=%s user=postgres dbname=postgres sslmode=disable", port);
    slot->connection = PQconnectdb(target);
    if (PQstatus(slot->connection) != CONNECTION_OK) {
        fprintf(stderr, "%s", PQerrorMessage(slot->connection));
        exit(1);
    }
    PQsetnonblocking(slot->connection, 1);
    pace_watch(&pace, EPOLL_CTL_ADD, PQsocket(slot->connection), EPOLLIN, slot);
}

static void on_start(size_t index)
{
    struct slot *slot = &slots[index];
    if (slot->is_busy) {
        pace.busy++;
        return;
    }
    slot->is_busy = true;
    slot->is_good = false;
    if (PQsendQuery(slot->connection, "SELECT 1") != 1 || PQflush(slot->connection) != 0)
        pace_die("PQsendQuery");
}

static void on_event(void *data, uint32_t events)
{
    struct slot *slot = data;
    (void)events;
    if (PQconsumeInput(slot->connection) != 1)
        pace_die("PQconsumeInput");
    while (slot->is_busy && !PQisBusy(slot->connection)) {
        PGresult *result = PQgetResult(slot->connection);
        if (result == NULL) {
            slot->is_busy = false;
            pace.done++;
            pace.failed += !slot->is_good;
        } else {
            slot->is_good = PQresultStatus(result) == PGRES_TUPLES_OK;
            PQclear(result);
        }
    }
}

int main(int argc, char **argv)
{
    if (argc != 4)
        return 2;
    pace_init(&pace, argv[2], argv[3]);
    slots = calloc(pace.n, sizeof(*slots));
    if (slots == NULL)
        return 1;
    for (size_t i = 0; i < pace.n; i++)
        slot_init(&slots[i], argv[1]);
    pace.on_start = on_start;
    pace.on_event = on_event;
    pace_run(&pace);
    return 0;
}
