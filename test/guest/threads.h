/* Threads of one process, and what they do for ever. */
#include "freestanding.h"

enum {
	CLONE_VM = 0x100, CLONE_FS = 0x200, CLONE_FILES = 0x400, CLONE_SIGHAND = 0x800, CLONE_VFORK = 0x4000,
	CLONE_THREAD = 0x10000,
};

/* begin_thread(flags, stack): the new thread takes what to run from its stack. */
#if defined(__x86_64__)
__asm__("begin_thread:\n\txor %edx, %edx\n\txor %r10d, %r10d\n\txor %r8d, %r8d\n\tmov $56, %eax\n\tsyscall\n"
	"\ttest %eax, %eax\n\tjnz 1f\n\tpop %rax\n\tand $-16, %rsp\n\tcall *%rax\n1:\tret\n");
#else
__asm__("begin_thread:\n\tmov x2, 0\n\tmov x3, 0\n\tmov x4, 0\n\tmov x8, 220\n\tsvc 0\n"
	"\tcbnz x0, 1f\n\tldr x9, [sp]\n\tblr x9\n1:\tret\n");
#endif
long begin_thread(u64 flags, void *stack);

/* Run a function in a thread whose stack ends at `end`; a negative error number where there is none. */
static long start_thread(void (*run)(void), char *end)
{
	void **top = (void **)(end - 64);

	*top = (void *)run;
	return begin_thread(CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD, top);
}

static void wait_for_ever(void)
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

/* Memory of its own; a negative error number where there is none. */
static char *new_memory(u64 byte_size)
{
	return (char *)call(SYS_mmap, 0, byte_size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}
