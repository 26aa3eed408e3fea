// A host that lacks system calls, as old kernels and filters are: for processes of their own, as it can't be undone.
import type { Host } from '@sandbox-kernel/host';

/** From here on these calls of this process return `errno`: seccomp(2), linux/filter.h. */
export function refuseCalls(host: Host, numbers: readonly number[], errno: number): void {
  const LOAD_NUMBER = [0x20, 0, 0, 0];
  const compare = (number: number, i: number) => [
    0x15,
    numbers.length - 1 - i,
    i === numbers.length - 1 ? 1 : 0,
    number,
  ];
  const instructions = [
    LOAD_NUMBER,
    ...numbers.map(compare),
    [0x06, 0, 0, 0x0005_0000 | errno],
    [0x06, 0, 0, 0x7fff_0000],
  ];
  const program = new Uint8Array(instructions.length * 8);
  const view = new DataView(program.buffer);
  instructions.forEach(([code = 0, yes = 0, no = 0, value = 0], i) => {
    view.setUint16(i * 8, code, true);
    view.setUint8(i * 8 + 2, yes);
    view.setUint8(i * 8 + 3, no);
    view.setUint32(i * 8 + 4, value, true);
  });
  host.confinement.noNewPrivileges();
  host.confinement.seccomp(program);
}
