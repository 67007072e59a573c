/* SPDX-License-Identifier: Apache-2.0 */
/* Everything the library health_exporter offers. */
#ifndef HEALTH_EXPORTER_H
#define HEALTH_EXPORTER_H

#include "health_exporter/check.h"
#include "health_exporter/error.h"
#include "health_exporter/exporter.h"
#include "health_exporter/metrics.h"

#endif
