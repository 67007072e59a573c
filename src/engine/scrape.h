/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A scrape: everything that stands on a metrics page, held together for one reading of it: the
 * generation on the board, the registry, the process. Any thread; the struct must not be moved
 * between begin and end.
 */
#ifndef HX_ENGINE_SCRAPE_H
#define HX_ENGINE_SCRAPE_H

#include "engine/board.h"
#include "metrics/exposition.h"
#include "metrics/process.h"

struct hx_scrape {
    struct hx_generation *generation; /* held */
    struct hx_board_view view;
    struct hx_process process;
    struct hx_collector collectors[3];
    struct hx_page page; /* to be written by hx_page_write() until it is done */
};

void hx_scrape_begin(struct hx_scrape *scrape, struct hx_board *board,
                     const struct hx_registry *registry, enum hx_format format);
void hx_scrape_end(struct hx_scrape *scrape);

#endif
