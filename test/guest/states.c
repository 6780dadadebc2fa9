/*
 * states MODE: a process in a state that busybox cannot be brought into, for dumps to show.
 *   vfork    waits without a chance of interruption (D) for a child that never ends
 *   threads  four threads: in pause, in nanosleep, in a futex, and the first one in pause
 *   zombie   has a child that ended and was not waited for
 *   files    holds sockets, pipes, epoll, eventfd, timerfd, shared memory and a lock
 *   spin     runs in user mode for ever
 */
#include "threads.h"

enum {
	SIGCHLD = 17, O_RDWR = 2, O_CREAT = 0100, F_SETLK = 6, F_WRLCK = 1, STACK_BYTES = 16384,
	AF_UNIX = 1, AF_INET = 2, SOCK_STREAM = 1, SOCK_DGRAM = 2,
	FUTEX_WAIT = 0, PR_SET_NAME = 15, CLOCK_MONOTONIC = 1,
};

static void name_thread(const char *name)
{
	call(SYS_prctl, PR_SET_NAME, (long)name, 0, 0, 0, 0);
}

static void polling_thread(void)
{
	name_thread("t-poll");
	wait_for_ever();
}

static void sleeping_thread(void)
{
	name_thread("t-sleep");
	sleep_for_ever();
}

static void waiting_thread(void)
{
	u32 word = 0;

	name_thread("t-futex");
	for (;;)
		call(SYS_futex, (long)&word, FUTEX_WAIT, 0, 0, 0, 0);
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
	call(SYS_mmap, 0, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, memory, 0);
	fd = call(SYS_openat, AT_FDCWD, (long)"/tmp/locked", O_RDWR | O_CREAT, 0600, 0, 0);
	call(SYS_fcntl, fd, F_SETLK, (long)&lock, 0, 0, 0);
	wait_for_ever();
}

void start(const long *stack)
{
	const char *mode = stack[0] > 1 ? (const char *)stack[2] : "";

	switch (mode[0]) {
	case 'v':
		/* Without CLONE_VM this is fork(2), but the parent waits as in vfork(2). */
		if (call(SYS_clone, CLONE_VFORK | SIGCHLD, 0, 0, 0, 0, 0) == 0)
			name_thread("vfork-child");
		wait_for_ever();
	case 't':
		start_thread(polling_thread, new_memory(STACK_BYTES) + STACK_BYTES);
		start_thread(sleeping_thread, new_memory(STACK_BYTES) + STACK_BYTES);
		start_thread(waiting_thread, new_memory(STACK_BYTES) + STACK_BYTES);
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
