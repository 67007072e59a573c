/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The last step of a dependency's configuration: its kind prepares it, and what the files hold that
 * its options name is kept as a number, so that a reload sees a renewed certificate. The content
 * counts and not the file's date or inode: where Kubernetes mounts a directory, one file that
 * changes gives all of them new ones.
 */
#include "config/loader.h"

#include "base/hash.h"
#include "base/option.h"
#include "config/file.h"

/* The bundles of public authorities have some 200 KiB. */
#define MAX_NAMED_FILE ((size_t)4 * 1024 * 1024)

/* What cannot be read is prepare's to report. */
static enum hx_errcode hash_file(const char *path, struct hx_files *files, uint64_t *hash,
                                 struct hx_error *err)
{
    char *data = NULL;
    size_t len = 0;
    enum hx_errcode code = hx_files_read(files, path, MAX_NAMED_FILE, &data, &len, err);
    if (code == HX_OK) {
        *hash = hx_hash(data, len, *hash);
        hx_file_free(data, len);
    }
    return code == HX_ERR_NOMEM ? code : HX_OK;
}

static enum hx_errcode hash_files(const struct hx_option *options, const void *settings,
                                  struct hx_files *files, uint64_t *hash, struct hx_error *err)
{
    enum hx_errcode code = HX_OK;
    for (const struct hx_option *option = options; code == HX_OK && option->name != NULL;
         option++) {
        const char *const *path = (const void *)((const char *)settings + option->offset);
        if (option->is_file && *path != NULL) {
            code = hash_file(*path, files, hash, err);
        }
    }
    return code;
}

enum hx_errcode hx_dependency_prepare(struct hx_dependency *dependency, struct hx_files *files,
                                      struct hx_error *err)
{
    const struct hx_kind *kind = dependency->kind;
    uint64_t *hash = &dependency->files_hash;
    *hash = HX_HASH_BEGIN;
    /* Before prepare reads them: a file that changes in between is then seen to have changed. */
    enum hx_errcode code = hash_files(hx_policy_options, &dependency->policy, files, hash, err);
    if (code == HX_OK) {
        code = hash_files(kind->options, dependency->settings, files, hash, err);
    }
    if (code != HX_OK || kind->prepare == NULL) {
        return code;
    }
    return kind->prepare(dependency, err);
}
