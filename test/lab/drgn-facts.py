"""Run by drgn over a dump: drgn -c DUMP -s VMLINUX -q drgn-facts.py OUT

OUT: {section: {key: {field: text}}}, what drgn's helpers say of what tables of the command line print.
Addresses are hexadecimal without 0x. A section that cannot be made is {"error": {"text": ...}}.
"""

import json
import sys

from drgn.helpers.linux.block import for_each_partition, part_devt
from drgn.helpers.linux.cpumask import for_each_online_cpu, for_each_possible_cpu
from drgn.helpers.linux.device import MAJOR, MINOR, for_each_registered_blkdev, for_each_registered_chrdev
from drgn.helpers.linux.fs import d_path, for_each_file, for_each_mount, mount_dst, mount_fstype, mount_src
from drgn.helpers.linux.irq import for_each_irq_desc, irq_desc_action_names, irq_desc_chip_name, irq_desc_kstat_cpu
from drgn.helpers.linux.kthread import task_is_kthread
from drgn.helpers.linux.list import list_for_each_entry
from drgn.helpers.linux.mm import for_each_vma, task_rss, totalram_pages
from drgn.helpers.linux.module import for_each_module
from drgn.helpers.linux.net import for_each_netdev
from drgn.helpers.linux.percpu import per_cpu, percpu_counter_sum
from drgn.helpers.linux.pid import for_each_task
from drgn.helpers.linux.printk import get_dmesg
from drgn.helpers.linux.sched import (
    cpu_curr, cpu_rq, get_task_state, idle_task, loadavg, rq_for_each_fair_task, rq_for_each_rt_task, task_cpu,
    task_on_cpu,
)
from drgn.helpers.linux.slab import for_each_slab_cache
from drgn.helpers.linux.timekeeping import uptime
from drgn.helpers.linux.timer import hrtimer_clock_base_for_each, timer_base_for_each
from drgn.helpers.linux.vmstat import global_node_page_state, global_zone_page_state


def address(pointer):
    return f"{pointer.value_():x}"


def text(value):
    return value.string_().decode(errors="replace")


def users():
    return [task for task in for_each_task(prog) if task.mm]


def name_of(function):
    try:
        return prog.symbol(function.value_()).name
    except LookupError:
        return ""


def ps():
    page = prog["PAGE_SIZE"].value_() // 1024
    idle = [idle_task(prog, cpu) for cpu in for_each_possible_cpu(prog)]
    for task in [*idle, *for_each_task(prog)]:
        row = {
            "pid": task.pid.value_(), "tgid": task.tgid.value_(), "ppid": task.real_parent.tgid.value_(),
            "cpu": task_cpu(task), "state": get_task_state(task)[0], "comm": text(task.comm),
            "active": str(bool(task_on_cpu(task))).lower(), "kernel": str(task_is_kthread(task)).lower(),
        }
        if task.mm:
            row |= {"vsz": task.mm.total_vm.value_() * page, "rss": task_rss(task).total * page}
        yield address(task), row


def mod():
    states = {0: "Live", 1: "Loading", 2: "Unloading"}
    for module in for_each_module(prog):
        yield text(module.name), {
            "module": address(module), "refcount": module.refcnt.counter.value_() - 1,
            "state": states[module.state.value_()],
            "uses": ",".join(sorted(
                text(use.source.name)
                for use in list_for_each_entry("struct module_use", module.source_list.address_of_(), "source_list")
            )),
        }


def mount():
    for each in for_each_mount(prog):
        yield address(each), {
            "device": mount_src(each).decode(), "directory": mount_dst(each).decode(),
            "type": mount_fstype(each).decode(), "superBlock": address(each.mnt.mnt_sb), "id": each.mnt_id.value_(),
        }


def files():
    for task in users():
        pid = task.pid.value_()
        for use in ("root", "pwd"):
            path = task.fs.member_(use)
            yield f"{pid} {use.replace('pwd', 'cwd')}", {"path": d_path(path.address_of_()).decode()}
        for fd, file in for_each_file(task):
            # A call in flight has reserved the number (open of a FIFO, accept); drgn lists it without a file.
            if not file:
                continue
            yield f"{pid} {fd}", {
                "file": address(file), "path": d_path(file.f_path).decode(), "inode": file.f_inode.i_ino.value_(),
                "position": file.f_pos.value_(),
            }


