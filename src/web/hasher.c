/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Happy path: submit() appends to the list and wakes the thread, which leaves the job at the head
 * while it compares, then takes it and all of the same login off and tells them. The thread begins
 * with the first job: without users there is none.
 *
 * Who frees what: a job is its owner's, and only on loan between submit() and done().
 */
#include "web/hasher.h"

#include <crypt.h>
#include <gnutls/gnutls.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

enum hx_errcode hx_hasher_init(struct hx_hasher *hasher, struct hx_error *err)
{
    *hasher = (struct hx_hasher){0};
    if (pthread_mutex_init(&hasher->lock, NULL) != 0)
        return hx_error_set(err, HX_ERR_SYSTEM, "cannot make a lock");
    if (pthread_cond_init(&hasher->changed, NULL) == 0)
        return HX_OK;
    pthread_mutex_destroy(&hasher->lock);
    return hx_error_set(err, HX_ERR_SYSTEM, "cannot make a lock");
}

/* ---- the thread ---- */

/* struct crypt_data is 32 KiB, too much for a stack. Without memory nobody is right. */
static bool is_right(const char *password, const char *hash)
{
    struct crypt_data *data = calloc(1, sizeof(*data));
    if (data == NULL)
        return false;
    /* crypt_rn() gives NULL where crypt_r() gives a text that is no hash. */
    const char *result = crypt_rn(password, hash, data, (int)sizeof(*data));
    bool is_same = result != NULL && strlen(result) == strlen(hash) &&
                   gnutls_memcmp(result, hash, strlen(hash)) == 0;
    explicit_bzero(data, sizeof(*data));
    free(data);
    return is_same;
}

static void tell(struct hx_hash_job *job, bool result)
{
    explicit_bzero(&job->login, sizeof(job->login));
    explicit_bzero(job->hash, sizeof(job->hash));
    job->is_right = result;
    job->done(job);
}

/* Takes all jobs of that login off the list. */
static struct hx_hash_job *take_same(struct hx_hasher *hasher, const uint8_t mac[HX_MAC_SIZE])
{
    struct hx_hash_job *taken = NULL;
    struct hx_hash_job **link = &hasher->first;
    while (*link != NULL) {
        struct hx_hash_job *job = *link;
        if (memcmp(job->mac, mac, HX_MAC_SIZE) != 0) {
            link = &job->next;
            continue;
        }
        *link = job->next;
        job->next = taken;
        taken = job;
    }
    return taken;
}

static void tell_all(struct hx_hash_job *jobs, bool result)
{
    while (jobs != NULL) {
        struct hx_hash_job *next = jobs->next;
        tell(jobs, result);
        jobs = next;
    }
}

static void *run(void *data)
{
    struct hx_hasher *hasher = data;
    pthread_mutex_lock(&hasher->lock);
    while (!hasher->is_stopping) {
        struct hx_hash_job *job = hasher->first;
        if (job == NULL) {
            pthread_cond_wait(&hasher->changed, &hasher->lock);
            continue;
        }
        pthread_mutex_unlock(&hasher->lock);
        bool result = is_right(job->login.password, job->hash);
        pthread_mutex_lock(&hasher->lock);
        struct hx_hash_job *same = take_same(hasher, job->mac);
        pthread_mutex_unlock(&hasher->lock);
        tell_all(same, result);
        pthread_mutex_lock(&hasher->lock);
    }
    struct hx_hash_job *left = hasher->first;
    hasher->first = NULL;
    pthread_mutex_unlock(&hasher->lock);
    tell_all(left, false);
    return NULL;
}

/* ---- the web thread ---- */

static bool start_thread(struct hx_hasher *hasher)
{
    sigset_t all, before;
    if (hasher->is_running)
        return true;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    hasher->is_running = pthread_create(&hasher->thread, NULL, run, hasher) == 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (hasher->is_running)
        pthread_setname_np(hasher->thread, "hx-hash");
    return hasher->is_running;
}

/* Is there a place for the job? The first job of each login counts. */
static enum hx_errcode judge(const struct hx_hasher *hasher, struct hx_hash_job *job)
{
    job->is_first = false;
    unsigned n_logins = 0;
    bool is_busy = false;
    for (const struct hx_hash_job *other = hasher->first; other != NULL; other = other->next) {
        if (memcmp(other->mac, job->mac, HX_MAC_SIZE) == 0)
            return HX_OK;
        if (other->next == NULL || memcmp(other->next->mac, other->mac, HX_MAC_SIZE) != 0)
            n_logins++;
        is_busy |= memcmp(other->client, job->client, sizeof(job->client)) == 0;
    }
    job->is_first = true;
    if (is_busy)
        return HX_ERR_BUSY;
    return n_logins < HX_MAX_HASHING ? HX_OK : HX_ERR_LIMIT;
}

/* Puts it behind the last one of the same login, or at the end: equal logins are neighbours. */
static void append(struct hx_hasher *hasher, struct hx_hash_job *job)
{
    struct hx_hash_job **link = &hasher->first;
    bool was_same = false;
    while (*link != NULL) {
        bool is_same = memcmp((*link)->mac, job->mac, HX_MAC_SIZE) == 0;
        if (was_same && !is_same)
            break;
        was_same = is_same;
        link = &(*link)->next;
    }
    job->next = *link;
    *link = job;
}

enum hx_errcode hx_hasher_submit(struct hx_hasher *hasher, struct hx_hash_job *job)
{
    if (!start_thread(hasher))
        return HX_ERR_SYSTEM;
    pthread_mutex_lock(&hasher->lock);
    enum hx_errcode code = judge(hasher, job);
    if (code == HX_OK) {
        append(hasher, job);
        pthread_cond_signal(&hasher->changed);
    }
    pthread_mutex_unlock(&hasher->lock);
    return code;
}

void hx_hasher_fini(struct hx_hasher *hasher)
{
    if (hasher->is_running) {
        pthread_mutex_lock(&hasher->lock);
        hasher->is_stopping = true;
        pthread_cond_signal(&hasher->changed);
        pthread_mutex_unlock(&hasher->lock);
        pthread_join(hasher->thread, NULL);
    }
    pthread_cond_destroy(&hasher->changed);
    pthread_mutex_destroy(&hasher->lock);
    *hasher = (struct hx_hasher){0};
}
