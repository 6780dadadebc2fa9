import { plainName } from "./core-functions.ts";
import type { TraceFrame } from "./place.ts";
import type { CrashContext } from "./verdict.ts";

const softirq =
  /^(?:__do_softirq|handle_softirqs|run_ksoftirqd|do_softirq\w*|tasklet_action\w*|run_timer_softirq|net_rx_action)$/;
const interrupt =
  /^(?:(?:asm_)?sysvec_\w+|__sysvec_\w+|(?:asm_)?common_interrupt|__handle_irq_event_percpu|handle_irq_event\w*|generic_handle_\w*irq\w*|gic_handle_irq|el1_interrupt|el1h_64_irq\w*|el0t_64_irq\w*|el0_interrupt|do_interrupt_handler|__hrtimer_run_queues|hrtimer_interrupt)$/;
const nmi =
  /^(?:(?:asm_)?exc_nmi\w*|nmi_handle|default_do_nmi|end_repeat_nmi|el1_dbg|arm64_enter_nmi|do_nmi)$/;
const process =
  /^(?:do_syscall_64|entry_SYSCALL\w+|x64_sys_call|invoke_syscall|do_el0_svc|el0_svc\w*|kthread|ret_from_fork\w*|do_idle|do_one_initcall|process_one_work|worker_thread)$/;

/** What the innermost functions ran in, by the first that tells; null where none does. */
export function contextOf(frames: readonly TraceFrame[]): CrashContext | null {
  for (const { symbol, context } of frames) {
    const name = symbol === null ? "" : plainName(symbol);
    if (context === "NMI" || nmi.test(name)) return "nmi";
    if (context === "SOFTIRQ" || softirq.test(name)) return "softirq";
    if (interrupt.test(name)) return "interrupt";
    if (process.test(name)) return "process";
  }
  return frames.some(({ context }) => context === "IRQ") ? "interrupt" : null;
}
