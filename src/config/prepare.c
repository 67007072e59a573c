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
static uint64_t hash_file(const char *path, uint64_t hash)
{
    char *data = NULL;
    size_t len = 0;
    if (hx_file_read(path, MAX_NAMED_FILE, &data, &len, NULL) != HX_OK) {
        return hx_hash("", 1, hash);
    }
    hash = hx_hash(data, len + 1, hash); /* with the NUL: two files are not one longer one */
    hx_file_free(data, len);
    return hash;
}

static uint64_t hash_files(const struct hx_option *options, const void *settings, uint64_t hash)
{
    for (const struct hx_option *option = options; option->name != NULL; option++) {
        const char *const *path = (const void *)((const char *)settings + option->offset);
        if (option->is_file && *path != NULL) {
            hash = hash_file(*path, hash);
        }
    }
    return hash;
}

enum hx_errcode hx_dependency_prepare(struct hx_dependency *dependency, struct hx_error *err)
{
    const struct hx_kind *kind = dependency->kind;
    /* Before prepare reads them: a file that changes in between is then seen to have changed. */
    dependency->files_hash = hash_files(hx_policy_options, &dependency->policy, HX_HASH_BEGIN);
    dependency->files_hash =
        hash_files(kind->options, dependency->settings, dependency->files_hash);
    return kind->prepare == NULL ? HX_OK : kind->prepare(dependency, err);
}
