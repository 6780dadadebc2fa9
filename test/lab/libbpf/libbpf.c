/*
 * The part of libbpf that the kernel's tests of BTF call, so that they run, as they are, against
 * another library: types are gathered here, everything that is done to them is asked of the process
 * that started this one (libbpf.test.ts).
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include "test_progs.h"

struct btf {
	struct btf *base;
	unsigned char *types;
	char *strings;
	size_t types_size, strings_size;
	/* Offset in types by own id. */
	size_t *at;
	unsigned int count;
	int pointer_size, swapped;
	void *raw;
};

struct btf_dump {
	struct btf *btf;
	btf_dump_printf_fn_t print;
	void *context;
	size_t printed;
};

/* ---- Asking ------------------------------------------------------------------------------- */

struct answer {
	int error, count;
	struct { unsigned int size; unsigned char *bytes; } blob[2];
};

static FILE *to, *from;

static void put(const void *bytes, size_t size)
{
	if (size && fwrite(bytes, 1, size, to) != size)
		exit(3);
}

static void get(void *bytes, size_t size)
{
	if (size && fread(bytes, 1, size, from) != size)
		exit(3);
}

static void put_u32(unsigned int value)
{
	put(&value, 4);
}

static unsigned int get_u32(void)
{
	unsigned int value;

	get(&value, 4);
	return value;
}

/* A request is its name in 16 bytes, the number of blobs, and each blob after its size. */
static void begin(const char *name, unsigned int blobs)
{
	char padded[16] = "";

	if (!to) {
		to = fdopen(3, "w");
		from = fdopen(4, "r");
	}
	strncpy(padded, name, sizeof(padded) - 1);
	put(padded, sizeof(padded));
	put_u32(blobs);
}

static void put_blob(const void *bytes, size_t size)
{
	put_u32(size);
	put(bytes, size);
}

static struct answer answer(void)
{
	struct answer result = {};
	int i;

	fflush(to);
	result.error = (int)get_u32();
	result.count = (int)get_u32();
	for (i = 0; i < result.count; i++) {
		result.blob[i].size = get_u32();
		result.blob[i].bytes = malloc(result.blob[i].size + 1);
		get(result.blob[i].bytes, result.blob[i].size);
		result.blob[i].bytes[result.blob[i].size] = 0;
	}
	return result;
}

static void *fail(int error)
{
	errno = error;
	return NULL;
}

static void *native_raw(const struct btf *btf, __u32 *size)
{
	struct btf_header header = {
		.magic = BTF_MAGIC, .version = BTF_VERSION, .hdr_len = sizeof(header),
		.type_len = btf->types_size, .str_off = btf->types_size, .str_len = btf->strings_size,
	};
	char *raw = malloc(sizeof(header) + btf->types_size + btf->strings_size);

	memcpy(raw, &header, sizeof(header));
	memcpy(raw + sizeof(header), btf->types, btf->types_size);
	memcpy(raw + sizeof(header) + btf->types_size, btf->strings, btf->strings_size);
	*size = sizeof(header) + btf->types_size + btf->strings_size;
	return raw;
}

static unsigned int levels(const struct btf *btf)
{
	return btf ? 1 + levels(btf->base) : 0;
}

/* A BTF is sent with all below it, the lowest first, in the byte order it is set to. */
static void put_chain(const struct btf *btf)
{
	const void *raw;
	__u32 size;

	if (!btf)
		return;
	put_chain(btf->base);
	raw = btf__raw_data(btf, &size);
	put_blob(raw, size);
}

/* Asking for the bytes of the other order is a question too: not in the middle of one. */
static void ready(const struct btf *btf)
{
	__u32 size;

	if (!btf)
		return;
	ready(btf->base);
	btf__raw_data(btf, &size);
}

static struct answer ask(const char *name, const struct btf *btf, const struct btf *other)
{
	ready(btf);
	ready(other);
	begin(name, levels(btf) + levels(other));
	put_chain(btf);
	put_chain(other);
	return answer();
}

/* ---- Gathering ---------------------------------------------------------------------------- */

static unsigned int start_id(const struct btf *btf)
{
	return btf->base ? btf__type_cnt(btf->base) : 1;
}

static unsigned int start_string(const struct btf *btf)
{
	return btf->base ? start_string(btf->base) + btf->base->strings_size : 0;
}

