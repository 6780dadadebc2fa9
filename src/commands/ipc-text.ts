import type { IpcRow, MessageQueueRow, PosixQueueRow, SemaphoreRow, SharedMemoryRow } from "./ipc.ts";
import { cell, type Column, tableLines } from "./table.ts";

/** A column, and what a row has in it. */
interface Shown<Row> extends Column {
  of: (row: Row) => string | number | null;
}

const right = "right";

const shm: readonly Shown<SharedMemoryRow>[] = [
  { title: "SHM", of: ({ object }) => object.slice(2) },
  { title: "NAMESPACE", align: right, of: ({ namespace }) => namespace },
  { title: "ID", align: right, of: ({ id }) => id },
  { title: "KEY", of: ({ key }) => key },
  { title: "UID", align: right, of: ({ uid }) => uid },
  { title: "PERMS", of: ({ permissions }) => permissions },
  { title: "BYTES", align: right, of: ({ size }) => size },
  { title: "RSS", align: right, of: ({ residentSize }) => residentSize },
  { title: "ATTACHES", align: right, of: ({ attaches }) => attaches },
  { title: "CPID", align: right, of: ({ creatorPid }) => creatorPid },
  { title: "LPID", align: right, of: ({ lastPid }) => lastPid },
  {
    title: "STATUS",
    of: ({ isRemoved, isLocked }) =>
      isRemoved === null
        ? null
        : [...(isRemoved ? ["removed"] : []), ...(isLocked === true ? ["locked"] : [])].join(", "),
  },
];

const sem: readonly Shown<SemaphoreRow>[] = [
  { title: "SEM", of: ({ object }) => object.slice(2) },
  { title: "NAMESPACE", align: right, of: ({ namespace }) => namespace },
  { title: "ID", align: right, of: ({ id }) => id },
  { title: "KEY", of: ({ key }) => key },
  { title: "UID", align: right, of: ({ uid }) => uid },
  { title: "PERMS", of: ({ permissions }) => permissions },
  { title: "COUNT", align: right, of: ({ values }) => values?.length ?? null },
  { title: "WAITERS", of: (row) => waiterText(row) },
  { title: "VALUES", of: ({ values }) => values?.join(" ") ?? null },
];

const msg: readonly Shown<MessageQueueRow>[] = [
  { title: "MSG", of: ({ object }) => object.slice(2) },
  { title: "NAMESPACE", align: right, of: ({ namespace }) => namespace },
  { title: "ID", align: right, of: ({ id }) => id },
  { title: "KEY", of: ({ key }) => key },
  { title: "UID", align: right, of: ({ uid }) => uid },
  { title: "PERMS", of: ({ permissions }) => permissions },
  { title: "BYTES", align: right, of: ({ size }) => size },
  { title: "MESSAGES", align: right, of: ({ messages }) => messages },
  { title: "LSPID", align: right, of: ({ senderPid }) => senderPid },
  { title: "LRPID", align: right, of: ({ receiverPid }) => receiverPid },
  { title: "WAITERS", of: (row) => waiterText(row) },
];

const mqueue: readonly Shown<PosixQueueRow>[] = [
  { title: "MQUEUE", of: ({ object }) => object.slice(2) },
  { title: "NAMESPACE", align: right, of: ({ namespace }) => namespace },
  { title: "UID", align: right, of: ({ uid }) => uid },
  { title: "PERMS", of: ({ permissions }) => permissions },
  { title: "BYTES", align: right, of: ({ size }) => size },
  { title: "MESSAGES", align: right, of: ({ messages }) => messages },
  { title: "MAXIMUM", align: right, of: ({ maximumMessages }) => maximumMessages },
  { title: "MESSAGE SIZE", align: right, of: ({ messageSize }) => messageSize },
  { title: "NAME", of: ({ name }) => name },
];

/** A table for each kind that there is something of, with a line between them. */
export function* ipcLines(rows: readonly IpcRow[]): Generator<string> {
  const tables = [
    tableOf(
      shm,
      rows.filter((row) => row.kind === "shm"),
    ),
    tableOf(
      sem,
      rows.filter((row) => row.kind === "sem"),
    ),
    tableOf(
      msg,
      rows.filter((row) => row.kind === "msg"),
    ),
    tableOf(
      mqueue,
      rows.filter((row) => row.kind === "mqueue"),
    ),
  ].filter((lines) => lines.length > 0);
  for (const [index, lines] of tables.entries()) {
    if (index > 0) yield "";
    yield* lines;
  }
}

function tableOf<Row>(columns: readonly Shown<Row>[], rows: readonly Row[]): string[] {
  if (rows.length === 0) return [];
  return [
    ...tableLines(
      columns,
      rows.map((row) => columns.map(({ of }) => cell(of(row)))),
    ),
  ];
}

function waiterText({ waiters }: SemaphoreRow | MessageQueueRow): string {
  return waiters.length === 0 ? "-" : waiters.map(({ pid, comm }) => `${pid} (${comm})`).join(", ");
}
