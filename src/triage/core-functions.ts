import type { TraceFrame } from "./place.ts";

/** Functions that report, stop or wait, and small library functions: never the cause themselves. */
const core = new RegExp(
  `^(?:${[
    // Reporting and dying.
    "(?:__)?dump_stack\\w*|show_stack\\w*|show_regs|dump_backtrace|v?panic|nmi_panic\\w*|(?:__)?die\\w*|oops_\\w+|page_fault_oops",
    "no_context|(?:__)?bad_area\\w*|do_kern_addr_fault|do_user_addr_fault|exc_\\w+|asm_exc_\\w+|fixup_exception|do_error_trap|do_trap",
    "handle_bug|report_bug|__report_bug|(?:__)?warn_\\w+|__warn\\w*|bug_handler|brk_handler|do_mem_abort|do_translation_fault|do_page_fault",
    "__do_kernel_fault|die_kernel_fault|do_debug_exception|do_el1_\\w+|el1_?\\w*|arm64_serror_panic|do_serror|check_panic_on_warn",
    "(?:nmi_)?cpu_backtrace\\w*|nmi_(?:handle|trigger)\\w*|trigger_\\w+backtrace\\w*|arch_trigger_\\w+|default_do_nmi|unknown_nmi_error|end_repeat_nmi",
    "__?handle_sysrq|handle_sysrq|sysrq_handle_crash|panic_smp_self_stop|handle_stack_overflow|panic_bad_stack|handle_bad_stack|__bad_stack",
    // Watchdogs.
    "watchdog\\w*|check_hung_\\w+|hung_task\\w*|(?:rcu_|print_)\\w*stall\\w*|rcu_sched_clock_irq|rcu_dump_\\w+|dump_header|oom_kill_process|out_of_memory|check_panic_on_oom",
    // Waiting.
    "__?schedule\\w*|schedule\\w*|preempt_schedule\\w*|context_switch|(?:__|rt_)?mutex_lock\\w*|__ww_mutex\\w*|rwsem_\\w+|(?:__)?down\\w*|(?:__)?wait_for_c\\w+|io_schedule\\w*",
    "_?_?raw_(?:spin|read|write)_\\w+|(?:native_|pv_)?queued_(?:spin|read|write)_lock_slowpath|__pv_queued\\w+|osq_lock|do_raw_spin\\w*",
    "delay_\\w+|(?:__)?[nu]?delay|__const_udelay|__switch_to|native_\\w*halt|rcu_read_\\w+",
    // Memory, strings and checks.
    "mem(?:cpy|set|move|cmp)\\w*|__mem(?:cpy|set|move)\\w*|rep_(?:movs|stos)\\w*|str\\w{2,5}|__list_(?:add|del)\\w*|refcount_warn_saturate|kasan_\\w+|__kasan\\w+|__asan\\w+|print_report|check_region\\w*",
    "kfence_\\w+|kfree\\w*|__?slab_\\w+|slab_\\w+|kmem_cache_\\w+|(?:__)?k[mzc]alloc\\w*|object_err|check_bytes\\w*|check_object|free_debug\\w*|alloc_debug\\w*|usercopy_abort|__check_\\w+",
    "_?copy_(?:from|to)_user\\w*|__stack_chk_fail|fortify_panic|__fortify\\w*",
  ].join("|")})$`,
);

/** Where the kernel is entered; what lies further out was interrupted or is user mode. */
const entry =
  /^(?:(?:asm_)?(?:sysvec|exc|common_interrupt)\w*|__?sysvec_\w+|common_interrupt|entry_\w+|do_syscall_64|do_el0_svc|el[01]\w*|ret_from_fork\w*|secondary_startup\w*|x64_sys_call|invoke_syscall|el0_svc_common|call_on_irq_stack|do_interrupt_handler|irq_entries_start|ret_to_user)$/;

/** A function's name without what compilers add to its parts and copies: `.isra.0`, `.cold`, `.constprop.0`. */
export function plainName(symbol: string): string {
  return symbol
    .replace(/(?:\.(?:isra|constprop|part|cold|llvm|lto_priv|localalias|clone|num)(?:\.\d+)*)+$/, "")
    .replace(/\.\d+$/, "");
}

export function isCoreFunction(symbol: string): boolean {
  return core.test(plainName(symbol));
}

export function isEntryFunction(symbol: string): boolean {
  return entry.test(plainName(symbol));
}

/** Frames from the first that is no core function to where the kernel, or the interrupt, was entered. */
export function tellingFrames(frames: readonly TraceFrame[]): TraceFrame[] {
  const named = frames.filter((frame) => frame.symbol !== null);
  const first = named.findIndex(({ symbol }) => !isCoreFunction(symbol!) && !isEntryFunction(symbol!));
  if (first < 0) return [];
  const rest = named.slice(first);
  const end = rest.findIndex(({ symbol }) => isEntryFunction(symbol!));
  return end < 0 ? rest : rest.slice(0, end);
}