static void changed(struct btf *btf)
{
	free(btf->raw);
	btf->raw = NULL;
}

static size_t record_size(const struct btf_type *type)
{
	unsigned int vlen = btf_vlen(type);

	switch (btf_kind(type)) {
	case BTF_KIND_INT: return sizeof(*type) + 4;
	case BTF_KIND_ARRAY: return sizeof(*type) + sizeof(struct btf_array);
	case BTF_KIND_STRUCT:
	case BTF_KIND_UNION: return sizeof(*type) + vlen * sizeof(struct btf_member);
	case BTF_KIND_ENUM: return sizeof(*type) + vlen * sizeof(struct btf_enum);
	case BTF_KIND_ENUM64: return sizeof(*type) + vlen * sizeof(struct btf_enum64);
	case BTF_KIND_FUNC_PROTO: return sizeof(*type) + vlen * sizeof(struct btf_param);
	case BTF_KIND_VAR: return sizeof(*type) + sizeof(struct btf_var);
	case BTF_KIND_DATASEC: return sizeof(*type) + vlen * sizeof(struct btf_var_secinfo);
	case BTF_KIND_DECL_TAG: return sizeof(*type) + sizeof(struct btf_decl_tag);
	default: return sizeof(*type);
	}
}

static void index_types(struct btf *btf)
{
	size_t at;

	btf->count = 0;
	for (at = 0; at < btf->types_size; at += record_size((void *)(btf->types + at))) {
		btf->at = realloc(btf->at, (btf->count + 1) * sizeof(*btf->at));
		btf->at[btf->count++] = at;
	}
}

/* raw is in this machine's byte order. */
static void take(struct btf *btf, const unsigned char *raw)
{
	struct btf_header header;

	memcpy(&header, raw, 24);
	changed(btf);
	btf->types_size = header.type_len;
	btf->strings_size = header.str_len;
	btf->types = malloc(header.type_len + 1);
	btf->strings = malloc(header.str_len + 1);
	memcpy(btf->types, raw + header.hdr_len + header.type_off, header.type_len);
	memcpy(btf->strings, raw + header.hdr_len + header.str_off, header.str_len);
	index_types(btf);
}

static struct btf *empty(struct btf *base)
{
	struct btf *btf = calloc(1, sizeof(*btf));

	btf->base = base;
	btf->pointer_size = base ? base->pointer_size : 8;
	btf->swapped = base ? base->swapped : 0;
	btf->strings = calloc(1, 1);
	btf->strings_size = base ? 0 : 1;
	return btf;
}

static int swapped_magic(const unsigned char *raw, unsigned int size)
{
	return size > 2 && *(const unsigned short *)raw != BTF_MAGIC;
}

static struct btf *load(const void *raw, unsigned int size, struct btf *base)
{
	struct btf *btf = empty(base);
	struct answer native;

	ready(base);
	begin("native", levels(base) + 1);
	put_chain(base);
	put_blob(raw, size);
	native = answer();
	if (native.error)
		return fail(native.error);
	take(btf, native.blob[0].bytes);
	btf->swapped = swapped_magic(raw, size);
	return btf;
}

static unsigned int string_offset(struct btf *btf, const char *text)
{
	int known;
	size_t size;

	if (!text || !*text)
		return 0;
	known = btf__find_str(btf, text);
	if (known >= 0)
		return known;
	size = strlen(text) + 1;
	btf->strings = realloc(btf->strings, btf->strings_size + size);
	memcpy(btf->strings + btf->strings_size, text, size);
	btf->strings_size += size;
	return start_string(btf) + btf->strings_size - size;
}

static void append(struct btf *btf, const void *bytes, size_t size)
{
	changed(btf);
	btf->types = realloc(btf->types, btf->types_size + size);
	memcpy(btf->types + btf->types_size, bytes, size);
	btf->types_size += size;
}

static int add(struct btf *btf, int kind, const char *name, int flag, unsigned int vlen, unsigned int third)
{
	struct btf_type type = {
		.name_off = string_offset(btf, name),
		.info = (unsigned int)!!flag << 31 | (unsigned int)kind << 24 | vlen,
		.size = third,
	};

	btf->at = realloc(btf->at, (btf->count + 1) * sizeof(*btf->at));
	btf->at[btf->count++] = btf->types_size;
	append(btf, &type, sizeof(type));
	return start_id(btf) + btf->count - 1;
}

