/*
 * services MODE: what kernel services are asked for, for dumps to show.
 *   sockets     sockets of every kind that /proc/net lists, in many states, some with bytes in their queues
 *   few         a TCP and a Unix socket, for a network namespace of its own
 *   time-wait   a TCP connection that this side closed first
 *   bpf         BPF maps, programs and links, held open
 *   bpf-list    prints what bpf(2) says of all maps, programs and links
 *   write FILE  writes a block past the page cache
 *   wait        threads that wait: in a pipe, in poll, in epoll
 */
#include "threads.h"

#if defined(__x86_64__)
enum {
	SYS_read = 0, SYS_accept = 43, SYS_sendto = 44, SYS_shutdown = 48, SYS_setsockopt = 54, SYS_epoll_ctl = 233,
	SYS_epoll_pwait = 281, O_DIRECT = 040000,
};
#else
enum {
	SYS_epoll_ctl = 21, SYS_epoll_pwait = 22, SYS_read = 63, SYS_accept = 202, SYS_sendto = 206,
	SYS_setsockopt = 208, SYS_shutdown = 210, O_DIRECT = 0200000,
};
#endif

enum {
	AF_UNIX = 1, AF_INET = 2, AF_INET6 = 10, AF_NETLINK = 16, AF_PACKET = 17, SOCK_STREAM = 1, SOCK_DGRAM = 2,
	SOCK_RAW = 3, SOCK_SEQPACKET = 5, SOCK_NONBLOCK = 04000, SOL_SOCKET = 1, SHUT_WR = 1, O_WRONLY = 1,
	IPPROTO_ICMP = 1, IPPROTO_ICMPV6 = 58, NETLINK_ROUTE = 0, NETLINK_KOBJECT_UEVENT = 15, NETLINK_GENERIC = 16,
};

typedef unsigned short u16;
typedef unsigned char u8;

static long must(long result)
{
	if (result < 0) {
		call(SYS_write, 2, (long)"@failed services\n", 17, 0, 0, 0);
		call(SYS_exit, 1, 0, 0, 0, 0, 0);
	}
	return result;
}

static long new_socket(long family, long type, long protocol)
{
	return must(call(SYS_socket, family, type, protocol, 0, 0, 0));
}

static u16 swapped(u32 value)
{
	return value >> 8 | value << 8;
}

struct in_place { u16 family, port; u32 address, zero[2]; };
struct in6_place { u16 family, port; u32 flow; u8 address[16]; u32 scope; };

/* An address of four bytes, the first one lowest. */
static struct in_place at(u32 address, u32 port)
{
	struct in_place place = { AF_INET, swapped(port), address, { 0 } };

	return place;
}

enum { LOOPBACK = 0x0100007f, FAR_AWAY = 0x0200090a };

static struct in6_place at6(u32 port)
{
	struct in6_place place = { AF_INET6, swapped(port), 0, { [15] = 1 }, 0 };

	return place;
}

static long listener(u32 port)
{
	struct in_place place = at(LOOPBACK, port);
	long fd = new_socket(AF_INET, SOCK_STREAM, 0);

	must(call(SYS_bind, fd, (long)&place, sizeof(place), 0, 0, 0));
	must(call(SYS_listen, fd, 7, 0, 0, 0, 0));
	return fd;
}

static long connected(u32 port)
{
	struct in_place place = at(LOOPBACK, port);
	long fd = new_socket(AF_INET, SOCK_STREAM, 0);

	must(call(SYS_connect, fd, (long)&place, sizeof(place), 0, 0, 0));
	return fd;
}

static char bytes[8192];

static void put(long fd, u64 count)
{
	must(call(SYS_write, fd, (long)bytes, count, 0, 0, 0));
}

static long accepted(long fd)
{
	return must(call(SYS_accept, fd, 0, 0, 0, 0, 0));
}

