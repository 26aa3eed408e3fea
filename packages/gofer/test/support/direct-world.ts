// A sandbox's view of a fresh directory on the host.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createDirectFilesystem } from '@sandbox-kernel/gofer';
import { type Host, openHost } from '@sandbox-kernel/host';
import type { Superblock, Vfs } from '@sandbox-kernel/vfs';

const O_PATH_DIRECTORY = 0o10200000;

export interface HostTree {
  readonly path: string;
  readonly host: Host;
  mount(vfs: Vfs, cache?: 'exclusive' | 'shared', readOnly?: boolean): Superblock;
  remove(): void;
}

export function createHostTree(maxDescriptors?: number): HostTree {
  const path = mkdtempSync(join(tmpdir(), 'direct-'));
  const host = openHost();
  return {
    path,
    host,
    mount(vfs, cache = 'exclusive', readOnly = false) {
      const rootFd = host.paths.open(-100, path, O_PATH_DIRECTORY, 0, 0);
      const limit = maxDescriptors === undefined ? {} : { maxDescriptors };
      const superblock = createDirectFilesystem(vfs, { host, rootFd, cache, readOnly, ...limit });
      if (typeof superblock === 'number') throw new Error(`direct filesystem: ${superblock}`);
      return superblock;
    },
    remove: () => rmSync(path, { recursive: true, force: true }),
  };
}
