"""Run by drgn over a dump: drgn -c DUMP -s VMLINUX [-s MODULE] -q drgn-stacks.py OUT

OUT: {"seconds", "tasks": [{"task", "pid", "frames": [[pc, symbol], ...]}]} of every task and idle
task, without inlined frames; "error" where drgn has no stack.
"""

import json
import sys
import time

from drgn.helpers.linux.cpumask import for_each_possible_cpu
from drgn.helpers.linux.percpu import per_cpu
from drgn.helpers.linux.pid import for_each_task


def frames(trace):
    for frame in trace:
        if frame.is_inline:
            continue
        try:
            name = frame.symbol().name
        except LookupError:
            name = None
        yield [f"{frame.pc:#x}", name]


def row(task):
    found = {"task": f"{task.value_():#x}", "pid": task.pid.value_()}
    try:
        found["frames"] = list(frames(prog.stack_trace(task)))
    except Exception as error:
        found["error"] = str(error)
    return found


started = time.monotonic()
idle = [per_cpu(prog["runqueues"], cpu).idle for cpu in for_each_possible_cpu(prog)]
tasks = {task.value_(): task for task in [*idle, *for_each_task(prog)]}
rows = [row(task) for task in tasks.values()]
with open(sys.argv[1], "w") as out:
    json.dump({"seconds": time.monotonic() - started, "tasks": rows}, out)