static void bind_unix(long fd, const char *name)
{
	struct { u16 family; char name[14]; } place = { AF_UNIX, { 0 } };
	long length = 0;

	for (; name[length]; length++)
		place.name[length] = name[length];
	must(call(SYS_bind, fd, (long)&place, 2 + length, 0, 0, 0));
}

static void hold_tcp(void)
{
	struct in_place away = at(FAR_AWAY, 5999);
	struct in6_place six = at6(5006);
	long server = listener(5001), one, other, fd;

	/* Bytes that nobody reads, in both directions. */
	one = connected(5001);
	other = accepted(server);
	put(one, 1000);
	put(other, 234);
	/* FIN_WAIT2 on one side, CLOSE_WAIT on the other. */
	one = connected(5001);
	other = accepted(server);
	put(other, 77);
	must(call(SYS_shutdown, one, SHUT_WR, 0, 0, 0, 0));
	/* Three that nobody took. */
	connected(5001);
	connected(5001);
	connected(5001);
	/* Nobody answers there. */
	fd = new_socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
	call(SYS_connect, fd, (long)&away, sizeof(away), 0, 0, 0);
	/* Neither bound nor connected. */
	new_socket(AF_INET, SOCK_STREAM, 0);
	fd = new_socket(AF_INET6, SOCK_STREAM, 0);
	must(call(SYS_bind, fd, (long)&six, sizeof(six), 0, 0, 0));
	must(call(SYS_listen, fd, 3, 0, 0, 0, 0));
	one = new_socket(AF_INET6, SOCK_STREAM, 0);
	must(call(SYS_connect, one, (long)&six, sizeof(six), 0, 0, 0));
	put(one, 66);
}

static void hold_datagrams(void)
{
	struct in_place place = at(LOOPBACK, 5011);
	struct in6_place six = at6(5012);
	long fd = new_socket(AF_INET, SOCK_DGRAM, 0), sender;

	must(call(SYS_bind, fd, (long)&place, sizeof(place), 0, 0, 0));
	sender = new_socket(AF_INET, SOCK_DGRAM, 0);
	must(call(SYS_connect, sender, (long)&place, sizeof(place), 0, 0, 0));
	put(sender, 100);
	put(sender, 200);
	fd = new_socket(AF_INET6, SOCK_DGRAM, 0);
	must(call(SYS_bind, fd, (long)&six, sizeof(six), 0, 0, 0));
	must(call(SYS_sendto, fd, (long)bytes, 50, 0, (long)&six, sizeof(six)));
}

static void hold_raw_and_packet(void)
{
	struct { u16 family, protocol; int index; u16 type; u8 packet_type, length; u8 address[8]; }
		link = { AF_PACKET, swapped(0x0806), 1, 0, 0, 0, { 0 } };
	struct in_place place = at(LOOPBACK, 0);
	long fd = new_socket(AF_INET, SOCK_RAW, IPPROTO_ICMP);

	must(call(SYS_bind, fd, (long)&place, sizeof(place), 0, 0, 0));
	new_socket(AF_INET6, SOCK_RAW, IPPROTO_ICMPV6);
	fd = new_socket(AF_PACKET, SOCK_RAW, 0);
	must(call(SYS_bind, fd, (long)&link, 20, 0, 0, 0));
	new_socket(AF_PACKET, SOCK_DGRAM, 0);
}

static void hold_netlink(void)
{
	struct { u16 family, pad; u32 port, groups; } place = { AF_NETLINK, 0, 0, 1 };
	long fd = new_socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE);

	must(call(SYS_bind, fd, (long)&place, sizeof(place), 0, 0, 0));
	place.port = 4321;
	fd = new_socket(AF_NETLINK, SOCK_DGRAM, NETLINK_GENERIC);
	place.groups = 0;
	must(call(SYS_bind, fd, (long)&place, sizeof(place), 0, 0, 0));
	new_socket(AF_NETLINK, SOCK_RAW, NETLINK_KOBJECT_UEVENT);
}

