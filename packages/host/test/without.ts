// Opens paths on a host that has no openat2 and no statx, as old kernels and filters are. Prints what came of it.
import { HostStat, openHost, RESOLVE_BENEATH } from '@sandbox-kernel/host';

const host = openHost();
const ENOSYS = 38;
const program = new Uint8Array(6 * 8);
const view = new DataView(program.buffer);
const instructions = [
  [0x20, 0, 0, 0],
  [0x15, 1, 0, 437],
  [0x15, 0, 1, 332],
  [0x06, 0, 0, 0x0005_0000 | ENOSYS],
  [0x06, 0, 0, 0x7fff_0000],
];
instructions.forEach(([code = 0, yes = 0, no = 0, value = 0], i) => {
  view.setUint16(i * 8, code, true);
  view.setUint8(i * 8 + 2, yes);
  view.setUint8(i * 8 + 3, no);
  view.setUint32(i * 8 + 4, value, true);
});
host.confinement.noNewPrivileges();
host.confinement.seccomp(program.subarray(0, instructions.length * 8));
const directory = Number(process.argv[2]);
const results = ['file', 'link', 'sub/file', '..', ''].map((path) => {
  const fd = host.paths.open(directory, path, 0, 0, RESOLVE_BENEATH);
  return fd < 0 ? fd : 'open';
});
const stat = new HostStat();
const status = host.stats.stat(directory, 'file', 0, stat);
console.log(
  JSON.stringify([
    results,
    host.paths.openat2Missing,
    status,
    stat.size,
    stat.mode & 0o170000,
    stat.modifySeconds,
  ]),
);
