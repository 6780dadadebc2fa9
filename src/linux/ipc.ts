import type { KernelObject, Program } from "../program/index.ts";
import { dentryChildren } from "./dcache.ts";
import { idrForEachEntry } from "./idr.ts";
import { listForEachEntry } from "./list.ts";
import { objectAt } from "./walk.ts";

/** Where `struct ipc_namespace.ids` has the objects of a kind (IPC_SEM_IDS and others, ipc/util.h). */
const kinds = {
  sem: { ids: 0, type: "struct sem_array", permissions: "sem_perm" },
  msg: { ids: 1, type: "struct msg_queue", permissions: "q_perm" },
  shm: { ids: 2, type: "struct shmid_kernel", permissions: "shm_perm" },
} as const;

export type SystemVKind = keyof typeof kinds;

/** An IPC object of System V. */
export interface SystemVObject {
  /** The `struct shmid_kernel`, `struct sem_array` or `struct msg_queue`. */
  object: KernelObject;
  /** Its `struct kern_ipc_perm`. */
  permissions: KernelObject;
}

/** The System V objects of one kind in a `struct ipc_namespace`, in the order of /proc/sysvipc. @throws {BrokenLinkError} */
export function* forEachSystemV(
  namespace: KernelObject,
  kind: SystemVKind,
): Generator<SystemVObject, undefined> {
  const { ids, type, permissions: member } = kinds[kind];
  const idr = namespace.member("ids").index(ids).member("ipcs_idr");
  for (const { object: permissions } of idrForEachEntry("struct kern_ipc_perm", idr)) {
    yield { object: permissions.containerOf(type, member).dereference(), permissions };
  }
}

/** The largest set of semaphores that can be made (SEMMSL's upper end, ipc/sem.c). */
const maximumSemaphores = 65_536;

/** The `struct sem`s of a `struct sem_array`. */
export function* semaphoresOf(array: KernelObject): Generator<KernelObject, undefined> {
  const count = Math.min(array.member("sem_nsems").number(), maximumSemaphores);
  for (let index = 0; index < count; index++) yield array.member("sems").index(index);
}

/**
 * Tasks that wait for semaphores of a `struct sem_array`: addresses of their `struct task_struct`.
 * @throws {BrokenLinkError}
 */
export function* semaphoreWaiters(array: KernelObject): Generator<bigint, undefined> {
  const lists = [array, ...semaphoresOf(array)].flatMap((each) => [
    each.member("pending_alter"),
    each.member("pending_const"),
  ]);
  for (const list of lists) {
    for (const entry of listForEachEntry("struct sem_queue", list, "list")) {
      yield entry.member("sleeper").scalar() as bigint;
    }
  }
}

/** Tasks that wait to read or to write a `struct msg_queue`. @throws {BrokenLinkError} */
export function* messageWaiters(queue: KernelObject): Generator<bigint, undefined> {
  for (const entry of listForEachEntry("struct msg_receiver", queue.member("q_receivers"), "r_list")) {
    yield entry.member("r_tsk").scalar() as bigint;
  }
  for (const entry of listForEachEntry("struct msg_sender", queue.member("q_senders"), "list")) {
    yield entry.member("tsk").scalar() as bigint;
  }
}

/** A POSIX message queue: its name, its `struct mqueue_inode_info`, and the inode in that. */
export interface MessageQueue {
  dentry: KernelObject;
  info: KernelObject;
  inode: KernelObject;
}

/** POSIX message queues of a `struct ipc_namespace` (ipc/mqueue.c). @throws {BrokenLinkError} */
export function* forEachMessageQueue(
  program: Program,
  namespace: KernelObject,
): Generator<MessageQueue, undefined> {
  const mount = namespace.member("mq_mnt").read();
  if (mount.isNull) return;
  const root = mount.member("mnt_sb").member("s_root").dereference();
  for (const dentry of dentryChildren(root)) {
    const address = dentry.member("d_inode").scalar() as bigint;
    // A name that was looked for in vain is kept too.
    if (address === 0n) continue;
    const inode = objectAt(program, "struct inode", address);
    yield { dentry, inode, info: inode.containerOf("struct mqueue_inode_info", "vfs_inode").dereference() };
  }
}
