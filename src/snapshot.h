/* SPDX-License-Identifier: Apache-2.0 */
/* What the files beside exporter.c need of an exporter. */
#ifndef HX_SNAPSHOT_H
#define HX_SNAPSHOT_H

#include "engine/board.h"

struct hx_exporter;

/* The board of the exporter; lives as long as it. */
struct hx_board *hx_exporter_board(struct hx_exporter *exporter);

#endif
