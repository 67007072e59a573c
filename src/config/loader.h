/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the parts of the configuration reader share while one file is read: the tree goes in, errors
 * come out as findings at their place, and nothing stops at the first one.
 */
#ifndef HX_CONFIG_LOADER_H
#define HX_CONFIG_LOADER_H

#include "config/config.h"
#include "config/files.h"
#include "config/findings.h"
#include "config/tree.h"

/* A dependency's name and where the file says it, for duplicates and startup_requires. */
struct hx_named {
    const char *name;
    struct hx_node *node;
};

struct hx_loader {
    struct hx_config *config;
    const struct hx_kind *const *kinds;
    const char *directory;  /* that the paths of X_file are relative to; NULL: the working one */
    struct hx_files *files; /* that were read; NULL: nobody wants to know */
    char *file;             /* as it was read */
    size_t file_len;
    char *text; /* of the file without a byte order mark, NUL-terminated */
    size_t text_len;
    struct hx_tree tree;
    struct hx_findings findings;
    struct hx_node *defaults; /* a mapping without errors; NULL when there is none */
    struct hx_named *named;
    size_t n_named;
};

/* A table and what it fills. */
struct hx_target {
    const struct hx_option *options;
    void *settings;
};

/* ACCESS is all of a web configuration file, in which no kind has a part. */
enum hx_scope_type {
    HX_SCOPE_TOP,
    HX_SCOPE_DEFAULTS,
    HX_SCOPE_DEPENDENCY,
    HX_SCOPE_WINDOW,
    HX_SCOPE_ACCESS
};

/* Whose options a mapping holds. */
struct hx_scope {
    struct hx_loader *loader;
    enum hx_scope_type type;
    const char *const
        *own_keys;              /* full names that are no options and not read here; NULL-terminated
                                 */
    const char *name;           /* of the dependency; NULL when it has none */
    const struct hx_kind *kind; /* NULL when the URL does not tell */
    const char *scheme;         /* of the URL; NULL when it is not known */
    struct hx_target targets[2]; /* the common options, the kind's; options NULL: none */
};

/* ---- load.c ---- */

/* Reads a file and makes its tree. What is wrong is among the findings; a root of NULL without any
 * is a file that holds nothing. */
enum hx_errcode hx_loader_open(struct hx_loader *loader, const char *path) HX_MUST_CHECK;

/* Writes the findings down and frees what the reading took. HX_OK: there were none; else code, if
 * that is no HX_OK, or what they amount to. */
enum hx_errcode hx_loader_close(struct hx_loader *loader, const char *path, enum hx_errcode code,
                                struct hx_diagnostics *diagnostics) HX_MUST_CHECK;

/* ---- value.c ---- */

/* The text that a node stands for, after ${...}; NULL when that is an error, which is reported
 * once. what names it for people, as in `option "timeout"`; expected: "a duration such as 10s". The
 * text lives in the tree's arena. */
const char *hx_value_text(struct hx_loader *loader, struct hx_node *node, const char *what,
                          const char *expected);
/* The same for an X_file: what the file holds that the node names. */
const char *hx_value_file(struct hx_loader *loader, struct hx_node *node, const char *what);

/* " (the value is from ${X})" when it is not from this file, else "". Returns note. */
#define HX_NOTE_SIZE 192
const char *hx_value_note(const struct hx_node *node, char note[HX_NOTE_SIZE]);

/* May the value be quoted in a message? Not when it came from elsewhere or may hold a password. */
bool hx_value_is_quotable(const struct hx_node *node);

/* Lets the texts of a node, its key's and its items', stand in source excerpts, except those that
 * may hold a password. */
void hx_node_publish(struct hx_node *node);

/* Takes an error of the program itself; true when it was out of memory, which ends the reading. */
bool hx_loader_is_stopped(struct hx_loader *loader, const struct hx_error *err);

/* The line (from 1) of a place in the file. */
size_t hx_loader_line(const struct hx_loader *loader, struct hx_span span);

/* ---- options.c ---- */

/* Readies a mapping for reading: reports and marks what is given twice. False when the node is no
 * mapping, which is reported. */
bool hx_mapping_open(struct hx_loader *loader, struct hx_node *node, const char *what);

/* Fills the scope's targets from an open mapping. prefix: "" or "tls.". */
void hx_options_read(struct hx_scope *scope, struct hx_node *mapping, const char *prefix);

/* Reports the kind's options that must be given and are not, at the span. */
void hx_options_require(const struct hx_scope *scope, const struct hx_node *mapping,
                        struct hx_span span);

/* ---- unknown.c ---- */

/* Reports a key that names no option of the scope: where it belongs, or what was meant. */
void hx_option_report_unknown(const struct hx_scope *scope, struct hx_node *value,
                              const char *prefix);

/* Reports a common option that the dependency's kind has no use for; false: it has. */
bool hx_option_report_useless(const struct hx_scope *scope, const struct hx_node *node,
                              const char *name);

/* Is name a group of options, as "tls" is for "tls.ca_file"? options may be NULL. */
bool hx_option_is_group(const struct hx_option *options, const char *name);

/* The option that is given by a file when the key is X_file; NULL when it is none, or no text. */
const struct hx_option *hx_option_find_file(const struct hx_option *options, const char *name);

/* Is the word a key that some mapping of a configuration may hold? */
bool hx_key_is_known(const struct hx_kind *const *kinds, const char *word);

/* Writes `unknown scheme "rediss3" (did you mean "rediss"?); known are disk, ...`. scheme NULL: one
 * that may not be seen. */
void hx_scheme_unknown(const struct hx_kind *const *kinds, const char *scheme,
                       struct hx_strbuf *out);

/* ---- names.c ---- */

/* Remembers a dependency's name; its node is the place of errors about it. */
void hx_names_add(struct hx_loader *loader, const char *name, struct hx_node *node);

/* Reports names that are given twice, then the names in startup_requires (may be NULL) that no
 * dependency has. */
void hx_names_check(struct hx_loader *loader, const struct hx_node *startup_requires);

/* ---- dependency.c ---- */

/* Reads one item of `dependencies`; adds it to the configuration when it has no error. */
void hx_dependency_read(struct hx_loader *loader, struct hx_node *node);

/* ---- prepare.c ---- */

/* Lets the kind prepare a dependency whose options are complete. files may be NULL. */
enum hx_errcode hx_dependency_prepare(struct hx_dependency *dependency, struct hx_files *files,
                                      struct hx_error *err) HX_MUST_CHECK;

/* ---- maintenance.c ---- */

/* The options of an item of maintenance.windows; `from` and `to`, or `weekly`. */
extern const struct hx_option hx_window_options[];

/* Reads maintenance.windows into the configuration. */
void hx_windows_read(struct hx_loader *loader, struct hx_node *list);

/* ---- config.c ---- */

/* The options of the file's top level, offsets into struct hx_config. */
extern const struct hx_option hx_config_options[];

/* A dependency with default policy and settings, not prepared. Takes the URL, also on failure. */
struct hx_dependency *hx_dependency_new(const char *name, const struct hx_kind *kind,
                                        struct hx_url *url_take, struct hx_error *err);

/* Appends to the configuration, which owns it then; on failure it stays the caller's. */
enum hx_errcode hx_config_append(struct hx_config *config, struct hx_dependency *dependency_take,
                                 struct hx_error *err) HX_MUST_CHECK;

/* ---- excerpt.c ---- */

/* Writes all findings, one line each and a source excerpt where nothing private is in it. */
void hx_loader_write(const struct hx_loader *loader, const char *path,
                     struct hx_diagnostics *diagnostics);

#endif