static void hold_unix(void)
{
	int pair[2];
	long fd = new_socket(AF_UNIX, SOCK_STREAM, 0);

	bind_unix(fd, "/tmp/stream");
	must(call(SYS_listen, fd, 5, 0, 0, 0, 0));
	fd = new_socket(AF_UNIX, SOCK_DGRAM, 0);
	bind_unix(fd, "/tmp/dgram");
	must(call(SYS_socketpair, AF_UNIX, SOCK_STREAM, 0, (long)pair, 0, 0));
	put(pair[0], 3000);
	put(pair[1], 40);
	/* Half read. */
	must(call(SYS_read, pair[1], (long)bytes, 1000, 0, 0, 0));
	must(call(SYS_socketpair, AF_UNIX, SOCK_SEQPACKET, 0, (long)pair, 0, 0));
	put(pair[0], 5);
	put(pair[0], 6);
	must(call(SYS_socketpair, AF_UNIX, SOCK_DGRAM, 0, (long)pair, 0, 0));
	put(pair[1], 12);
}

static void hold_few(void)
{
	int pair[2];

	listener(5021);
	put(connected(5021), 9);
	must(call(SYS_socketpair, AF_UNIX, SOCK_STREAM, 0, (long)pair, 0, 0));
	sleep_for_ever();
}

static void leave_time_wait(void)
{
	long server = listener(5031), one = connected(5031), other = accepted(server);

	call(SYS_close, one, 0, 0, 0, 0, 0);
	call(SYS_close, other, 0, 0, 0, 0, 0);
}

/* Of union bpf_attr (include/uapi/linux/bpf.h) the parts that are used here. */
enum {
	BPF_MAP_CREATE = 0, BPF_PROG_LOAD = 5, BPF_PROG_GET_NEXT_ID = 11, BPF_MAP_GET_NEXT_ID = 12,
	BPF_PROG_GET_FD_BY_ID = 13, BPF_MAP_GET_FD_BY_ID = 14, BPF_OBJ_GET_INFO_BY_FD = 15,
	BPF_RAW_TRACEPOINT_OPEN = 17, BPF_LINK_CREATE = 28, BPF_LINK_GET_FD_BY_ID = 30, BPF_LINK_GET_NEXT_ID = 31,
	BPF_MAP_TYPE_HASH = 1, BPF_MAP_TYPE_ARRAY = 2, BPF_MAP_TYPE_PERCPU_ARRAY = 6, BPF_MAP_TYPE_RINGBUF = 27,
	BPF_PROG_TYPE_SOCKET_FILTER = 1, BPF_PROG_TYPE_XDP = 6, BPF_PROG_TYPE_CGROUP_SKB = 8,
	BPF_PROG_TYPE_RAW_TRACEPOINT = 17, BPF_CGROUP_INET_INGRESS = 0, BPF_XDP = 37, SO_ATTACH_BPF = 50,
};

struct map_create { u32 type, key_size, value_size, entries, flags, inner, node; char name[16]; u32 rest[8]; };
struct prog_load {
	u32 type, count;
	u64 instructions, license;
	u32 log_level, log_size;
	u64 log;
	u32 version, flags;
	char name[16];
	u32 device, attach_type;
};

static long bpf(long command, void *attribute, long size)
{
	return call(SYS_bpf, command, (long)attribute, size, 0, 0, 0);
}

static void copy_name(char *to, const char *from)
{
	for (int i = 0; i < 15 && from[i]; i++)
		to[i] = from[i];
}

static long new_map(u32 type, u32 key_size, u32 value_size, u32 entries, const char *name)
{
	struct map_create create = { type, key_size, value_size, entries, 0, 0, 0, { 0 }, { 0 } };

	copy_name(create.name, name);
	return must(bpf(BPF_MAP_CREATE, &create, sizeof(create)));
}

