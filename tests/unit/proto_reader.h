/* SPDX-License-Identifier: Apache-2.0 */
/* For tests: reads protobuf messages, strictly; what is not well-formed fails the test. */
#ifndef TESTS_UNIT_PROTO_READER_H
#define TESTS_UNIT_PROTO_READER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct proto {
    const unsigned char *at, *end;
};

/* A field: of a varint the number, of a double its bits, of the rest what is in it. */
struct proto_field {
    unsigned number, wire;
    uint64_t value;
    struct proto in;
};

static inline struct proto proto_of(const void *data, size_t len)
{
    const unsigned char *at = data;
    return (struct proto){at, at + len};
}

static inline uint64_t proto_varint(struct proto *proto)
{
    uint64_t value = 0;
    for (unsigned shift = 0; shift < 70; shift += 7) {
        assert_true(proto->at < proto->end);
        unsigned char byte = *proto->at++;
        value |= (uint64_t)(byte & 0x7F) << shift;
        if (byte < 0x80) {
            assert_true(byte != 0 || shift == 0); /* the shortest form */
            return value;
        }
    }
    fail_msg("a varint does not end");
    return 0;
}

static inline struct proto proto_bytes(struct proto *proto)
{
    uint64_t len = proto_varint(proto);
    assert_true(len <= (uint64_t)(proto->end - proto->at));
    struct proto in = {proto->at, proto->at + len};
    proto->at = in.end;
    return in;
}

/* The next field; false at the end. */
static inline bool proto_next(struct proto *proto, struct proto_field *field)
{
    if (proto->at == proto->end) {
        return false;
    }
    uint64_t tag = proto_varint(proto);
    *field = (struct proto_field){.number = (unsigned)(tag >> 3), .wire = (unsigned)(tag & 7)};
    switch (field->wire) {
    case 0:
        field->value = proto_varint(proto);
        break;
    case 1:
        assert_true(proto->end - proto->at >= 8);
        for (unsigned i = 0; i < 8; i++) {
            field->value |= (uint64_t)*proto->at++ << 8 * i;
        }
        break;
    case 2:
        field->in = proto_bytes(proto);
        break;
    default:
        fail_msg("wire type %u", field->wire);
    }
    return true;
}

/* The first field of that number, which must be there. */
static inline struct proto_field proto_get(struct proto message, unsigned number)
{
    struct proto_field field = {0};
    while (proto_next(&message, &field)) {
        if (field.number == number) {
            return field;
        }
    }
    fail_msg("no field %u", number);
    return field;
}

static inline size_t proto_count(struct proto message, unsigned number)
{
    struct proto_field field;
    size_t n = 0;
    while (proto_next(&message, &field)) {
        n += field.number == number;
    }
    return n;
}

static inline double proto_double(struct proto message, unsigned number)
{
    struct proto_field field = proto_get(message, number);
    double value;
    assert_int_equal(field.wire, 1);
    memcpy(&value, &field.value, sizeof value);
    return value;
}

static inline int64_t proto_signed(uint64_t value)
{
    return (int64_t)(value >> 1) ^ -(int64_t)(value & 1);
}

static inline bool proto_is(struct proto text, const char *expected)
{
    size_t len = (size_t)(text.end - text.at);
    return len == strlen(expected) && memcmp(text.at, expected, len) == 0;
}

#endif