static int add_element(struct btf *btf, const void *element, size_t size, int flag)
{
	struct btf_type *type;

	append(btf, element, size);
	type = (void *)(btf->types + btf->at[btf->count - 1]);
	type->info = (type->info + 1) | (unsigned int)!!flag << 31;
	return 0;
}

struct btf *btf__new_empty(void)
{
	return empty(NULL);
}

struct btf *btf__new_empty_split(struct btf *base)
{
	return empty(base);
}

struct btf *btf__new(const void *data, __u32 size)
{
	return load(data, size, NULL);
}

struct btf *btf__new_split(const void *data, __u32 size, struct btf *base)
{
	return load(data, size, base);
}

static struct btf *load_file(const char *path, struct btf *base)
{
	static char bytes[1 << 20];
	FILE *file = fopen(path, "r");
	size_t size;

	if (!file)
		return fail(errno);
	size = fread(bytes, 1, sizeof(bytes), file);
	fclose(file);
	return load(bytes, size, base);
}

struct btf *btf__parse(const char *path, struct btf_ext **extended)
{
	return load_file(path, NULL);
}

struct btf *btf__parse_split(const char *path, struct btf *base)
{
	return load_file(path, base);
}

static struct btf *ask_for(const char *name, const char *argument)
{
	struct btf *btf = empty(NULL);
	struct answer result;

	begin(name, 1);
	put_blob(argument, strlen(argument));
	result = answer();
	if (result.error)
		return fail(result.error);
	take(btf, result.blob[0].bytes);
	return btf;
}

/* Of a program that the tests were built with. */
struct btf *btf__parse_elf(const char *path, struct btf_ext **extended)
{
	return ask_for("object", path);
}

struct btf *btf__load_vmlinux_btf(void)
{
	return ask_for("vmlinux", "");
}

struct btf *libbpf_find_kernel_btf(void)
{
	return ask_for("vmlinux", "");
}

void btf__free(struct btf *btf)
{
	if (!btf)
		return;
	free(btf->types);
	free(btf->strings);
	free(btf->at);
	free(btf->raw);
	free(btf);
}

int btf__add_int(struct btf *btf, const char *name, size_t size, int encoding)
{
	unsigned int data = (unsigned int)encoding << 24 | size * 8;
	int id = add(btf, BTF_KIND_INT, name, 0, 0, size);

	append(btf, &data, sizeof(data));
	return id;
}

int btf__add_float(struct btf *btf, const char *name, size_t size)
{
	return add(btf, BTF_KIND_FLOAT, name, 0, 0, size);
}

int btf__add_ptr(struct btf *btf, int type)
{
	return add(btf, BTF_KIND_PTR, NULL, 0, 0, type);
}

int btf__add_array(struct btf *btf, int index, int element, __u32 count)
{
	struct btf_array array = { .type = element, .index_type = index, .nelems = count };
	int id = add(btf, BTF_KIND_ARRAY, NULL, 0, 0, 0);

	append(btf, &array, sizeof(array));
	return id;
}

int btf__add_struct(struct btf *btf, const char *name, __u32 size)
{
	return add(btf, BTF_KIND_STRUCT, name, 0, 0, size);
}

int btf__add_union(struct btf *btf, const char *name, __u32 size)
{
	return add(btf, BTF_KIND_UNION, name, 0, 0, size);
}

int btf__add_field(struct btf *btf, const char *name, int type, __u32 bit_offset, __u32 bit_size)
{
	struct btf_member member = {
		.name_off = string_offset(btf, name), .type = type, .offset = bit_size << 24 | bit_offset,
	};

	return add_element(btf, &member, sizeof(member), bit_size != 0);
}

int btf__add_enum(struct btf *btf, const char *name, __u32 size)
{
	return add(btf, BTF_KIND_ENUM, name, 0, 0, size);
}

int btf__add_enum_value(struct btf *btf, const char *name, __s64 value)
{
	struct btf_enum element = { .name_off = string_offset(btf, name), .val = value };

	return add_element(btf, &element, sizeof(element), value < 0);
}

int btf__add_enum64(struct btf *btf, const char *name, __u32 size, bool is_signed)
{
	return add(btf, BTF_KIND_ENUM64, name, is_signed, 0, size);
}

int btf__add_enum64_value(struct btf *btf, const char *name, __u64 value)
{
	struct btf_enum64 element = {
		.name_off = string_offset(btf, name), .val_lo32 = value, .val_hi32 = value >> 32,
	};

	return add_element(btf, &element, sizeof(element), 0);
}

