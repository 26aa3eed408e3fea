// A host and an empty directory for each test.
import { closeSync, mkdtempSync, openSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Host, openHost } from '@sandbox-kernel/host';
import { afterEach, beforeEach } from 'vitest';

export interface Temp {
  host: Host;
  path: string;
  /** The directory, open. */
  fd: number;
}

export function useTemp(): Temp {
  const temp = {} as Temp;
  beforeEach(() => {
    temp.host = openHost();
    temp.path = mkdtempSync(join(tmpdir(), 'host-test-'));
    temp.fd = openSync(temp.path, 'r');
  });
  afterEach(() => {
    closeSync(temp.fd);
    rmSync(temp.path, { recursive: true, force: true });
  });
  return temp;
}
