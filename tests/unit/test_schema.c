/* SPDX-License-Identifier: Apache-2.0 */
/* link: -Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc,--wrap=strdup */
/*
 * The JSON Schema that is made of option tables. Whether it judges files as the program does is
 * tested with a validator, in tests/system/test_schema.py.
 */
#include "config/schema.h"

#include "base/option.h"
#include "config_kinds.h"
#include "failing_alloc.h"
#include "kinds/kinds.h"

#include <json-c/json.h>
#include <json-c/json_pointer.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static struct json_object *schema_of(const struct hx_kind *const *kinds)
{
    struct hx_strbuf out;
    hx_strbuf_init(&out);
    hx_config_schema(kinds, &out);
    assert_false(out.is_failed);
    struct json_object *schema = json_tokener_parse(hx_strbuf_text(&out));
    assert_non_null(schema);
    hx_strbuf_fini(&out);
    return schema;
}

/* What stands at the pointer, as JSON without spaces. */
static void assert_holds(struct json_object *schema, const char *pointer, const char *expected)
{
    struct json_object *value = NULL;
    assert_int_equal(json_pointer_get(schema, pointer, &value), 0);
    assert_string_equal(json_object_to_json_string_ext(value, JSON_C_TO_STRING_NOSLASHESCAPE),
                        expected);
}

static void assert_lacks(struct json_object *schema, const char *pointer)
{
    struct json_object *value = NULL;
    assert_int_not_equal(json_pointer_get(schema, pointer, &value), 0);
}

static void each_type_says_its_bounds_and_default(void **state)
{
    (void)state;
    struct json_object *schema = schema_of(test_kinds);
    assert_holds(schema, "/$defs/common_options/properties/interval",
                 "{\"description\":\"time from the start of a check to the start of the next "
                 "(10ms to 1d)\",\"$ref\":\"#/$defs/duration\",\"default\":\"10s\"}");
    assert_holds(schema, "/$defs/common_options/properties/critical/default", "true");
    assert_holds(schema, "/$defs/common_options/properties/failure_threshold/anyOf/0",
                 "{\"type\":\"integer\",\"minimum\":1,\"maximum\":1000}");
    assert_holds(schema, "/$defs/kind_http/properties/max_body/anyOf/0",
                 "{\"type\":\"integer\",\"minimum\":1,\"maximum\":67108864}");
    assert_holds(schema, "/$defs/kind_http/properties/max_body/default", "\"1MiB\"");
    assert_holds(schema, "/$defs/kind_http/properties/expect/properties/status/default",
                 "[\"2xx\"]");
    assert_holds(schema, "/$defs/kind_http/properties/headers/additionalProperties",
                 "{\"$ref\":\"#/$defs/text\"}");
    json_object_put(schema);
}

static void a_choice_that_looks_like_a_number_may_be_one(void **state)
{
    (void)state;
    struct json_object *schema = schema_of(test_kinds);
    assert_holds(schema, "/$defs/common_options/properties/tls/properties/min_version/anyOf/0",
                 "{\"enum\":[\"1.2\",\"1.3\",1.2,1.3]}");
    assert_holds(schema, "/$defs/kind_http/properties/method/anyOf/0",
                 "{\"enum\":[\"GET\",\"HEAD\",\"POST\"]}");
    json_object_put(schema);
}

static void a_text_can_come_from_a_file_instead(void **state)
{
    (void)state;
    struct json_object *schema = schema_of(test_kinds);
    assert_holds(schema, "/$defs/kind_redis/dependentSchemas/password_file",
                 "{\"not\":{\"required\":[\"password\"]}}");
    assert_holds(schema, "/$defs/kind_redis/properties/password_file/$ref", "\"#/$defs/text\"");
    assert_lacks(schema, "/$defs/kind_redis/properties/database_file");
    assert_lacks(schema, "/$defs/common_options/properties/tls/properties/ca_file_file");
    json_object_put(schema);
}

static void what_is_required_is_so_in_its_kind_alone(void **state)
{
    (void)state;
    struct json_object *schema = schema_of(test_kinds);
    assert_holds(schema, "/$defs/kind_heartbeat/allOf/0", "{\"anyOf\":[{\"required\":[\"ttl\"]}]}");
    assert_lacks(schema, "/$defs/kind_redis/allOf");
    json_object_put(schema);
}

static void unknown_keys_are_refused_at_every_level(void **state)
{
    (void)state;
    struct json_object *schema = schema_of(test_kinds);
    assert_holds(schema, "/additionalProperties", "false");
    assert_holds(schema, "/properties/service/additionalProperties", "false");
    assert_holds(schema, "/properties/defaults/unevaluatedProperties", "false");
    assert_holds(schema, "/properties/maintenance/properties/windows/items/additionalProperties",
                 "false");
    assert_holds(schema, "/$defs/dependency/unevaluatedProperties", "false");
    assert_holds(schema, "/$defs/kind_http/properties/expect/additionalProperties", "false");
    json_object_put(schema);
}

/* A group is closed where it stands: in two tables, each would refuse the other's options. */
static void no_kind_adds_to_a_group_of_the_common_options(void **state)
{
    (void)state;
    for (const struct hx_kind *const *kind = hx_kinds; *kind != NULL; kind++) {
        for (const struct hx_option *option = (*kind)->options; option->name != NULL; option++) {
            size_t len = strcspn(option->name, ".");
            for (const struct hx_option *common = hx_policy_options; common->name != NULL;
                 common++) {
                bool is_same = strcspn(common->name, ".") == len &&
                               memcmp(common->name, option->name, len) == 0;
                assert_false(is_same);
            }
        }
    }
}

static void a_lack_of_memory_marks_the_text(void **state)
{
    (void)state;
    bool is_failing = true;
    for (size_t n = 1; is_failing; n++) {
        struct hx_strbuf out;
        hx_strbuf_init(&out);
        failing_alloc_at(n);
        hx_config_schema(test_kinds, &out);
        is_failing = failing_alloc_was_reached();
        assert_int_equal(out.is_failed, is_failing);
        hx_strbuf_fini(&out);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_type_says_its_bounds_and_default),
        cmocka_unit_test(a_choice_that_looks_like_a_number_may_be_one),
        cmocka_unit_test(a_text_can_come_from_a_file_instead),
        cmocka_unit_test(what_is_required_is_so_in_its_kind_alone),
        cmocka_unit_test(unknown_keys_are_refused_at_every_level),
        cmocka_unit_test(no_kind_adds_to_a_group_of_the_common_options),
        cmocka_unit_test(a_lack_of_memory_marks_the_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
