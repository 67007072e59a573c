/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The web configuration file: who may ask the listeners, and how. The format is that of Prometheus'
 * exporter-toolkit with allowed_networks and rate_limit_per_client; see base/access.h.
 */
#ifndef HX_CONFIG_WEB_CONFIG_H
#define HX_CONFIG_WEB_CONFIG_H

#include "base/access.h"
#include "config/config.h"

/* Reads the file and all that it names, which is looked for in its own directory. An empty file
 * restricts nothing. files: as for hx_config_load(). On failure the diagnostics say all that is
 * wrong, and *access is unchanged. */
enum hx_errcode hx_web_config_load(const char *path, struct hx_access **access,
                                   struct hx_files *files,
                                   struct hx_diagnostics *diagnostics) HX_MUST_CHECK;

/* ---- web_config_tls.c ---- */

/* Is that text PEM, and are there certificates in it? */
enum hx_errcode hx_certificates_check(const char *pem, struct hx_error *err) HX_MUST_CHECK;
/* Is that the private key of the chain's first certificate? Nothing of it is in the message. */
enum hx_errcode hx_key_check(const char *certificate, const char *key,
                             struct hx_error *err) HX_MUST_CHECK;

#endif
