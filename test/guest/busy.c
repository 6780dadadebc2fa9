/*
 * busy MODE: a process with something that busybox cannot make, for dumps to show.
 *   shm KEY  System V shared memory: two segments, one attached twice and one marked to be removed
 *   sem      System V semaphores: a set of four, one value to be undone, and a process that waits for it
 *   msg      System V message queues: one with two messages, one empty with a process that reads
 *   mqueue   a POSIX message queue with two messages
 *   signals  signals handled, ignored, blocked and pending, in two threads
 *   as UID GID GROUP PROGRAM ARGUMENT...  runs a program as somebody, with one more group
 *   policy NUMBER PRIORITY PROGRAM ARGUMENT...  runs it under a scheduling policy
 */
#include "threads.h"

#if defined(__x86_64__)
enum {
	SYS_rt_sigaction = 13, SYS_rt_sigprocmask = 14, SYS_shmget = 29, SYS_shmat = 30, SYS_shmctl = 31,
	SYS_getpid = 39, SYS_execve = 59, SYS_kill = 62, SYS_semget = 64, SYS_semop = 65, SYS_semctl = 66,
	SYS_msgget = 68, SYS_msgsnd = 69, SYS_msgrcv = 70, SYS_setgroups = 116, SYS_setresuid = 117,
	SYS_setresgid = 119, SYS_rt_sigqueueinfo = 129, SYS_sched_setscheduler = 144, SYS_gettid = 186,
	SYS_tkill = 200, SYS_mq_open = 240, SYS_mq_timedsend = 242,
};
#else
enum {
	SYS_sched_setscheduler = 119, SYS_kill = 129, SYS_tkill = 130, SYS_rt_sigaction = 134,
	SYS_rt_sigprocmask = 135, SYS_rt_sigqueueinfo = 138, SYS_setresuid = 147, SYS_setresgid = 149,
	SYS_setgroups = 159, SYS_getpid = 172, SYS_gettid = 178, SYS_mq_open = 180, SYS_mq_timedsend = 182,
	SYS_msgget = 186, SYS_msgrcv = 188, SYS_msgsnd = 189, SYS_semget = 190, SYS_semctl = 191,
	SYS_semop = 193, SYS_shmget = 194, SYS_shmctl = 195, SYS_shmat = 196, SYS_execve = 221,
};
#endif

enum {
	IPC_CREAT = 01000, IPC_RMID = 0, SETVAL = 16, SEM_UNDO = 0x1000, SHM_RDONLY = 010000, O_RDWR = 2,
	O_CREAT = 0100, SIGCHLD = 17, SIG_BLOCK = 0, SIG_IGN = 1, SA_SIGINFO = 4, SA_RESTART = 0x10000000,
	SIGHUP = 1, SIGUSR1 = 10, SIGUSR2 = 12, SIGPIPE = 13, SIGTERM = 15, SIGRTMIN = 34,
};

static void must(long result)
{
	if (result < 0)
		call(SYS_write, 2, (long)"@failed busy\n", 13, 0, 0, 0);
}

static void hold_shared_memory(long key)
{
	long id = call(SYS_shmget, key, 3 * 4096 + 5, IPC_CREAT | 0640, 0, 0, 0);
	long gone = call(SYS_shmget, key + 1, 4096, IPC_CREAT | 0600, 0, 0, 0);
	char *memory = (char *)call(SYS_shmat, id, 0, 0, 0, 0, 0);

	must(id);
	must(gone);
	memory[0] = memory[4096] = 1;
	must(call(SYS_shmat, id, 0, SHM_RDONLY, 0, 0, 0));
	must(call(SYS_shmat, gone, 0, 0, 0, 0, 0));
	must(call(SYS_shmctl, gone, IPC_RMID, 0, 0, 0, 0));
	wait_for_ever();
}

static void hold_semaphores(void)
{
	struct { unsigned short number; short change, flags; } undo = { 1, -2, SEM_UNDO }, wait = { 0, -1, 0 };
	long id = call(SYS_semget, 0x3333, 4, IPC_CREAT | 0666, 0, 0, 0);

	must(id);
	must(call(SYS_semctl, id, 1, SETVAL, 7, 0, 0));
	must(call(SYS_semctl, id, 3, SETVAL, 4242, 0, 0));
	must(call(SYS_semop, id, (long)&undo, 1, 0, 0, 0));
	if (call(SYS_clone, SIGCHLD, 0, 0, 0, 0, 0) == 0)
		call(SYS_semop, id, (long)&wait, 1, 0, 0, 0);
	wait_for_ever();
}

static void hold_messages(void)
{
	struct { long type; char text[32]; } message = { 3, "the first" };
	long id = call(SYS_msgget, 0x4444, IPC_CREAT | 0622, 0, 0, 0, 0);
	long empty = call(SYS_msgget, 0x5555, IPC_CREAT | 0600, 0, 0, 0, 0);

	must(id);
	must(empty);
	must(call(SYS_msgsnd, id, (long)&message, 9, 0, 0, 0));
	message.type = 5;
	must(call(SYS_msgsnd, id, (long)&message, 20, 0, 0, 0));
	must(call(SYS_msgrcv, empty, (long)&message, 32, 0, 0, 0));
	wait_for_ever();
}

