/*
 * crowd: 5000 threads that wait for ever, half of them in poll and half in nanosleep.
 * Freestanding, x86-64 only.
 */
typedef unsigned long u64;

enum { SYS_write = 1, SYS_mmap = 9, SYS_nanosleep = 35, SYS_clone = 56, SYS_ppoll = 271 };
enum { THREADS = 5000, STACK_BYTES = 4096 };

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

__asm__(".globl _start\n_start:\n\tand $-16, %rsp\n\tcall start\n");
/* begin_thread(flags, stack): the new thread takes what to run from its stack. */
__asm__("begin_thread:\n\txor %edx, %edx\n\txor %r10d, %r10d\n\txor %r8d, %r8d\n\tmov $56, %eax\n\tsyscall\n"
	"\ttest %eax, %eax\n\tjnz 1f\n\tpop %rax\n\tand $-16, %rsp\n\tcall *%rax\n1:\tret\n");
long begin_thread(u64 flags, void *stack);

static void poll_for_ever(void)
{
	for (;;)
		call(SYS_ppoll, 0, 0, 0, 0, 0, 0);
}

static void sleep_for_ever(void)
{
	u64 time[2] = { 1000000, 0 };

	for (;;)
		call(SYS_nanosleep, (long)time, 0, 0, 0, 0, 0);
}

__attribute__((used)) void start(void)
{
	char *stacks = (char *)call(SYS_mmap, 0, (long)THREADS * STACK_BYTES, 3, 0x22, -1, 0);
	int i;

	for (i = 0; i < THREADS; i++) {
		void **top = (void **)(stacks + (long)(i + 1) * STACK_BYTES - 64);

		*top = (void *)(i % 2 ? sleep_for_ever : poll_for_ever);
		/* CLONE_VM, FS, FILES, SIGHAND, THREAD */
		if (begin_thread(0x10f00, top) < 0)
			call(SYS_write, 2, (long)"@failed clone\n", 14, 0, 0, 0);
	}
	poll_for_ever();
}
