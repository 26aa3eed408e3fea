// Opens paths on a host that has no openat2 and no statx, as old kernels and filters are. Prints what came of it.
import { HostStat, openHost, RESOLVE_BENEATH } from '@sandbox-kernel/host';
import { refuseCalls } from './support/refuse.js';

const host = openHost();
const SYS_STATX = 332;
const SYS_OPENAT2 = 437;
const ENOSYS = 38;
refuseCalls(
  host,
  [SYS_STATX, SYS_OPENAT2].map((number) => ({ number, errno: ENOSYS })),
);
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