/* r1 = map; r0 = RESULT; exit: a program that uses a map. */
static long new_program(u32 type, u32 attach_type, u32 result, long map, const char *name)
{
	u64 code[] = {
		0x1118 | (u64)map << 32, 0,
		0xb7 | (u64)result << 32,
		0x95,
	};
	struct prog_load load = {
		type, 4, (u64)code, (u64)"GPL", 0, 0, 0, 0, 0, { 0 }, 0, attach_type,
	};

	copy_name(load.name, name);
	return must(bpf(BPF_PROG_LOAD, &load, sizeof(load)));
}

static void hold_bpf(void)
{
	struct { u64 name; u32 program, pad; u64 cookie; } tracepoint = { (u64)"sched_switch", 0, 0, 0 };
	struct { u32 program, target, attach_type, flags, rest[8]; } link = { 0 };
	long array = new_map(BPF_MAP_TYPE_ARRAY, 4, 12, 10, "an_array");
	long hash = new_map(BPF_MAP_TYPE_HASH, 8, 16, 100, "a_hash");
	long fd;
	int descriptor;

	new_map(BPF_MAP_TYPE_PERCPU_ARRAY, 4, 8, 3, "per_cpu");
	new_map(BPF_MAP_TYPE_RINGBUF, 0, 0, 4096, "ring");
	descriptor = new_program(BPF_PROG_TYPE_SOCKET_FILTER, 0, 0, array, "a_filter");
	fd = new_socket(AF_INET, SOCK_DGRAM, 0);
	must(call(SYS_setsockopt, fd, SOL_SOCKET, SO_ATTACH_BPF, (long)&descriptor, 4, 0));
	tracepoint.program = new_program(BPF_PROG_TYPE_RAW_TRACEPOINT, 0, 0, hash, "at_switch");
	must(bpf(BPF_RAW_TRACEPOINT_OPEN, &tracepoint, sizeof(tracepoint)));
	link.program = new_program(BPF_PROG_TYPE_XDP, BPF_XDP, 2, array, "an_xdp");
	link.target = 1;
	link.attach_type = BPF_XDP;
	must(bpf(BPF_LINK_CREATE, &link, sizeof(link)));
	link.program = new_program(BPF_PROG_TYPE_CGROUP_SKB, BPF_CGROUP_INET_INGRESS, 1, hash, "for_group");
	link.target = must(call(SYS_openat, AT_FDCWD, (long)"/mnt", 0, 0, 0, 0));
	link.attach_type = BPF_CGROUP_INET_INGRESS;
	must(bpf(BPF_LINK_CREATE, &link, sizeof(link)));
	wait_for_ever();
}

static char line[512];
static u64 line_length;

static void add(const char *text)
{
	while (*text && line_length < sizeof(line))
		line[line_length++] = *text++;
}

static void add_number(const char *name, u64 value)
{
	char digits[24];
	int begin = sizeof(digits) - 1;

	digits[begin] = 0;
	do
		digits[--begin] = '0' + value % 10;
	while ((value /= 10) != 0);
	add(name);
	add(digits + begin);
}

static void end_line(void)
{
	add("\n");
	call(SYS_write, 1, (long)line, line_length, 0, 0, 0);
	line_length = 0;
}

static u8 info[256];

static u64 info_word(int offset)
{
	return *(u32 *)(info + offset);
}

static void add_program(void)
{
	static const char hexadecimal[] = "0123456789abcdef";
	char tag[17] = { 0 };

	for (int i = 0; i < 8; i++) {
		tag[2 * i] = hexadecimal[info[8 + i] >> 4];
		tag[2 * i + 1] = hexadecimal[info[8 + i] & 15];
	}
	add(" tag=");
	add(tag);
	add_number(" jited=", info_word(16));
	add_number(" xlated=", info_word(20));
	add_number(" load_time=", *(u64 *)(info + 40));
	add_number(" uid=", info_word(48));
	add_number(" maps=", info_word(52));
	add_number(" verified=", info_word(216));
	add(" name=");
	add((const char *)info + 64);
}

