/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libmicrohttpd alone, with its own epoll thread: the limit of the web side. Every path gets one
 * prepared reply, of the same bytes as our probe endpoints; /page gets the bytes of FILE, which are
 * ready in memory, sent in chunks by a callback as a scrape is; /gzip gets them through zlib at
 * level 1. usage: bare_web PORT [FILE]
 */
#include <arpa/inet.h>
#include <fcntl.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#define BLOCK ((size_t)16 * 1024)

static const char body[] = "{\"status\":\"up\"}";
static const char *page;
static size_t page_len;
static struct MHD_Response *reply;

static ssize_t on_read(void *cls, uint64_t position, char *out, size_t size)
{
    (void)cls;
    size_t left = page_len - (size_t)position;
    if (left == 0)
        return MHD_CONTENT_READER_END_OF_STREAM;
    size_t n = size < left ? size : left;
    memcpy(out, page + position, n);
    return (ssize_t)n;
}

static ssize_t on_deflate(void *cls, uint64_t position, char *out, size_t size)
{
    z_stream *stream = cls;
    (void)position;
    stream->next_out = (Bytef *)out;
    stream->avail_out = (uInt)size;
    if (deflate(stream, Z_FINISH) == Z_STREAM_ERROR)
        return MHD_CONTENT_READER_END_WITH_ERROR;
    ssize_t n = (ssize_t)(size - stream->avail_out);
    return n > 0 ? n : MHD_CONTENT_READER_END_OF_STREAM;
}

static void on_free(void *cls)
{
    deflateEnd(cls);
    free(cls);
}

static struct MHD_Response *gzipped(void)
{
    z_stream *stream = calloc(1, sizeof(*stream));
    if (stream == NULL ||
        deflateInit2(stream, 1, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) != Z_OK) {
        free(stream);
        return NULL;
    }
    stream->next_in = (Bytef *)(uintptr_t)page;
    stream->avail_in = (uInt)page_len;
    struct MHD_Response *response =
        MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, BLOCK, on_deflate, stream, on_free);
    MHD_add_response_header(response, "Content-Encoding", "gzip");
    return response;
}

static enum MHD_Result send_page(struct MHD_Connection *connection, bool is_gzipped)
{
    struct MHD_Response *response =
        is_gzipped
            ? gzipped()
            : MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, BLOCK, on_read, NULL, NULL);
    if (response == NULL)
        return MHD_NO;
    enum MHD_Result result = MHD_queue_response(connection, MHD_HTTP_OK, response);
    MHD_destroy_response(response);
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
    if (strcmp(url, "/page") == 0 || strcmp(url, "/gzip") == 0)
        return send_page(connection, url[1] == 'g');
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

static void load_page(const char *path)
{
    struct stat about;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &about) != 0 || about.st_size == 0) {
        perror(path);
        exit(1);
    }
    page_len = (size_t)about.st_size;
    page = mmap(NULL, page_len, PROT_READ, MAP_PRIVATE | MAP_POPULATE, fd, 0);
    close(fd);
    if (page == MAP_FAILED) {
        perror(path);
        exit(1);
    }
}

int main(int argc, char **argv)
{
    if (argc < 2 || argc > 3)
        return 2;
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons((uint16_t)strtoul(argv[1], NULL, 10)),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    if (argc == 3)
        load_page(argv[2]);
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