int btf__add_fwd(struct btf *btf, const char *name, enum btf_fwd_kind kind)
{
	if (kind == BTF_FWD_ENUM)
		return btf__add_enum(btf, name, 4);
	return add(btf, BTF_KIND_FWD, name, kind == BTF_FWD_UNION, 0, 0);
}

int btf__add_typedef(struct btf *btf, const char *name, int type)
{
	return add(btf, BTF_KIND_TYPEDEF, name, 0, 0, type);
}

int btf__add_volatile(struct btf *btf, int type)
{
	return add(btf, BTF_KIND_VOLATILE, NULL, 0, 0, type);
}

int btf__add_const(struct btf *btf, int type)
{
	return add(btf, BTF_KIND_CONST, NULL, 0, 0, type);
}

int btf__add_restrict(struct btf *btf, int type)
{
	return add(btf, BTF_KIND_RESTRICT, NULL, 0, 0, type);
}

int btf__add_type_tag(struct btf *btf, const char *value, int type)
{
	return add(btf, BTF_KIND_TYPE_TAG, value, 0, 0, type);
}

int btf__add_type_attr(struct btf *btf, const char *value, int type)
{
	return add(btf, BTF_KIND_TYPE_TAG, value, 1, 0, type);
}

int btf__add_func(struct btf *btf, const char *name, enum btf_func_linkage linkage, int prototype)
{
	return add(btf, BTF_KIND_FUNC, name, 0, linkage, prototype);
}

int btf__add_func_proto(struct btf *btf, int type)
{
	return add(btf, BTF_KIND_FUNC_PROTO, NULL, 0, 0, type);
}

int btf__add_func_param(struct btf *btf, const char *name, int type)
{
	struct btf_param parameter = { .name_off = string_offset(btf, name), .type = type };

	return add_element(btf, &parameter, sizeof(parameter), 0);
}

int btf__add_var(struct btf *btf, const char *name, int linkage, int type)
{
	struct btf_var variable = { .linkage = linkage };
	int id = add(btf, BTF_KIND_VAR, name, 0, 0, type);

	append(btf, &variable, sizeof(variable));
	return id;
}

/* ---- Looking ------------------------------------------------------------------------------ */

__u32 btf__type_cnt(const struct btf *btf)
{
	return start_id(btf) + btf->count;
}

const struct btf_type *btf__type_by_id(const struct btf *btf, __u32 id)
{
	static const struct btf_type none;

	if (id == 0)
		return &none;
	if (id >= btf__type_cnt(btf))
		return fail(EINVAL);
	if (id < start_id(btf))
		return btf__type_by_id(btf->base, id);
	return (void *)(btf->types + btf->at[id - start_id(btf)]);
}

const char *btf__str_by_offset(const struct btf *btf, __u32 offset)
{
	if (btf->base && offset < start_string(btf))
		return btf__str_by_offset(btf->base, offset);
	offset -= start_string(btf);
	return offset < btf->strings_size ? btf->strings + offset : fail(EINVAL);
}

const char *btf__name_by_offset(const struct btf *btf, __u32 offset)
{
	return btf__str_by_offset(btf, offset);
}

int btf__find_str(struct btf *btf, const char *text)
{
	size_t at;
	int below = btf->base ? btf__find_str(btf->base, text) : -ENOENT;

	if (below >= 0)
		return below;
	for (at = 0; at < btf->strings_size; at += strlen(btf->strings + at) + 1)
		if (!strcmp(btf->strings + at, text))
			return start_string(btf) + at;
	return -ENOENT;
}

__s32 btf__find_by_name_kind(const struct btf *btf, const char *name, __u32 kind)
{
	__u32 id;

	for (id = 1; id < btf__type_cnt(btf); id++) {
		const struct btf_type *type = btf__type_by_id(btf, id);

		if (btf_kind(type) == kind && !strcmp(btf__str_by_offset(btf, type->name_off), name))
			return id;
	}
	return -ENOENT;
}