static void hold_message_queue(void)
{
	struct { long flags, messages, byte_size, current, reserved[4]; } attributes = { 0, 8, 128, 0, { 0 } };
	long queue = call(SYS_mq_open, (long)"dwarfless", O_RDWR | O_CREAT, 0640, (long)&attributes, 0, 0);

	must(queue);
	must(call(SYS_mq_timedsend, queue, (long)"low", 3, 1, 0, 0));
	must(call(SYS_mq_timedsend, queue, (long)"urgent", 6, 9, 0, 0));
	wait_for_ever();
}

static u64 bit(int number)
{
	return 1ul << (number - 1);
}

static void handler(int number)
{
	(void)number;
}

static void block(u64 set)
{
	must(call(SYS_rt_sigprocmask, SIG_BLOCK, (long)&set, 0, 8, 0, 0));
}

static void handle(int number, u64 function, u64 flags, u64 mask)
{
	struct { u64 function, flags, restorer, mask; } action = { function, flags, 0, mask };

	must(call(SYS_rt_sigaction, number, (long)&action, 0, 8, 0, 0));
}

static void second_thread(void)
{
	block(bit(SIGUSR2) | bit(SIGRTMIN + 6));
	must(call(SYS_tkill, call(SYS_gettid, 0, 0, 0, 0, 0, 0), SIGUSR2, 0, 0, 0, 0));
	sleep_for_ever();
}

static void have_signals(void)
{
	struct { int number, error, code, pad, pid, uid; u64 value, rest[12]; } queued = { SIGRTMIN + 3, 0, -1, 0, 1, 2, 0x77, { 0 } };
	long pid = call(SYS_getpid, 0, 0, 0, 0, 0, 0);
	int i;

	handle(SIGHUP, SIG_IGN, 0, 0);
	handle(SIGPIPE, SIG_IGN, SA_RESTART, 0);
	handle(SIGUSR2, (u64)handler, SA_SIGINFO | SA_RESTART, bit(SIGTERM) | bit(SIGHUP));
	handle(SIGRTMIN + 5, (u64)handler, 0, 0);
	block(bit(SIGUSR1) | bit(SIGTERM) | bit(SIGRTMIN) | bit(SIGRTMIN + 3));
	start_thread(second_thread, new_memory(16384) + 16384);
	block(bit(SIGUSR2));
	/* Of the process, twice: one of them counts. Of a real-time signal each does. */
	must(call(SYS_kill, pid, SIGTERM, 0, 0, 0, 0));
	must(call(SYS_kill, pid, SIGTERM, 0, 0, 0, 0));
	for (i = 0; i < 3; i++)
		must(call(SYS_rt_sigqueueinfo, pid, SIGRTMIN + 3, (long)&queued, 0, 0, 0));
	/* Of the thread. */
	must(call(SYS_tkill, pid, SIGUSR1, 0, 0, 0, 0));
	must(call(SYS_tkill, pid, SIGRTMIN, 0, 0, 0, 0));
	wait_for_ever();
}

static long number_of(const char *text)
{
	long number = 0;

	while (*text)
		number = number * 10 + *text++ - '0';
	return number;
}

void start(const long *stack)
{
	const char *const *words = (const char *const *)(stack + 1);
	/* The environment follows the arguments and their NULL. */
	long environment = (long)(stack + 1 + stack[0] + 1);
	long id;
	u32 group;
	int priority;

	if (stack[0] < 2)
		call(SYS_exit, 1, 0, 0, 0, 0, 0);
	switch (words[1][0] + words[1][1]) {
	case 's' + 'h':
		if (stack[0] > 2)
			hold_shared_memory(number_of(words[2]));
		break;
	case 's' + 'e':
		hold_semaphores();
	case 'm' + 's':
		hold_messages();
	case 'm' + 'q':
		hold_message_queue();
	case 's' + 'i':
		have_signals();
	case 'a' + 's':
		if (stack[0] < 6)
			break;
		group = number_of(words[4]);
		must(call(SYS_setgroups, 1, (long)&group, 0, 0, 0, 0));
		id = number_of(words[3]);
		must(call(SYS_setresgid, id, id, id, 0, 0, 0));
		id = number_of(words[2]);
		must(call(SYS_setresuid, id, id, id, 0, 0, 0));
		must(call(SYS_execve, (long)words[5], (long)(words + 5), environment, 0, 0, 0));
		break;
	case 'p' + 'o':
		if (stack[0] < 5)
			break;
		priority = number_of(words[3]);
		must(call(SYS_sched_setscheduler, 0, number_of(words[2]), (long)&priority, 0, 0, 0));
		must(call(SYS_execve, (long)words[4], (long)(words + 4), environment, 0, 0, 0));
	}
	call(SYS_exit, 1, 0, 0, 0, 0, 0);
}
