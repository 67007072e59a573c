/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads configuration and secret files. A path can name anything: opening a FIFO would wait for its
 * writer, so files are opened without blocking and asked what they are before the first read. The
 * size is checked before memory is taken, and again while reading, since a file can grow meanwhile.
 */
#include "config/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *file_type_text(mode_t mode)
{
    if (S_ISDIR(mode)) {
        return "a directory";
    }
    if (S_ISFIFO(mode)) {
        return "a FIFO";
    }
    if (S_ISSOCK(mode)) {
        return "a socket";
    }
    return "a device";
}

static enum hx_errcode errno_error(int error, struct hx_error *err)
{
    char text[128];
    enum hx_errcode code = HX_ERR_SYSTEM;
    if (error == ENOENT) {
        code = HX_ERR_NOTFOUND;
    } else if (error == EACCES || error == EPERM) {
        code = HX_ERR_PERMISSION;
    } else if (error == ENXIO) {
        return hx_error_set(err, HX_ERR_INVALID, "is a socket, not a regular file");
    }
    return hx_error_set(err, code, "cannot be read: %s", strerror_r(error, text, sizeof text));
}

static enum hx_errcode file_size(int fd, size_t max_bytes, size_t *size, struct hx_error *err)
{
    struct stat status;
    if (fstat(fd, &status) != 0) {
        return errno_error(errno, err);
    }
    if (!S_ISREG(status.st_mode)) {
        return hx_error_set(err, HX_ERR_INVALID, "is %s, not a regular file",
                            file_type_text(status.st_mode));
    }
    if ((uint64_t)status.st_size > max_bytes) {
        return hx_error_set(err, HX_ERR_LIMIT, "is larger than %zu KiB", max_bytes / 1024);
    }
    *size = (size_t)status.st_size;
    return HX_OK;
}

/* Fills the buffer, whose size is one more than what may be read, to tell a file that has grown. */
static enum hx_errcode read_all(int fd, char *buffer, size_t size, size_t *len,
                                struct hx_error *err)
{
    size_t total = 0;
    while (total < size) {
        ssize_t n = read(fd, buffer + total, size - total);
        if (n == 0) {
            *len = total;
            return HX_OK;
        }
        if (n < 0 && errno != EINTR) {
            return errno_error(errno, err);
        }
        total += n > 0 ? (size_t)n : 0;
    }
    return hx_error_set(err, HX_ERR_LIMIT, "changed while it was read");
}

/* Takes as much memory as the file has bytes now, not as much as it may have. */
static enum hx_errcode read_open_file(int fd, size_t max_bytes, char **data, size_t *len,
                                      struct hx_error *err)
{
    size_t size = 0;
    enum hx_errcode code = file_size(fd, max_bytes, &size, err);
    if (code != HX_OK) {
        return code;
    }
    size++;
    char *buffer = malloc(size + 1);
    if (buffer == NULL) {
        return hx_error_set(err, HX_ERR_NOMEM, "out of memory");
    }
    code = read_all(fd, buffer, size, len, err);
    if (code != HX_OK) {
        hx_file_free(buffer, size);
        return code;
    }
    buffer[*len] = '\0';
    *data = buffer;
    return HX_OK;
}

enum hx_errcode hx_file_read(const char *path, size_t max_bytes, char **data, size_t *len,
                             struct hx_error *err)
{
    int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
    if (fd < 0) {
        return errno_error(errno, err);
    }
    enum hx_errcode code = read_open_file(fd, max_bytes, data, len, err);
    close(fd);
    return code;
}

void hx_file_free(char *data, size_t len)
{
    if (data != NULL) {
        explicit_bzero(data, len);
        free(data);
    }
}
