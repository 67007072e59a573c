/* SPDX-License-Identifier: Apache-2.0 */
/* The program's life from started to ended, led by signals and told to systemd. */
#ifndef HX_CLI_SERVE_H
#define HX_CLI_SERVE_H

#include "cli/systemd.h"

/* Blocks the signals that lead, in this thread and in those it starts. Before there is another. */
void hx_serve_block_signals(void);

/* Starts the exporter, serves until SIGTERM or SIGINT, is not ready but goes on serving for
 * shutdown_delay_ns (a second signal ends that), and stops it. Returns the exit code. */
int hx_serve(struct hx_exporter *exporter, struct hx_systemd *systemd, int64_t shutdown_delay_ns);

#endif
