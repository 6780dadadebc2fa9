/** A message of the kernel's log. */
export interface PrintkRecord {
  sequence: number;
  /** Nanoseconds since boot by the clock of the CPU that logged it. */
  time: bigint;
  /** 0 emergency to 7 debug. */
  level: number;
  /** As syslog has it; 0 is the kernel itself. */
  facility: number;
  /** `T` and a thread's PID, or `C` and a CPU in an interrupt; undefined where it was not kept. */
  caller: string | undefined;
  /** Lines; undefined where the dump has not the memory. */
  text: string | undefined;
}

/** CALLER_ID's mark of a CPU (`printk_caller_id`). */
const callerIsCpu = 0x8000_0000;

/** `T` and a PID, or `C` and a CPU, as the kernel prints it. */
export function callerText(id: number): string {
  return id >= callerIsCpu ? `C${id - callerIsCpu}` : `T${id}`;
}
