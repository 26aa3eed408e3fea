// /etc/resolv.conf and /etc/hosts as a networked guest sees them: in the sandbox's own layer, never on the host. A symbolic link (to a
// resolver's directory that is not there) gives way to a file.
import { AT_FDCWD, O_CREAT, O_RDONLY, O_TRUNC, O_WRONLY } from '@sandbox-kernel/abi';
import type { LinkPlan } from '@sandbox-kernel/network';
import {
  ByteSegments,
  type FileCaller,
  openFile,
  readFile,
  unlinkFile,
  writeFile,
} from '@sandbox-kernel/vfs';

const LARGEST = 1 << 16;

export function writeNetworkFiles(caller: FileCaller, plan: LinkPlan, hostname: string): void {
  if (plan.nameServers.length > 0) {
    const lines = plan.nameServers.map((address) => `nameserver ${address}\n`);
    replace(caller, '/etc/resolv.conf', `${lines.join('')}options edns0\n`);
  }
  const own = plan.addresses[0];
  const names = [
    ...(own === undefined ? [] : [`${own.address}\t${hostname}\n`]),
    ...plan.hosts.map(({ address, name }) => `${address}\t${name}\n`),
  ];
  const before = contentOf(caller, '/etc/hosts') ?? '127.0.0.1\tlocalhost\n::1\tlocalhost\n';
  replace(caller, '/etc/hosts', before + (before.endsWith('\n') ? '' : '\n') + names.join(''));
}

function contentOf(caller: FileCaller, path: string): string | null {
  const file = openFile(caller, AT_FDCWD, path, O_RDONLY, 0);
  if (typeof file === 'number') return null;
  const bytes = new Uint8Array(LARGEST);
  const count = readFile(file, new ByteSegments().add(bytes, 0, bytes.length), 0);
  file.release();
  return count < 0 ? null : Buffer.from(bytes.subarray(0, count)).toString('latin1');
}

/** A root without the directory, or one that can't be written, keeps what it has. */
function replace(caller: FileCaller, path: string, text: string): void {
  unlinkFile(caller, AT_FDCWD, path);
  const file = openFile(caller, AT_FDCWD, path, O_WRONLY | O_CREAT | O_TRUNC, 0o644);
  if (typeof file === 'number') return;
  const bytes = Buffer.from(text, 'latin1');
  writeFile(file, new ByteSegments().add(bytes, 0, bytes.length), 0, Number.POSITIVE_INFINITY);
  file.release();
}
