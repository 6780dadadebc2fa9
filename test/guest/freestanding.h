/*
 * What a program of this folder has in place of a C library, so that any C compiler makes it for any
 * target: system calls by number, and an entry that calls `start` with the stack pointer, which
 * points at argc.
 *   cc -O2 -static -nostdlib -ffreestanding -fno-stack-protector -o PROGRAM PROGRAM.c
 */
typedef unsigned int u32;
typedef unsigned long u64;

#if defined(__x86_64__)
enum {
	SYS_write = 1, SYS_close = 3, SYS_lseek = 8, SYS_mmap = 9, SYS_nanosleep = 35, SYS_socket = 41,
	SYS_connect = 42, SYS_bind = 49, SYS_listen = 50, SYS_socketpair = 53, SYS_clone = 56, SYS_exit = 60,
	SYS_fcntl = 72, SYS_prctl = 157, SYS_futex = 202, SYS_openat = 257, SYS_ppoll = 271,
	SYS_timerfd_create = 283, SYS_eventfd2 = 290, SYS_epoll_create1 = 291, SYS_pipe2 = 293,
	SYS_memfd_create = 319, SYS_bpf = 321,
};

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

__asm__(".globl _start\n_start:\n\tmov %rsp, %rdi\n\tand $-16, %rsp\n\tcall start\n");
#elif defined(__aarch64__)
enum {
	SYS_eventfd2 = 19, SYS_epoll_create1 = 20, SYS_fcntl = 25, SYS_openat = 56, SYS_close = 57, SYS_pipe2 = 59,
	SYS_lseek = 62, SYS_write = 64, SYS_ppoll = 73, SYS_timerfd_create = 85, SYS_exit = 93, SYS_futex = 98,
	SYS_nanosleep = 101, SYS_prctl = 167, SYS_socket = 198, SYS_socketpair = 199, SYS_bind = 200,
	SYS_listen = 201, SYS_connect = 203, SYS_clone = 220, SYS_mmap = 222, SYS_memfd_create = 279, SYS_bpf = 280,
};

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
#error "known are x86-64 and aarch64"
#endif

enum {
	AT_FDCWD = -100,
	PROT_READ = 1, PROT_WRITE = 2, MAP_SHARED = 1, MAP_PRIVATE = 2, MAP_ANONYMOUS = 0x20,
};

__attribute__((used)) void start(const long *stack);
