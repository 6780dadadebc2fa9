/*
 * btfload FILE...: hand raw BTF to the running kernel (bpf(2), BPF_BTF_LOAD) and say what it says.
 * One line each: "OK FILE" or "FAIL FILE ERRNO", the latter followed by the last lines of the
 * kernel's own log, each after "| ".
 *
 * Freestanding, so that any C compiler makes it for any target without a C library:
 *   cc -O2 -static -nostdlib -ffreestanding -fno-stack-protector -o btfload btfload.c
 */

typedef unsigned int u32;
typedef unsigned long u64;

#if defined(__x86_64__)
enum { SYS_write = 1, SYS_close = 3, SYS_mmap = 9, SYS_exit = 60, SYS_openat = 257, SYS_lseek = 8, SYS_bpf = 321 };

static long call(long number, long a, long b, long c, long d, long e, long f)
{
	long result;
	register long r10 __asm__("r10") = d;
	register long r8 __asm__("r8") = e;
	register long r9 __asm__("r9") = f;

	__asm__ volatile("syscall" : "=a"(result)
			 : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
			 : "rcx", "r11", "memory");
	return result;
}

/* The stack pointer at entry points at argc. */
__asm__(".globl _start\n_start:\n\tmov %rsp, %rdi\n\tand $-16, %rsp\n\tcall start\n");
#elif defined(__aarch64__)
enum { SYS_write = 64, SYS_close = 57, SYS_mmap = 222, SYS_exit = 93, SYS_openat = 56, SYS_lseek = 62, SYS_bpf = 280 };

static long call(long number, long a, long b, long c, long d, long e, long f)
{
	register long x8 __asm__("x8") = number;
	register long x0 __asm__("x0") = a;
	register long x1 __asm__("x1") = b;
	register long x2 __asm__("x2") = c;
	register long x3 __asm__("x3") = d;
	register long x4 __asm__("x4") = e;
	register long x5 __asm__("x5") = f;

	__asm__ volatile("svc 0" : "+r"(x0)
			 : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x5) : "memory");
	return x0;
}

__asm__(".globl _start\n_start:\n\tmov x0, sp\n\tbl start\n");
#else
#error "btfload knows x86-64 and aarch64"
#endif

enum {
	AT_FDCWD = -100,
	PROT_READ = 1, PROT_WRITE = 2, MAP_PRIVATE = 2, MAP_ANONYMOUS = 0x20,
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

__attribute__((used)) void start(long *stack)
{
	char **argv = (char **)(stack + 1);
	int failures = 0;

	for (long i = 1; i < stack[0]; i++)
		failures += load(argv[i]);
	call(SYS_exit, failures != 0, 0, 0, 0, 0, 0);
}
