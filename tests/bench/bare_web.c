/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libmicrohttpd alone, with its own epoll thread: the limit of the web side. Every path gets one
 * prepared reply, of the same bytes as our probe endpoints; /page gets BYTES of ready text, sent in
 * chunks by a callback as a scrape is. usage: bare_web PORT BYTES
 */
#include <arpa/inet.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define BLOCK ((size_t)16 * 1024)

static const char body[] = "{\"status\":\"up\"}";
static char piece[65536];
static uint64_t page_bytes;
static struct MHD_Response *reply;

static ssize_t on_read(void *cls, uint64_t position, char *out, size_t size)
{
    (void)cls;
    uint64_t left = page_bytes - position;
    size_t n = size < sizeof(piece) ? size : sizeof(piece);
    if (left == 0)
        return MHD_CONTENT_READER_END_OF_STREAM;
    if (n > left)
        n = (size_t)left;
    memcpy(out, piece, n);
    return (ssize_t)n;
}

static enum MHD_Result send_page(struct MHD_Connection *connection)
{
    struct MHD_Response *page =
        MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, BLOCK, on_read, NULL, NULL);
    if (page == NULL)
        return MHD_NO;
    enum MHD_Result result = MHD_queue_response(connection, MHD_HTTP_OK, page);
    MHD_destroy_response(page);
    return result;
}

/* NOLINTNEXTLINE(readability-non-const-parameter): the type is the library's */
static enum MHD_Result on_request(void *cls, struct MHD_Connection *connection, const char *url,
                                  const char *method, const char *version, const char *upload,
                                  size_t *upload_size, void **context)
{
    static char seen;
    (void)cls, (void)method, (void)version, (void)upload, (void)upload_size;
    if (*context == NULL) {
        *context = &seen;
        return MHD_YES;
    }
    if (strcmp(url, "/page") == 0)
        return send_page(connection);
    return MHD_queue_response(connection, MHD_HTTP_OK, reply);
}

static void make_reply(void)
{
    char *copy = strdup(body);
    reply = MHD_create_response_from_buffer(strlen(body), copy, MHD_RESPMEM_MUST_FREE);
    MHD_add_response_header(reply, "Content-Type", "application/json");
    MHD_add_response_header(reply, "Cache-Control", "no-store");
    MHD_add_response_header(reply, "X-Content-Type-Options", "nosniff");
}

int main(int argc, char **argv)
{
    if (argc != 3)
        return 2;
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons((uint16_t)strtoul(argv[1], NULL, 10)),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    page_bytes = strtoull(argv[2], NULL, 10);
    memset(piece, 'x', sizeof(piece));
    signal(SIGPIPE, SIG_IGN);
    make_reply();
    struct MHD_Daemon *daemon = MHD_start_daemon(
        MHD_USE_EPOLL_INTERNAL_THREAD, 0, NULL, NULL, on_request, NULL, MHD_OPTION_SOCK_ADDR,
        (struct sockaddr *)&address, MHD_OPTION_CONNECTION_MEMORY_LIMIT, BLOCK, MHD_OPTION_END);
    if (daemon == NULL) {
        fprintf(stderr, "bare_web: cannot start\n");
        return 1;
    }
    for (;;)
        pause();
}
