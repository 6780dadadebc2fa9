/*
 * btfload FILE...: hand raw BTF to the running kernel (bpf(2), BPF_BTF_LOAD) and say what it says.
 * One line each: "OK FILE" or "FAIL FILE ERRNO", the latter followed by the last lines of the
 * kernel's own log, each after "| ".
 */
#include "freestanding.h"

enum {
	BPF_BTF_LOAD = 18,
	/* The log names every type, some 40 MB for a kernel. Only touched pages cost memory. */
	LOG_BYTES = 192 << 20,
	LOG_LINES = 6,
};

/* The part of union bpf_attr that BPF_BTF_LOAD reads (bpf(2)). */
struct btf_load {
	u64 btf, log;
	u32 btf_bytes, log_bytes, log_level, padding;
};

static void print(const char *text, u64 length)
{
	call(SYS_write, 1, (long)text, length, 0, 0, 0);
}

static void print_text(const char *text)
{
	u64 length = 0;

	while (text[length])
		length++;
	print(text, length);
}

static void print_number(u32 value)
{
	char digits[12];
	int at = sizeof(digits);

	do
		digits[--at] = '0' + value % 10;
	while ((value /= 10) != 0);
	print(digits + at, sizeof(digits) - at);
}

static void print_end_of_log(const char *log, u64 capacity)
{
	u64 end = 0, begin;
	int lines = 0;

	while (end < capacity && log[end])
		end++;
	for (begin = end; begin > 0; begin--) {
		if (log[begin - 1] == '\n' && begin != end && ++lines == LOG_LINES)
			break;
	}
	while (begin < end) {
		u64 stop = begin;

		while (stop < end && log[stop] != '\n')
			stop++;
		print_text("| ");
		print(log + begin, stop - begin);
		print_text("\n");
		begin = stop + 1;
	}
}

static int report(const char *file, long error)
{
	print_text(error ? "FAIL " : "OK ");
	print_text(file);
	if (error) {
		print_text(" ");
		print_number(-error);
	}
	print_text("\n");
	return error != 0;
}

static int load(const char *file)
{
	struct btf_load attribute = { 0 };
	long descriptor = call(SYS_openat, AT_FDCWD, (long)file, 0, 0, 0, 0);
	long size, address, result;

	if (descriptor < 0)
		return report(file, descriptor);
	size = call(SYS_lseek, descriptor, 0, 2, 0, 0, 0);
	address = call(SYS_mmap, 0, size, PROT_READ, MAP_PRIVATE, descriptor, 0);
	if (address < 0 && address > -4096)
		return report(file, address);
	attribute.btf = address;
	attribute.btf_bytes = size;
	result = call(SYS_bpf, BPF_BTF_LOAD, (long)&attribute, sizeof(attribute), 0, 0, 0);
	call(SYS_close, descriptor, 0, 0, 0, 0, 0);
	if (result >= 0) {
		call(SYS_close, result, 0, 0, 0, 0, 0);
		return report(file, 0);
	}
	report(file, result);
	/* Once more with a log. Not at first: a full log is an error of its own (ENOSPC). */
	address = call(SYS_mmap, 0, LOG_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (address < 0 && address > -4096)
		return 1;
	attribute.log = address;
	attribute.log_bytes = LOG_BYTES;
	attribute.log_level = 1;
	call(SYS_bpf, BPF_BTF_LOAD, (long)&attribute, sizeof(attribute), 0, 0, 0);
	print_end_of_log((const char *)address, LOG_BYTES);
	return 1;
}

void start(const long *stack)
{
	char **argv = (char **)(stack + 1);
	int failures = 0;

	for (long i = 1; i < stack[0]; i++)
		failures += load(argv[i]);
	call(SYS_exit, failures != 0, 0, 0, 0, 0, 0);
}
