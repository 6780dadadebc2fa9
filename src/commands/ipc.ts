import { DwarflessError } from "../io/index.ts";
import type { Kernel } from "../kernel/index.ts";
import {
  dentryName,
  forEachMessageQueue,
  forEachSystemV,
  type Gaps,
  type MessageQueue,
  messageWaiters,
  pidNumbers,
  semaphoresOf,
  semaphoreWaiters,
  type SystemVKind,
  type SystemVObject,
} from "../linux/index.ts";
import type { KernelObject } from "../program/index.ts";
import { hex } from "./hex.ts";
import { findNamespaces } from "./namespaces.ts";

export type IpcKind = SystemVKind | "mqueue";
export const ipcKinds: readonly IpcKind[] = ["shm", "sem", "msg", "mqueue"];

interface CommonRow {
  /** Number of its namespace, as in `ipc:[4026531839]`. */
  namespace: number | null;
  uid: number | null;
  gid: number | null;
  /** Octal. */
  permissions: string | null;
  /** Of the struct that `object` points to. */
  object: string;
}

interface SystemVRow extends CommonRow {
  id: number | null;
  /** `"0x…"`; 0 is IPC_PRIVATE. */
  key: string | null;
  creatorUid: number | null;
  creatorGid: number | null;
  /** UTC. */
  changed: string | null;
}

/** A shared memory segment. */
export interface SharedMemoryRow extends SystemVRow {
  kind: "shm";
  /** Bytes; those in memory and in swap. */
  size: number | null;
  residentSize: number | null;
  swappedSize: number | null;
  attaches: number | null;
  /** 0: nobody. */
  creatorPid: number | null;
  lastPid: number | null;
  /** UTC; null for never. */
  attached: string | null;
  detached: string | null;
  /** To be removed when nobody has it attached any more. */
  isRemoved: boolean | null;
  isLocked: boolean | null;
}

/** A task that waits for an IPC object. */
interface Waiter {
  pid: number;
  comm: string;
}

/** A set of semaphores. */
export interface SemaphoreRow extends SystemVRow {
  kind: "sem";
  values: number[] | null;
  /** PID that changed each last; 0: nobody. */
  lastPids: number[] | null;
  /** UTC; null for never. */
  used: string | null;
  waiters: Waiter[];
}

/** A message queue of System V. */
export interface MessageQueueRow extends SystemVRow {
  kind: "msg";
  /** Bytes in it, and how many may be. */
  size: number | null;
  maximumSize: number | null;
  messages: number | null;
  senderPid: number | null;
  receiverPid: number | null;
  sent: string | null;
  received: string | null;
  waiters: Waiter[];
}

/** A POSIX message queue. */
export interface PosixQueueRow extends CommonRow {
  kind: "mqueue";
  name: string | null;
  /** Bytes in it. */
  size: number | null;
  messages: number | null;
  maximumMessages: number | null;
  /** Bytes that a message may have. */
  messageSize: number | null;
}

/** An IPC object as JSON has it. */
export type IpcRow = SharedMemoryRow | SemaphoreRow | MessageQueueRow | PosixQueueRow;

const SHM_DEST = 0o1000;
const SHM_LOCKED = 0o2000;

