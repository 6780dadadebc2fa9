/*
 * pages DEVICE DIGIT: swaps to a device with this priority.
 * pages FILE: a process with pages of every kind, for dumps to show.
 *   a private mapping of 64 pages of FILE, of which four were read and one was written to
 *   a shared mapping of the same, of which one page was read
 *   sixteen pages of anonymous memory, the first eight in use and the next one read only
 *   a huge page
 * Writes down, one digit a page, which of the file's 64 pages are in the page cache, and waits.
 */
#include "threads.h"

#if defined(__x86_64__)
enum { SYS_mincore = 27, SYS_madvise = 28, SYS_swapon = 167 };
#else
enum { SYS_swapon = 224, SYS_mincore = 232, SYS_madvise = 233 };
#endif

enum { SWAP_FLAG_PREFER = 0x8000, MAP_HUGETLB = 0x40000, MADV_RANDOM = 1, O_RDWR = 2, PAGE = 4096, COUNT = 64 };

static void fail(void)
{
	call(SYS_write, 2, (long)"@failed pages\n", 14, 0, 0, 0);
	call(SYS_exit, 1, 0, 0, 0, 0, 0);
}

static char *must_map(long size, long access, long kind, long fd)
{
	long place = call(SYS_mmap, 0, size, access, kind, fd, 0);

	if (place < 0 && place > -4096)
		fail();
	return (char *)place;
}

void start(const long *stack)
{
	static const int touched[] = { 1, 5, 6, 40 };
	char resident[COUNT + 1];
	volatile char *file, *shared, *memory, *huge;
	char sum = 0;
	long fd;
	int i;

	if (stack[0] == 3) {
		if (call(SYS_swapon, stack[2], SWAP_FLAG_PREFER | (*(char *)stack[3] - '0'), 0, 0, 0, 0) != 0)
			fail();
		call(SYS_exit, 0, 0, 0, 0, 0, 0);
	}
	fd = call(SYS_openat, AT_FDCWD, stack[2], O_RDWR, 0, 0, 0);
	file = must_map(COUNT * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd);
	shared = must_map(COUNT * PAGE, PROT_READ, MAP_SHARED, fd);
	/* No reading ahead. */
	call(SYS_madvise, (long)file, COUNT * PAGE, MADV_RANDOM, 0, 0, 0);
	call(SYS_madvise, (long)shared, COUNT * PAGE, MADV_RANDOM, 0, 0, 0);
	for (i = 0; i < 4; i++)
		sum += file[touched[i] * PAGE];
	file[touched[3] * PAGE] = 7;
	sum += shared[20 * PAGE];
	memory = must_map(16 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1);
	for (i = 0; i < 8; i++)
		memory[i * PAGE] = i + 1;
	sum += memory[8 * PAGE];
	huge = must_map(2 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB, -1);
	huge[12345] = sum;
	call(SYS_mincore, (long)shared, COUNT * PAGE, (long)resident, 0, 0, 0);
	for (i = 0; i < COUNT; i++)
		resident[i] = '0' + (resident[i] & 1);
	resident[COUNT] = '\n';
	call(SYS_write, 1, (long)resident, sizeof(resident), 0, 0, 0);
	wait_for_ever();
}