static void add_map(void)
{
	add_number(" key=", info_word(8));
	add_number(" value=", info_word(12));
	add_number(" entries=", info_word(16));
	add_number(" flags=", info_word(20));
	add(" name=");
	add((const char *)info + 24);
}

static void list(const char *what, long next_id, long get_fd, void (*add_rest)(void))
{
	struct { u32 id, next, flags, pad; } step = { 0 };
	struct { u32 fd, size; u64 info; } ask;

	while (bpf(next_id, &step, sizeof(step)) == 0) {
		struct { u32 id, next, flags, pad; } by_id = { step.next, 0, 0, 0 };

		for (u64 i = 0; i < sizeof(info); i++)
			info[i] = 0;
		ask.fd = must(bpf(get_fd, &by_id, sizeof(by_id)));
		ask.size = sizeof(info);
		ask.info = (u64)info;
		must(bpf(BPF_OBJ_GET_INFO_BY_FD, &ask, sizeof(ask)));
		call(SYS_close, ask.fd, 0, 0, 0, 0, 0);
		add(what);
		add_number(" id=", info_word(4));
		add_number(" type=", info_word(0));
		if (add_rest)
			add_rest();
		else
			add_number(" program=", info_word(8));
		end_line();
		step.id = step.next;
	}
}

static int pipe_ends[2];

static void reading_thread(void)
{
	must(call(SYS_read, pipe_ends[0], (long)bytes, 1, 0, 0, 0));
	wait_for_ever();
}

static void polling_thread(void)
{
	struct { int fd; short events, returned; } ask = { pipe_ends[0], 1, 0 };

	for (;;)
		call(SYS_ppoll, (long)&ask, 1, 0, 0, 0, 0);
}

static void epoll_thread(void)
{
	struct { u32 events; u32 data[2]; } event = { 1, { 0 } };
	long fd = must(call(SYS_epoll_create1, 0, 0, 0, 0, 0, 0));

	must(call(SYS_epoll_ctl, fd, 1, pipe_ends[0], (long)&event, 0, 0));
	for (;;)
		call(SYS_epoll_pwait, fd, (long)bytes, 1, -1, 0, 8);
}

static void wait_for_pipe(void)
{
	must(call(SYS_pipe2, (long)pipe_ends, 0, 0, 0, 0, 0));
	start_thread(reading_thread, new_memory(16384) + 16384);
	start_thread(polling_thread, new_memory(16384) + 16384);
	start_thread(epoll_thread, new_memory(16384) + 16384);
	wait_for_ever();
}

void start(const long *stack)
{
	const char *const *words = (const char *const *)(stack + 1);
	const char *mode = stack[0] > 1 ? words[1] : "?";

	switch (mode[0]) {
	case 's':
		hold_tcp();
		hold_datagrams();
		hold_raw_and_packet();
		hold_netlink();
		hold_unix();
		wait_for_ever();
	case 'f':
		hold_few();
	case 't':
		leave_time_wait();
		call(SYS_exit, 0, 0, 0, 0, 0, 0);
	case 'b':
		if (mode[3] == 0)
			hold_bpf();
		list("prog", BPF_PROG_GET_NEXT_ID, BPF_PROG_GET_FD_BY_ID, add_program);
		list("map", BPF_MAP_GET_NEXT_ID, BPF_MAP_GET_FD_BY_ID, add_map);
		list("link", BPF_LINK_GET_NEXT_ID, BPF_LINK_GET_FD_BY_ID, 0);
		call(SYS_exit, 0, 0, 0, 0, 0, 0);
	case 'w':
		if (mode[1] == 'a')
			wait_for_pipe();
		if (stack[0] > 2) {
			long fd = must(call(SYS_openat, AT_FDCWD, (long)words[2], O_WRONLY | O_DIRECT, 0, 0, 0));

			must(call(SYS_write, fd, (long)new_memory(8192), 8192, 0, 0, 0));
			wait_for_ever();
		}
	}
	call(SYS_exit, 1, 0, 0, 0, 0, 0);
}