def net():
    for device in for_each_netdev(prog["init_net"].address_of_()):
        hardware = device.dev_addr
        yield address(device), {
            "name": text(device.name), "index": device.ifindex.value_(), "mtu": device.mtu.value_(),
            "hardware": ":".join(f"{hardware[i].value_():02x}" for i in range(device.addr_len.value_())),
        }


def log():
    for index, line in enumerate(get_dmesg(prog).decode(errors="replace").splitlines()):
        yield str(index), {"line": line.rstrip()}


def vm():
    for task in users():
        for area in for_each_vma(task.mm):
            flags = area.vm_flags.value_()
            access = "".join(letter if flags & bit else "-" for letter, bit in (("r", 1), ("w", 2), ("x", 4)))
            row = {
                "start": f"{area.vm_start.value_():x}", "end": f"{area.vm_end.value_():x}",
                "access": access + ("s" if flags & 0x80 else "p"),
            }
            if area.vm_file:
                page = prog["PAGE_SIZE"].value_()
                row |= {"name": d_path(area.vm_file.f_path).decode(), "offset": area.vm_pgoff.value_() * page}
            yield f"{task.pid.value_()} {address(area)}", row


def kmem():
    node, zone = prog.type("enum node_stat_item"), prog.type("enum zone_stat_item")
    names = {e.name for e in node.enumerators} | {e.name for e in zone.enumerators}

    def sum_of(read, *items):
        return sum(read(prog, prog[item]) for item in items if item in names)

    found = {
        "MemTotal": totalram_pages(prog),
        "MemFree": sum_of(global_zone_page_state, "NR_FREE_PAGES"),
        "SwapCached": sum_of(global_node_page_state, "NR_SWAPCACHE"),
        "Active": sum_of(global_node_page_state, "NR_ACTIVE_ANON", "NR_ACTIVE_FILE"),
        "Inactive": sum_of(global_node_page_state, "NR_INACTIVE_ANON", "NR_INACTIVE_FILE"),
        "Active(anon)": sum_of(global_node_page_state, "NR_ACTIVE_ANON"),
        "Inactive(anon)": sum_of(global_node_page_state, "NR_INACTIVE_ANON"),
        "Active(file)": sum_of(global_node_page_state, "NR_ACTIVE_FILE"),
        "Inactive(file)": sum_of(global_node_page_state, "NR_INACTIVE_FILE"),
        "Unevictable": sum_of(global_node_page_state, "NR_UNEVICTABLE"),
        "Mlocked": sum_of(global_zone_page_state, "NR_MLOCK"),
        "Dirty": sum_of(global_node_page_state, "NR_FILE_DIRTY"),
        "Writeback": sum_of(global_node_page_state, "NR_WRITEBACK"),
        "AnonPages": sum_of(global_node_page_state, "NR_ANON_MAPPED"),
        "Mapped": sum_of(global_node_page_state, "NR_FILE_MAPPED"),
        "Shmem": sum_of(global_node_page_state, "NR_SHMEM"),
        "KReclaimable": sum_of(global_node_page_state, "NR_SLAB_RECLAIMABLE_B", "NR_KERNEL_MISC_RECLAIMABLE"),
        "Slab": sum_of(global_node_page_state, "NR_SLAB_RECLAIMABLE_B", "NR_SLAB_UNRECLAIMABLE_B"),
        "SReclaimable": sum_of(global_node_page_state, "NR_SLAB_RECLAIMABLE_B"),
        "SUnreclaim": sum_of(global_node_page_state, "NR_SLAB_UNRECLAIMABLE_B"),
        "PageTables": sum_of(global_node_page_state, "NR_PAGETABLE"),
        "Committed_AS": percpu_counter_sum(prog["vm_committed_as"].address_of_()),
        "SwapTotal": prog["total_swap_pages"].value_(),
        "SwapFree": prog["nr_swap_pages"].counter.value_(),
    }
    for name, pages in found.items():
        yield name, {"pages": int(pages)}