/** IPC objects of all namespaces that processes are in, kind by kind. */
export function listIpc(kernel: Kernel, gaps: Gaps, wanted: readonly IpcKind[]): { rows: IpcRow[] } {
  const { program } = kernel;
  const { found } = findNamespaces(kernel, gaps, []);
  const namespaces = found.filter(({ type }) => type === "ipc");
  if (namespaces.length === 0) throw new DwarflessError("NO_IPC", "no process has an IPC namespace");
  const number = (object: KernelObject, designator: string): number | null =>
    gaps.column(designator, () => object.subobject(designator).number());
  const date = (object: KernelObject, member: string): string | null =>
    gaps.column(member, () => secondsText(object.member(member).scalar() as bigint));
  const pid = (object: KernelObject, member: string): number | null =>
    gaps.column(member, () => firstNumber(object.member(member)));

  function common(
    namespace: number | null,
    { object, permissions }: SystemVObject,
  ): Omit<SystemVRow, "changed"> {
    const mode = number(permissions, "mode");
    const key = number(permissions, "key");
    return {
      namespace,
      id: number(permissions, "id"),
      key: key === null ? null : `0x${(key >>> 0).toString(16)}`,
      uid: number(permissions, "uid.val"),
      gid: number(permissions, "gid.val"),
      creatorUid: number(permissions, "cuid.val"),
      creatorGid: number(permissions, "cgid.val"),
      permissions: mode === null ? null : octal(mode),
      object: hex(object.address!),
    };
  }

  function sharedMemory(namespace: number | null, found: SystemVObject): SharedMemoryRow {
    const { object, permissions } = found;
    const mode = number(permissions, "mode");
    const pageByteSize = program.memory.pageByteSize;
    const inode = gaps.column("shm_file", () => plainInode(object));
    return {
      kind: "shm",
      ...common(namespace, found),
      changed: date(object, "shm_ctim"),
      size: number(object, "shm_segsz"),
      residentSize:
        inode === null
          ? null
          : gaps.column("nrpages", () => inode.member("i_mapping").member("nrpages").number() * pageByteSize),
      swappedSize:
        inode === null
          ? null
          : gaps.column(
              "swapped",
              () =>
                inode.containerOf("struct shmem_inode_info", "vfs_inode").member("swapped").number() *
                pageByteSize,
            ),
      attaches: number(object, "shm_nattch"),
      creatorPid: pid(object, "shm_cprid"),
      lastPid: pid(object, "shm_lprid"),
      attached: date(object, "shm_atim"),
      detached: date(object, "shm_dtim"),
      isRemoved: mode === null ? null : (mode & SHM_DEST) !== 0,
      isLocked: mode === null ? null : (mode & SHM_LOCKED) !== 0,
    };
  }

  function semaphores(namespace: number | null, found: SystemVObject): SemaphoreRow {
    const { object } = found;
    const all = [...semaphoresOf(object)];
    return {
      kind: "sem",
      ...common(namespace, found),
      changed: date(object, "sem_ctime"),
      values: gaps.column("semval", () => all.map((each) => each.member("semval").number())),
      lastPids: gaps.column("sempid", () => all.map((each) => firstNumber(each.member("sempid")))),
      used: gaps.column("sem_otime", () => {
        const times = all.map((each) => each.member("sem_otime").scalar() as bigint);
        return secondsText(times.reduce((latest, each) => (each > latest ? each : latest), 0n));
      }),
      waiters: waiters(semaphoreWaiters(object)),
    };
  }

  function messages(namespace: number | null, found: SystemVObject): MessageQueueRow {
    const { object } = found;
    return {
      kind: "msg",
      ...common(namespace, found),
      changed: date(object, "q_ctime"),
      size: number(object, "q_cbytes"),
      maximumSize: number(object, "q_qbytes"),
      messages: number(object, "q_qnum"),
      senderPid: pid(object, "q_lspid"),
      receiverPid: pid(object, "q_lrpid"),
      sent: date(object, "q_stime"),
      received: date(object, "q_rtime"),
      waiters: waiters(messageWaiters(object)),
    };
  }

  function posixQueue(namespace: number | null, { dentry, info, inode }: MessageQueue): PosixQueueRow {
    const mode = number(inode, "i_mode");
    return {
      kind: "mqueue",
      namespace,
      name: gaps.column("name", () => dentryName(dentry)),
      uid: number(inode, "i_uid.val"),
      gid: number(inode, "i_gid.val"),
      permissions: mode === null ? null : octal(mode),
      size: number(info, "qsize"),
      messages: number(info, "attr.mq_curmsgs"),
      maximumMessages: number(info, "attr.mq_maxmsg"),
      messageSize: number(info, "attr.mq_msgsize"),
      object: hex(info.address!),
    };
  }

  function waiters(addresses: Iterable<bigint>): Waiter[] {
    const found: Waiter[] = [];
    for (const address of gaps.walk(addresses)) {
      const task = program.object(address, "struct task_struct");
      const row = gaps.column("waiters", () => ({
        pid: task.member("pid").number(),
        comm: task.member("comm").string(),
      }));
      if (row !== null) found.push(row);
    }
    return found;
  }

  const rows: IpcRow[] = [];
  for (const kind of wanted) {
    for (const { namespace, number: own } of namespaces) {
      if (kind === "mqueue") {
        for (const queue of gaps.walk(forEachMessageQueue(program, namespace)))
          rows.push(posixQueue(own, queue));
        continue;
      }
      for (const each of gaps.walk(forEachSystemV(namespace, kind))) {
        if (kind === "shm") rows.push(sharedMemory(own, each));
        else rows.push(kind === "sem" ? semaphores(own, each) : messages(own, each));
      }
    }
  }
  return { rows };
}

/** The inode of a segment in ordinary pages; what huge ones use is counted in other units by some releases. */
function plainInode(segment: KernelObject): KernelObject {
  const inode = segment.member("shm_file").member("f_inode").dereference();
  const type = inode.member("i_sb").member("s_type").member("name").string(32);
  if (type !== "tmpfs") throw new DwarflessError("SHM", `a segment on ${type}`);
  return inode;
}

/** In the first PID namespace, where NULL is nobody. */
function firstNumber(pointer: KernelObject): number {
  const pid = pointer.read();
  return pid.isNull ? 0 : pidNumbers(pid)[0]!;
}

function octal(mode: number): string {
  return (mode & 0o777).toString(8).padStart(4, "0");
}

function secondsText(seconds: bigint): string | null {
  const date = new Date(Number(seconds) * 1000);
  return seconds === 0n || Number.isNaN(date.getTime()) ? null : date.toISOString();
}
