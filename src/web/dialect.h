/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The dialects that the probe endpoints speak. Which one is spoken never changes a status code.
 *
 *     json           our own: the appendix of docs/http.md
 *     health+json    draft-inadarei-api-health-check-06
 *     spring         Spring Boot Actuator, v3
 *     microprofile   MicroProfile Health 4.0
 *     kubernetes     the plain text of Kubernetes' own endpoints; with ?verbose a line per check
 */
#ifndef HX_WEB_DIALECT_H
#define HX_WEB_DIALECT_H

#include <stdbool.h>
#include <stddef.h>

enum hx_dialect {
    HX_DIALECT_JSON,
    HX_DIALECT_HEALTH_JSON,
    HX_DIALECT_SPRING,
    HX_DIALECT_MICROPROFILE,
    HX_DIALECT_KUBERNETES,
    HX_DIALECT_KUBERNETES_VERBOSE
};
#define HX_N_DIALECTS (HX_DIALECT_KUBERNETES_VERBOSE + 1)

/* The dialect that ?format= names; false: none. */
bool hx_dialect_parse(const char *text, enum hx_dialect *dialect);

/* A sentence that lists the names. */
#define HX_DIALECT_EXPECTED "format must be json, health+json, spring, microprofile or kubernetes"

const char *hx_dialect_content_type(enum hx_dialect dialect);

#endif
