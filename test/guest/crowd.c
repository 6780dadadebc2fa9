/* crowd: 5000 threads that wait for ever, half of them in poll and half in nanosleep. */
#include "threads.h"

enum { THREADS = 5000, STACK_BYTES = 4096 };

void start(const long *stack)
{
	char *stacks = new_memory((u64)THREADS * STACK_BYTES);
	int i;

	(void)stack;
	for (i = 0; i < THREADS; i++) {
		if (start_thread(i % 2 ? sleep_for_ever : wait_for_ever, stacks + (long)(i + 1) * STACK_BYTES) < 0)
			call(SYS_write, 2, (long)"@failed clone\n", 14, 0, 0, 0);
	}
	wait_for_ever();
}
