import type { KernelObject } from "../program/index.ts";

/** A namespace that a task is in. */
export interface TaskNamespace {
  /** As /proc/PID/ns names it: `mnt`, `pid`, `pid_for_children`, … */
  type: string;
  /** The `struct mnt_namespace`, `struct net`, … */
  namespace: KernelObject;
}

/** Members of `struct nsproxy` (include/linux/nsproxy.h), and their names in /proc/PID/ns. */
const members: readonly (readonly [member: string, type: string])[] = [
  ["cgroup_ns", "cgroup"],
  ["ipc_ns", "ipc"],
  ["mnt_ns", "mnt"],
  ["net_ns", "net"],
  ["pid_ns_for_children", "pid_for_children"],
  ["time_ns", "time"],
  ["time_ns_for_children", "time_for_children"],
  ["uts_ns", "uts"],
];

/**
 * The namespaces of a `struct task_struct`, by type; none but those of users and PIDs once it has ended. What
 * this kernel has not is left out.
 * @throws {FaultError}; {@link LookupError}
 */
export function taskNamespaces(task: KernelObject): TaskNamespace[] {
  const found: TaskNamespace[] = [];
  const proxy = task.member("nsproxy").read();
  if (!proxy.isNull) {
    for (const [member, type] of members) {
      const pointer = proxy.memberIf(member)?.read();
      if (pointer !== undefined && !pointer.isNull) found.push({ type, namespace: pointer.dereference() });
    }
  }
  const pidNamespace = taskActivePidNs(task);
  if (pidNamespace !== undefined) found.push({ type: "pid", namespace: pidNamespace });
  const userNamespace = task.member("real_cred").member("user_ns").read();
  if (!userNamespace.isNull) found.push({ type: "user", namespace: userNamespace.dereference() });
  return found.sort((left, right) => (left.type < right.type ? -1 : 1));
}

/** `task_active_pid_ns` (include/linux/pid_namespace.h); undefined for a task that has ended. @throws {FaultError} */
export function taskActivePidNs(task: KernelObject): KernelObject | undefined {
  const pid = task.member("thread_pid").read();
  if (pid.isNull) return undefined;
  const namespace = pid.member("numbers").index(levelOf(pid)).member("ns").read();
  return namespace.isNull ? undefined : namespace.dereference();
}

/** The number of a `struct pid` in each PID namespace it is seen in, the first namespace's first. @throws {FaultError} */
export function pidNumbers(pid: KernelObject): number[] {
  const numbers = pid.member("numbers");
  return Array.from({ length: levelOf(pid) + 1 }, (_, level) => numbers.index(level).member("nr").number());
}

/** PID namespaces are inside each other 32 deep at most (MAX_PID_NS_LEVEL). */
function levelOf(pid: KernelObject): number {
  return Math.min(pid.member("level").number(), 32);
}

/** The number by which /proc/PID/ns shows a namespace (`struct ns_common`). @throws {FaultError} */
export function namespaceNumber(namespace: KernelObject): number {
  return namespace.subobject("ns.inum").number();
}
