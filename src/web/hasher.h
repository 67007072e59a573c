/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The one thread that compares passwords with bcrypt hashes, one at a time: a hash costs up to a
 * quarter of a second of a core, which no other request shall wait for, and which nobody shall be
 * able to multiply. Its queue is short, and one client has one place in it. Jobs for the same login
 * are one job.
 */
#ifndef HX_WEB_HASHER_H
#define HX_WEB_HASHER_H

#include "web/known.h"

#include <pthread.h>

#define HX_HASH_SIZE 61 /* of a bcrypt hash, with its NUL */
/* Different logins that wait or are being compared. */
#define HX_MAX_HASHING 4

struct hx_hash_job {
    struct hx_login login;
    uint8_t mac[HX_MAC_SIZE]; /* of the login */
    uint8_t client[9];        /* who shows it, by struct hx_peer; all unix sockets are one */
    char hash[HX_HASH_SIZE];
    bool is_first; /* submit says: no other job of that login was in hand */
    bool is_right; /* the result */
    /* The hashing thread: it is done. May free the job. */
    void (*done)(struct hx_hash_job *job);
    struct hx_hash_job *next;
};

struct hx_hasher {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    pthread_t thread;
    bool is_running, is_stopping;
    struct hx_hash_job *first; /* the one in hand, then those that wait */
};

enum hx_errcode hx_hasher_init(struct hx_hasher *hasher, struct hx_error *err) HX_MUST_CHECK;

/* Ends the thread; what still waits is done, with a wrong result. */
void hx_hasher_fini(struct hx_hasher *hasher);

/* Gives it a job, which it wipes of its login when it is done. BUSY: the client has another login
 * in hand; LIMIT: the queue is full; SYSTEM: no thread. Then done is not called. */
enum hx_errcode hx_hasher_submit(struct hx_hasher *hasher, struct hx_hash_job *job) HX_MUST_CHECK;

#endif
