// /etc/resolv.conf and /etc/hosts as a networked guest sees them: files in memory mounted over the root's, so that they are no change of
// the root (which could be applied to the host). Only where the root has no such file, an empty one is made there first.
import { AT_FDCWD, O_CREAT, O_RDONLY, O_WRONLY, S_IFREG } from '@sandbox-kernel/abi';
import type { LinkPlan } from '@sandbox-kernel/network';
import {
  attachMount,
  ByteSegments,
  createTmpfs,
  type FileCaller,
  Location,
  makeNode,
  newMount,
  openFile,
  readFile,
  type Superblock,
  unlinkFile,
  unmount,
  WALK_FOLLOW,
  writeFile,
} from '@sandbox-kernel/vfs';
import { mountOn } from '../boot/tree.js';

const LARGEST = 1 << 16;
/** Where the files are written while nobody looks yet. */
const SCRATCH = '/dev/shm';

export function mountNetworkFiles(caller: FileCaller, plan: LinkPlan, hostname: string): void {
  const files = new Map([['/etc/hosts', hostsText(caller, plan, hostname)]]);
  if (plan.nameServers.length > 0) {
    const lines = plan.nameServers.map((address) => `nameserver ${address}\n`);
    files.set('/etc/resolv.conf', `${lines.join('')}options edns0\n`);
  }
  const superblock = createTmpfs(caller.fs.vfs, { mode: 0o755 });
  mountOn(caller, SCRATCH, superblock, 0);
  const written = [...files].map(([path, text]) => [path, writeScratch(caller, path, text)] as const);
  for (const [path, source] of written) if (source !== null) place(caller, path, superblock, source);
  const scratch = locate(caller, SCRATCH);
  if (scratch !== null) unmount(scratch, 0, null);
}

function hostsText(caller: FileCaller, plan: LinkPlan, hostname: string): string {
  const own = plan.addresses[0];
  const names = [
    ...(own === undefined ? [] : [`${own.address}\t${hostname}\n`]),
    ...plan.hosts.map(({ address, name }) => `${address}\t${name}\n`),
  ];
  const before = contentOf(caller, '/etc/hosts') ?? '127.0.0.1\tlocalhost\n::1\tlocalhost\n';
  return before + (before.endsWith('\n') ? '' : '\n') + names.join('');
}

function contentOf(caller: FileCaller, path: string): string | null {
  const file = openFile(caller, AT_FDCWD, path, O_RDONLY, 0);
  if (typeof file === 'number') return null;
  const bytes = new Uint8Array(LARGEST);
  const count = readFile(file, new ByteSegments().add(bytes, 0, bytes.length), 0);
  file.release();
  return count < 0 ? null : Buffer.from(bytes.subarray(0, count)).toString('latin1');
}

function writeScratch(caller: FileCaller, path: string, text: string): Location | null {
  const scratch = `${SCRATCH}/${path.slice(path.lastIndexOf('/') + 1)}`;
  const file = openFile(caller, AT_FDCWD, scratch, O_WRONLY | O_CREAT, 0o644);
  if (typeof file === 'number') return null;
  const bytes = Buffer.from(text, 'latin1');
  writeFile(file, new ByteSegments().add(bytes, 0, bytes.length), 0, Number.POSITIVE_INFINITY);
  file.release();
  return locate(caller, scratch);
}

/** Mounts one file over `path`. A root that has none and can't be written keeps having none. */
function place(caller: FileCaller, path: string, superblock: Superblock, source: Location): void {
  if (locate(caller, path) === null) {
    unlinkFile(caller, AT_FDCWD, path); // a link into a directory that is not there
    makeNode(caller, AT_FDCWD, path, S_IFREG | 0o644, 0);
  }
  const target = locate(caller, path);
  if (target !== null) attachMount(newMount(superblock, 0, source.dentry), target);
}

function locate(caller: FileCaller, path: string): Location | null {
  const { walker } = caller.fs.vfs;
  const found = walker.lookup(caller, AT_FDCWD, path, WALK_FOLLOW);
  return found === 0 ? new Location(walker.mount, walker.dentry) : null;
}