const void *btf__raw_data(const struct btf *constant, __u32 *size)
{
	struct btf *btf = (struct btf *)constant;

	if (!btf->raw) {
		struct answer swapped;

		btf->raw = native_raw(btf, size);
		if (btf->swapped) {
			struct answer swapped;

			ready(btf->base);
			begin("swap", levels(btf));
			put_chain(btf->base);
			put_blob(btf->raw, *size);
			swapped = answer();
			if (swapped.error)
				return fail(swapped.error);
			btf->raw = swapped.blob[0].bytes;
		}
	}
	*size = sizeof(struct btf_header) + btf->types_size + btf->strings_size;
	return btf->raw;
}

enum btf_endianness btf__endianness(const struct btf *btf)
{
	return btf->swapped ? BTF_BIG_ENDIAN : BTF_LITTLE_ENDIAN;
}

int btf__set_endianness(struct btf *btf, enum btf_endianness endianness)
{
	btf->swapped = endianness == BTF_BIG_ENDIAN;
	changed(btf);
	return 0;
}

size_t btf__pointer_size(const struct btf *btf)
{
	return btf->pointer_size;
}

int btf__set_pointer_size(struct btf *btf, size_t size)
{
	btf->pointer_size = size;
	return 0;
}

long libbpf_get_error(const void *pointer)
{
	return pointer ? 0 : -(errno ? errno : EINVAL);
}

/* ---- What is tested ----------------------------------------------------------------------- */

int btf__dedup(struct btf *btf, const struct btf_dedup_opts *options)
{
	struct answer result = ask("dedup", btf, NULL);

	if (result.error)
		return -result.error;
	take(btf, result.blob[0].bytes);
	return 0;
}

/* In whatever byte order the answer came. */
static struct btf *loaded(struct answer *from, int index, struct btf *base)
{
	return load(from->blob[index].bytes, from->blob[index].size, base);
}

int btf__distill_base(const struct btf *source, struct btf **new_base, struct btf **new_split)
{
	struct answer result = ask("distill", source, NULL);

	if (result.error)
		return -result.error;
	*new_base = loaded(&result, 0, NULL);
	*new_split = loaded(&result, 1, *new_base);
	return *new_base && *new_split ? 0 : -EINVAL;
}

int btf__relocate(struct btf *btf, const struct btf *base)
{
	struct answer result = ask("relocate", btf, base);

	if (result.error)
		return -result.error;
	btf->base = (struct btf *)base;
	take(btf, result.blob[0].bytes);
	return 0;
}

int bpf_btf_load(const void *data, size_t size, struct bpf_btf_load_opts *options)
{
	struct answer result;

	begin("check", 1);
	put_blob(data, size);
	result = answer();
	return result.error ? -result.error : 1 << 20;
}

struct btf_dump *btf_dump__new(const struct btf *btf, btf_dump_printf_fn_t print, void *context,
			       const struct btf_dump_opts *options)
{
	struct btf_dump *dump = calloc(1, sizeof(*dump));

	dump->btf = (struct btf *)btf;
	dump->print = print;
	dump->context = context;
	return dump;
}

void btf_dump__free(struct btf_dump *dump)
{
	free(dump);
}

static void print(struct btf_dump *dump, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	dump->print(dump->context, format, arguments);
	va_end(arguments);
}

/* The tests dump all types, one after another: the text comes with the last of them. */
int btf_dump__dump_type(struct btf_dump *dump, __u32 id)
{
	struct answer result;

	if (id + 1 < btf__type_cnt(dump->btf))
		return 0;
	result = ask("c", dump->btf, NULL);
	if (result.error)
		return -result.error;
	print(dump, "%s", (char *)result.blob[0].bytes + dump->printed);
	dump->printed = result.blob[0].size;
	return 0;
}

/* ---- The tests' own frame ----------------------------------------------------------------- */

struct test_env env;
static int failures, open_case;

static void end_case(void)
{
	if (open_case)
		printf("\n@end %d\n", failures);
	open_case = failures = 0;
	fflush(stdout);
}

bool test__start_subtest(const char *name)
{
	const char *left_out = getenv("LEFT_OUT");
	char line[256];

	end_case();
	snprintf(line, sizeof(line), "\n%s\n", name);
	if (left_out && strstr(left_out, line)) {
		printf("\n@left out %s\n", name);
		return false;
	}
	printf("\n@start %s\n", name);
	/* Other processes write there too. */
	fflush(stdout);
	open_case = 1;
	return true;
}

void test__fail(void)
{
	failures++;
}

void test__skip(void)
{
}

void run_tests(void);

int main(void)
{
	run_tests();
	end_case();
	return 0;
}
