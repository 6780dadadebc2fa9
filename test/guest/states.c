/*
 * states MODE: a process in a state that busybox cannot be brought into, for dumps to show.
 *   vfork    waits without a chance of interruption (D) for a child that never ends
 *   threads  four threads: in pause, in nanosleep, in a futex, and the first one in pause
 *   zombie   has a child that ended and was not waited for
 *   files    holds sockets, pipes, epoll, eventfd, timerfd, shared memory and a lock
 *   spin     runs in user mode for ever
 *
 * Freestanding, so that any C compiler makes it for any target without a C library.
 */

typedef unsigned int u32;
typedef unsigned long u64;

#if defined(__x86_64__)
enum {
	SYS_write = 1, SYS_mmap = 9, SYS_nanosleep = 35, SYS_socket = 41, SYS_connect = 42, SYS_bind = 49,
	SYS_listen = 50, SYS_socketpair = 53, SYS_clone = 56, SYS_exit = 60, SYS_fcntl = 72, SYS_prctl = 157,
	SYS_futex = 202, SYS_openat = 257, SYS_ppoll = 271, SYS_timerfd_create = 283, SYS_eventfd2 = 290,
	SYS_epoll_create1 = 291, SYS_pipe2 = 293, SYS_memfd_create = 319,
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

/* The stack pointer at entry points at argc. */
__asm__(".globl _start\n_start:\n\tmov %rsp, %rdi\n\tand $-16, %rsp\n\tcall start\n");
/* begin_thread(flags, stack): the new thread takes what to run from its stack. */
__asm__("begin_thread:\n\txor %edx, %edx\n\txor %r10d, %r10d\n\txor %r8d, %r8d\n\tmov $56, %eax\n\tsyscall\n"
	"\ttest %eax, %eax\n\tjnz 1f\n\tpop %rax\n\tand $-16, %rsp\n\tcall *%rax\n1:\tret\n");
#elif defined(__aarch64__)
enum {
	SYS_eventfd2 = 19, SYS_epoll_create1 = 20, SYS_fcntl = 25, SYS_openat = 56, SYS_pipe2 = 59, SYS_write = 64,
	SYS_ppoll = 73, SYS_timerfd_create = 85, SYS_exit = 93, SYS_futex = 98, SYS_nanosleep = 101, SYS_prctl = 167,
	SYS_socket = 198, SYS_socketpair = 199, SYS_bind = 200, SYS_listen = 201, SYS_connect = 203, SYS_clone = 220,
	SYS_mmap = 222, SYS_memfd_create = 279,
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
__asm__("begin_thread:\n\tmov x2, 0\n\tmov x3, 0\n\tmov x4, 0\n\tmov x8, 220\n\tsvc 0\n"
	"\tcbnz x0, 1f\n\tldr x9, [sp]\n\tblr x9\n1:\tret\n");
#else
#error "states knows x86-64 and aarch64"
#endif

enum {
	CLONE_VM = 0x100, CLONE_FS = 0x200, CLONE_FILES = 0x400, CLONE_SIGHAND = 0x800, CLONE_VFORK = 0x4000,
	CLONE_THREAD = 0x10000, SIGCHLD = 17,
	AT_FDCWD = -100, O_RDWR = 2, O_CREAT = 0100, F_SETLK = 6, F_WRLCK = 1,
	PROT_READ_WRITE = 3, MAP_SHARED = 1, MAP_PRIVATE_ANONYMOUS = 0x22, STACK_BYTES = 16384,
	AF_UNIX = 1, AF_INET = 2, SOCK_STREAM = 1, SOCK_DGRAM = 2,
	FUTEX_WAIT = 0, PR_SET_NAME = 15, CLOCK_MONOTONIC = 1,
};

long begin_thread(u64 flags, void *stack);

static void name_thread(const char *name)
{
	call(SYS_prctl, PR_SET_NAME, (long)name, 0, 0, 0, 0);
}

static void wait_for_ever(void)
{
	for (;;)
		call(SYS_ppoll, 0, 0, 0, 0, 0, 0);
}

static void polling_thread(void)
{
	name_thread("t-poll");
	wait_for_ever();
}

static void sleeping_thread(void)
{
	u64 time[2] = { 1000000, 0 };

	name_thread("t-sleep");
	for (;;)
		call(SYS_nanosleep, (long)time, 0, 0, 0, 0, 0);
}

static void waiting_thread(void)
{
	u32 word = 0;

	name_thread("t-futex");
	for (;;)
		call(SYS_futex, (long)&word, FUTEX_WAIT, 0, 0, 0, 0);
}

static void start_thread(void (*run)(void))
{
	char *stack = (char *)call(SYS_mmap, 0, STACK_BYTES, PROT_READ_WRITE, MAP_PRIVATE_ANONYMOUS, -1, 0);
	void **top = (void **)(stack + STACK_BYTES - 64);

	*top = (void *)run;
	begin_thread(CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD, top);
}

static void hold_files(void)
{
	static const struct { unsigned short family; char name[14]; } local = { AF_UNIX, "\0dwarfless" };
	/* 127.0.0.1, ports 7777 and 7778 */
	static const struct { unsigned short family, port; u32 address, zero[2]; }
		stream = { AF_INET, 0x611e, 0x0100007f, { 0 } }, datagram = { AF_INET, 0x621e, 0x0100007f, { 0 } };
	static const struct { short type, whence; u64 start, length; int pid; } lock = { F_WRLCK, 0, 16, 32, 0 };
	long fd, client, memory, time = 0;
	int pair[2];

	fd = call(SYS_socket, AF_UNIX, SOCK_STREAM, 0, 0, 0, 0);
	call(SYS_bind, fd, (long)&local, 12, 0, 0, 0);
	call(SYS_listen, fd, 5, 0, 0, 0, 0);
	fd = call(SYS_socket, AF_INET, SOCK_STREAM, 0, 0, 0, 0);
	call(SYS_bind, fd, (long)&stream, 16, 0, 0, 0);
	call(SYS_listen, fd, 5, 0, 0, 0, 0);
	client = call(SYS_socket, AF_INET, SOCK_STREAM, 0, 0, 0, 0);
	call(SYS_connect, client, (long)&stream, 16, 0, 0, 0);
	fd = call(SYS_socket, AF_INET, SOCK_DGRAM, 0, 0, 0, 0);
	call(SYS_bind, fd, (long)&datagram, 16, 0, 0, 0);
	call(SYS_socketpair, AF_UNIX, SOCK_STREAM, 0, (long)pair, 0, 0);
	call(SYS_write, pair[0], (long)"unread", 6, 0, 0, 0);
	call(SYS_pipe2, (long)pair, 0, 0, 0, 0, 0);
	call(SYS_write, pair[1], (long)"in the pipe", 11, 0, 0, 0);
	call(SYS_epoll_create1, 0, 0, 0, 0, 0, 0);
	call(SYS_eventfd2, 3, 0, 0, 0, 0, 0);
	call(SYS_timerfd_create, CLOCK_MONOTONIC, 0, 0, 0, 0, 0);
	memory = call(SYS_memfd_create, (long)"shared", 0, 0, 0, 0, 0);
	call(SYS_write, memory, (long)&time, 8, 0, 0, 0);
	call(SYS_mmap, 0, 4096, PROT_READ_WRITE, MAP_SHARED, memory, 0);
	fd = call(SYS_openat, AT_FDCWD, (long)"/tmp/locked", O_RDWR | O_CREAT, 0600, 0, 0);
	call(SYS_fcntl, fd, F_SETLK, (long)&lock, 0, 0, 0);
	wait_for_ever();
}

__attribute__((used)) void start(const long *stack)
{
	const char *mode = stack[0] > 1 ? (const char *)stack[2] : "";

	switch (mode[0]) {
	case 'v':
		/* Without CLONE_VM this is fork(2), but the parent waits as in vfork(2). */
		if (call(SYS_clone, CLONE_VFORK | SIGCHLD, 0, 0, 0, 0, 0) == 0)
			name_thread("vfork-child");
		wait_for_ever();
	case 't':
		start_thread(polling_thread);
		start_thread(sleeping_thread);
		start_thread(waiting_thread);
		wait_for_ever();
	case 'z':
		if (call(SYS_clone, SIGCHLD, 0, 0, 0, 0, 0) == 0)
			call(SYS_exit, 3, 0, 0, 0, 0, 0);
		wait_for_ever();
	case 'f':
		hold_files();
	case 's':
		for (;;)
			__asm__ volatile("");
	}
	call(SYS_exit, 1, 0, 0, 0, 0, 0);
}
