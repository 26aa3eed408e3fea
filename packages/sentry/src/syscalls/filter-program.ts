// Programs of classic BPF between guest memory and the kernel (struct sock_fprog, linux/filter.h): those of sockets and of seccomp(2).
import {
  type BpfProgram,
  SOCK_FILTER_CODE,
  SOCK_FILTER_JF,
  SOCK_FILTER_JT,
  SOCK_FILTER_K,
  SOCK_FILTER_SIZE,
  SOCK_FPROG_FILTER,
  SOCK_FPROG_LEN,
} from '@sandbox-kernel/abi';
import type { Task } from '@sandbox-kernel/kernel';

/** How many instructions `head`, a struct sock_fprog, says that there are. */
export function programLength(head: DataView): number {
  return head.getUint16(SOCK_FPROG_LEN, true);
}

/** Where it says that they are. */
export function programAddress(head: DataView): number {
  return head.getUint32(SOCK_FPROG_FILTER + 4, true) * 2 ** 32 + head.getUint32(SOCK_FPROG_FILTER, true);
}

/** A copy of `length` instructions at `addr`; null: they are not there. */
export function readInstructions(task: Task, addr: number, length: number): DataView | null {
  const code = new Uint8Array(length * SOCK_FILTER_SIZE);
  return task.memory.copyIn(addr, code, 0, code.length) === code.length ? new DataView(code.buffer) : null;
}

/** struct sock_filter, one after the other. */
export function encodeProgram(program: BpfProgram): Uint8Array {
  const bytes = new Uint8Array(program.length * SOCK_FILTER_SIZE);
  const view = new DataView(bytes.buffer);
  for (let i = 0; i < program.length; i++) {
    const at = i * SOCK_FILTER_SIZE;
    view.setUint16(at + SOCK_FILTER_CODE, program.code[i] as number, true);
    view.setUint8(at + SOCK_FILTER_JT, program.jumpTrue[i] as number);
    view.setUint8(at + SOCK_FILTER_JF, program.jumpFalse[i] as number);
    view.setUint32(at + SOCK_FILTER_K, program.k[i] as number, true);
  }
  return bytes;
}
