// SPDX-License-Identifier: MIT
/*
 * insmod sample.ko step=NUMBER: goes wrong in one way. Nothing here is named for what it does, so that nothing in a
 * dump or a log gives away which it was.
 *   1  a kernel function is handed no file
 *   2  an object is used after it was given back
 *   3  a function that calls itself until the stack is full
 *   4  a condition that must not be
 *   5  two threads that want each other's mutex
 *   6  a thread that keeps its CPU
 *   7  a reader of RCU that does not end
 *   8  a timer's handler that is handed nothing
 *   9  threads that wait for one lock of every kind: nothing comes down
 * Steps 5 and 9 say who holds and who waits for what.
 */
#include <linux/completion.h>
#include <linux/delay.h>
#include <linux/fs.h>
#include <linux/hrtimer.h>
#include <linux/kthread.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/rtmutex.h>
#include <linux/rwsem.h>
#include <linux/semaphore.h>
#include <linux/slab.h>

static int step;
module_param(step, int, 0);

struct sample_item {
	struct sample_item *links[32];
};

static struct hrtimer timer;
static struct sample_item *none;

static noinline long sample_one(struct file *file)
{
	long result = vfs_fsync(file, 0);

	barrier();
	return result;
}

static noinline struct sample_item *sample_pick(struct sample_item *item)
{
	struct sample_item *link = READ_ONCE(item->links[16]);

	return READ_ONCE(link->links[3]);
}

static noinline long sample_two(void)
{
	struct sample_item *item = kzalloc(sizeof(*item), GFP_KERNEL);
	long result;

	if (!item)
		return -ENOMEM;
	item->links[16] = item;
	kfree(item);
	OPTIMIZER_HIDE_VAR(item);
	result = (long)sample_pick(item);
	barrier();
	return result;
}

static noinline long sample_three(long depth)
{
	volatile long room[64];

	room[depth & 63] = depth;
	if (depth < 0)
		return 0;
	return sample_three(depth + 1) + room[depth & 31];
}

static noinline long sample_four(long count)
{
	BUG_ON(count == 4);
	return count;
}

static noinline long sample_keep(long count)
{
	for (;;) {
		cpu_relax();
		barrier();
	}
	return count;
}

static int sample_six(void *data)
{
	preempt_disable();
	return sample_keep(6);
}

static int sample_seven(void *data)
{
	rcu_read_lock();
	return sample_keep(7);
}

static enum hrtimer_restart sample_eight(struct hrtimer *unused)
{
	WRITE_ONCE(none, READ_ONCE(none->links[5]));
	return HRTIMER_NORESTART;
}

#define SAY(what, kind, lock) pr_info("sample: pid %d %s %s %px\n", current->pid, what, kind, lock)

static DEFINE_MUTEX(left);
static DEFINE_MUTEX(right);
static DECLARE_RWSEM(written);
static DECLARE_RWSEM(shared);
static struct semaphore counted;
static DECLARE_COMPLETION(ended);
static DEFINE_RT_MUTEX(inherited);
/* How many threads have come to where they stay, or are about to. */
static atomic_t arrived;

static int sample_stay(void)
{
	atomic_inc(&arrived);
	for (;;)
		schedule_timeout_idle(MAX_SCHEDULE_TIMEOUT);
	return 0;
}

static int sample_left(void *data)
{
	mutex_lock(&left);
	SAY("holds", "mutex", &left);
	atomic_inc(&arrived);
	while (atomic_read(&arrived) < 2)
		msleep(20);
	SAY("waits", "mutex", &right);
	mutex_lock(&right);
	return sample_stay();
}

static int sample_right(void *data)
{
	mutex_lock(&right);
	SAY("holds", "mutex", &right);
	atomic_inc(&arrived);
	while (atomic_read(&arrived) < 2)
		msleep(20);
	SAY("waits", "mutex", &left);
	mutex_lock(&left);
	return sample_stay();
}

static int sample_root(void *data)
{
	mutex_lock(&left);
	SAY("holds", "mutex", &left);
	rt_mutex_lock(&inherited);
	SAY("holds", "rtmutex", &inherited);
	return sample_stay();
}

static int sample_middle(void *data)
{
	down_write(&written);
	SAY("holds", "rwsem", &written);
	SAY("waits", "mutex", &left);
	atomic_inc(&arrived);
	mutex_lock(&left);
	return sample_stay();
}

static int sample_reader(void *data)
{
	down_read(&shared);
	SAY("holds", "rwsem", &shared);
	return sample_stay();
}

static int sample_want_mutex(void *data)
{
	SAY("waits", "mutex", &left);
	atomic_inc(&arrived);
	mutex_lock(&left);
	return sample_stay();
}

static int sample_want_read(void *data)
{
	SAY("waits", "rwsem", &written);
	atomic_inc(&arrived);
	down_read(&written);
	return sample_stay();
}

static int sample_want_write(void *data)
{
	SAY("waits", "rwsem", data);
	atomic_inc(&arrived);
	down_write(data);
	return sample_stay();
}

static int sample_want_count(void *data)
{
	SAY("waits", "semaphore", &counted);
	atomic_inc(&arrived);
	down(&counted);
	return sample_stay();
}

static int sample_want_end(void *data)
{
	SAY("waits", "completion", &ended);
	atomic_inc(&arrived);
	wait_for_completion(&ended);
	return sample_stay();
}

static int sample_want_inherited(void *data)
{
	SAY("waits", "rtmutex", &inherited);
	atomic_inc(&arrived);
	rt_mutex_lock(&inherited);
	return sample_stay();
}

static void sample_start(int (*body)(void *), void *data)
{
	int before = atomic_read(&arrived);

	kthread_run(body, data, "sample");
	while (atomic_read(&arrived) == before)
		msleep(20);
	/* From "about to wait" to waiting. */
	msleep(100);
}

static void sample_nine(void)
{
	sema_init(&counted, 0);
	sample_start(sample_root, NULL);
	sample_start(sample_middle, NULL);
	sample_start(sample_reader, NULL);
	sample_start(sample_want_mutex, NULL);
	sample_start(sample_want_read, NULL);
	sample_start(sample_want_write, &written);
	sample_start(sample_want_write, &shared);
	sample_start(sample_want_count, NULL);
	sample_start(sample_want_count, NULL);
	sample_start(sample_want_end, NULL);
	sample_start(sample_want_inherited, NULL);
	sample_start(sample_want_inherited, NULL);
}

static int __init sample_init(void)
{
	switch (step) {
	case 1:
		return sample_one(NULL);
	case 2:
		return sample_two();
	case 3:
		return sample_three(0);
	case 4:
		return sample_four(step);
	case 5:
		kthread_run(sample_left, NULL, "sample");
		kthread_run(sample_right, NULL, "sample");
		break;
	case 6:
		kthread_run(sample_six, NULL, "sample");
		break;
	case 7:
		kthread_run(sample_seven, NULL, "sample");
		break;
	case 8:
		hrtimer_init(&timer, CLOCK_MONOTONIC, HRTIMER_MODE_REL_HARD);
		timer.function = sample_eight;
		hrtimer_start(&timer, ms_to_ktime(200), HRTIMER_MODE_REL_HARD);
		break;
	case 9:
		sample_nine();
		break;
	}
	return 0;
}
module_init(sample_init);
MODULE_LICENSE("Dual MIT/GPL");
