// SPDX-License-Identifier: MIT
/*
 * insmod stackcase.ko mode=MODE: brings a kernel down in a way whose stack is to be read from its dump.
 *   module     a function of this module calls panic()
 *   null       a function of this module reads through a null pointer
 *   irq        a timer's handler, in an interrupt
 *   softirq    a tasklet, behind an interrupt
 *   workqueue  a work item
 *   hung       a thread that waits for ever without a chance of interruption
 *   return     a thread sleeps inside a function whose return is probed: nothing comes down
 */
#include <linux/delay.h>
#include <linux/hrtimer.h>
#include <linux/interrupt.h>
#include <linux/kthread.h>
#include <linux/module.h>
#include <linux/workqueue.h>

static char *mode = "module";
module_param(mode, charp, 0);

static struct hrtimer timer;
static int *nothing;

noinline void stackcase_inner(unsigned long number)
{
	if (number == 7)
		panic("stackcase %s", mode);
	barrier();
}

noinline int stackcase_outer(unsigned long number)
{
	stackcase_inner(number);
	barrier();
	return number + 1;
}

noinline int stackcase_read(int *from)
{
	int value = *(volatile int *)from;

	barrier();
	return value;
}

noinline int stackcase_sleep(void *data)
{
	while (!kthread_should_stop()) {
		set_current_state((unsigned long)data == 1 ? TASK_UNINTERRUPTIBLE : TASK_INTERRUPTIBLE);
		schedule();
	}
	barrier();
	return 0;
}

static int stackcase_thread(void *data)
{
	int result = stackcase_sleep(data);

	barrier();
	return result;
}

static enum hrtimer_restart stackcase_timer(struct hrtimer *unused)
{
	stackcase_outer(7);
	return HRTIMER_NORESTART;
}

static void stackcase_work(struct work_struct *work)
{
	stackcase_outer(7);
	barrier();
}
static DECLARE_WORK(work, stackcase_work);

static void stackcase_tasklet(struct tasklet_struct *unused)
{
	stackcase_outer(7);
	barrier();
}
static DECLARE_TASKLET(tasklet, stackcase_tasklet);

static int __init stackcase_init(void)
{
	if (!strcmp(mode, "module"))
		return stackcase_outer(7);
	if (!strcmp(mode, "null"))
		return stackcase_read(nothing);
	if (!strcmp(mode, "irq")) {
		hrtimer_init(&timer, CLOCK_MONOTONIC, HRTIMER_MODE_REL_HARD);
		timer.function = stackcase_timer;
		hrtimer_start(&timer, ms_to_ktime(200), HRTIMER_MODE_REL_HARD);
	}
	if (!strcmp(mode, "softirq"))
		tasklet_schedule(&tasklet);
	if (!strcmp(mode, "workqueue"))
		schedule_work(&work);
	if (!strcmp(mode, "hung"))
		kthread_run(stackcase_thread, (void *)1, "stackcase");
	if (!strcmp(mode, "return"))
		kthread_run(stackcase_thread, (void *)2, "stackcase");
	return 0;
}
module_init(stackcase_init);
MODULE_LICENSE("Dual MIT/GPL");
