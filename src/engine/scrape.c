/* SPDX-License-Identifier: Apache-2.0 */
/* The sources of a metrics page, in the order in which they stand on it. */
#include "engine/scrape.h"

#include "metrics/registry.h"

void hx_scrape_begin(struct hx_scrape *scrape, struct hx_board *board,
                     const struct hx_registry *registry, enum hx_format format)
{
    scrape->generation = hx_board_hold(board);
    hx_board_view_init(&scrape->view, board, scrape->generation);
    hx_process_read(&scrape->process);
    scrape->collectors[0] = hx_board_collector(&scrape->view);
    scrape->collectors[1] = hx_registry_collector(registry);
    scrape->collectors[2] = hx_process_collector(&scrape->process);
    hx_page_init(&scrape->page, format, scrape->collectors, 3);
}

void hx_scrape_end(struct hx_scrape *scrape)
{
    hx_generation_release(scrape->generation);
    scrape->generation = NULL;
}