def slab():
    for cache in for_each_slab_cache(prog):
        yield text(cache.name), {
            "cache": address(cache), "objectSize": cache.object_size.value_(), "size": cache.size.value_(),
        }


def irq():
    for number, desc in for_each_irq_desc(prog):
        names = irq_desc_action_names(desc)
        if not names:
            continue
        row = {
            "descriptor": address(desc), "actions": ", ".join(name.decode() for name in names),
        }
        if chip := irq_desc_chip_name(desc):
            row["chip"] = chip.decode()
        for cpu in for_each_possible_cpu(prog):
            row[f"cpu{cpu}"] = int(irq_desc_kstat_cpu(desc, cpu))
        yield str(number), row


def timer():
    for cpu in for_each_possible_cpu(prog):
        for base in per_cpu(prog["timer_bases"], cpu):
            for each in timer_base_for_each(base.address_of_()):
                yield address(each), {
                    "cpu": cpu, "expires": each.expires.value_(), "function": name_of(each.function),
                }
        for base in per_cpu(prog["hrtimer_bases"], cpu).clock_base:
            for each in hrtimer_clock_base_for_each(base.address_of_()):
                expires = each.node.expires
                if expires.type_.unaliased_kind().name == "UNION":
                    expires = expires.tv64
                yield address(each), {
                    "cpu": cpu, "expires": expires.value_(), "function": name_of(each.function),
                }


def runq():
    for cpu in for_each_online_cpu(prog):
        rq = cpu_rq(prog, cpu)
        current = cpu_curr(prog, cpu)
        queued = {
            task.pid.value_()
            for walk in (rq_for_each_rt_task, rq_for_each_fair_task)
            for task in walk(rq)
            if task.value_() != current.value_()
        }
        yield str(cpu), {
            "runqueue": address(rq), "current": address(current), "running": rq.nr_running.value_(),
            "switches": rq.nr_switches.value_(), "queued": ",".join(map(str, sorted(queued))),
        }


def sys_():
    name = prog["init_uts_ns"].name
    yield "machine", {
        "nodeName": text(name.nodename), "release": text(name.release), "version": text(name.version),
        "machine": text(name.machine), "cpus": len(list(for_each_online_cpu(prog))),
        "load": " ".join(f"{value:.2f}" for value in loadavg(prog)), "uptime": int(uptime(prog)),
        "commandLine": text(prog["saved_command_line"]),
        "memory": totalram_pages(prog) * prog["PAGE_SIZE"].value_(),
    }


def dev():
    ranges = {}
    for device, count, name, _ in for_each_registered_chrdev(prog):
        ranges[MAJOR(device)] = ranges.get(MAJOR(device), -1) + 1
        yield f"character {MAJOR(device)} #{ranges[MAJOR(device)]}", {
            "name": name.decode(), "firstMinor": MINOR(device), "minorCount": count,
        }
    for major, name, _ in for_each_registered_blkdev(prog):
        yield f"block {major}", {"name": name.decode()}


def disk():
    for part in for_each_partition(prog):
        device = part_devt(part).value_()
        yield text(part.bd_device.kobj.name), {
            "major": MAJOR(device), "minor": MINOR(device), "device": address(part), "disk": address(part.bd_disk), "size": part.bd_nr_sectors.value_() * 512,
        }


def sym():
    """Every twentieth of the names that stand for one address."""
    found = {}
    for each in prog.symbols():
        found.setdefault(each.name, set()).add(each.address)
    names = sorted(name for name, addresses in found.items() if len(addresses) == 1)
    for name in names[::20]:
        yield name, {"address": f"{min(found[name]):x}"}


def facts(section):
    try:
        return {key: {field: str(value) for field, value in row.items()} for key, row in section()}
    except Exception as error:
        return {"error": {"text": f"{type(error).__name__}: {error}"}}


sections = {
    "ps": ps, "mod": mod, "mount": mount, "files": files, "net": net, "log": log, "vm": vm, "kmem": kmem, "slab": slab,
    "irq": irq, "timer": timer, "runq": runq, "sys": sys_, "dev": dev, "disk": disk, "sym": sym,
}
with open(sys.argv[1], "w") as out:
    json.dump({name: facts(section) for name, section in sections.items()}, out)
