/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What systemd and a service say to each other, by environment and datagrams. The protocols are
 * promised to stay as they are, and their manual invites programs to speak them without libsystemd,
 * which would bring seven libraries into the process.
 *
 * Sources: sd_notify(3), sd_watchdog_enabled(3), sd_listen_fds(3).
 */
#ifndef HX_CLI_SD_PROTOCOL_H
#define HX_CLI_SD_PROTOCOL_H

#include <stdbool.h>
#include <stdint.h>

/* The first of the descriptors that a service is given. */
#define HX_SD_FIRST_FD 3

/* Whether somebody is to be told. */
bool hx_sd_is_notified(void);

/* Tells it, if somebody is: lines NAME=VALUE. What does not arrive is lost. */
void hx_sd_notify(const char *lines);

/* The time within which the watchdog wants to be told "WATCHDOG=1", in microseconds; 0: never. */
uint64_t hx_sd_watchdog_us(void);

/* How many descriptors this process was given; children will not have them. Negative: an errno
 * value, and they stay as they were. Once: the variables are gone then. */
int hx_sd_take_fds(void);

/* Whether it is a socket of streams that listens. */
bool hx_sd_is_listener(int fd);

#endif
