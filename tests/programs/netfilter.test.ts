// iptables, nft and what their rules do, inside the sandbox: the same scripts run natively in a network namespace of their own where the
// test may make one, and the output must be the same; elsewhere it is compared with what was recorded.
// NETFILTER_RECORD=1 writes the recordings.
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect } from 'vitest';
import { longPlatforms, runSandboxed } from '../support/native.js';
import { itWith } from '../support/tools.js';

const scripts = fileURLToPath(new URL('scripts/netfilter/', import.meta.url));
const LIMIT_MS = 120_000;
const PATH = 'PATH=/usr/sbin:/usr/bin:/sbin:/bin';

interface Script {
  readonly name: string;
  readonly needs: readonly string[];
  readonly command: readonly string[];
}

const IPTABLES = ['/usr/sbin/iptables-legacy', '/usr/sbin/iptables-nft'];

const SCRIPTS: readonly Script[] = [
  {
    name: 'iptables-legacy',
    needs: IPTABLES,
    command: ['/bin/sh', `${scripts}iptables-legacy.sh`],
  },
  {
    name: 'iptables-nft',
    needs: [...IPTABLES, '/usr/sbin/nft'],
    command: ['/bin/sh', `${scripts}iptables-nft.sh`],
  },
  { name: 'nft', needs: ['/usr/sbin/nft'], command: ['/bin/sh', `${scripts}nft.sh`] },
  { name: 'nft-monitor', needs: ['/usr/sbin/nft'], command: ['/bin/sh', `${scripts}nft-monitor.sh`] },
  {
    name: 'mangle',
    needs: ['/usr/sbin/nft', '/usr/bin/python3'],
    command: ['/usr/bin/python3', `${scripts}mangle.py`],
  },
  {
    name: 'flows',
    needs: [...IPTABLES, '/usr/bin/python3'],
    command: ['/usr/bin/python3', `${scripts}flows.py`],
  },
  {
    name: 'effects-legacy',
    needs: [...IPTABLES, '/usr/bin/python3', '/usr/bin/ping'],
    command: ['/usr/bin/python3', `${scripts}effects.py`, '/usr/sbin/iptables-legacy'],
  },
  {
    name: 'effects-nft',
    needs: [...IPTABLES, '/usr/bin/python3', '/usr/bin/ping'],
    command: ['/usr/bin/python3', `${scripts}effects.py`, '/usr/sbin/iptables-nft'],
  },
];

function inNamespace(command: readonly string[]) {
  const options = { encoding: 'latin1', timeout: LIMIT_MS } as const;
  return spawnSync('unshare', ['-n', '/usr/bin/env', PATH, ...command], options);
}

/** As the host does it, in a fresh network namespace; null where that is not allowed or the host has no netfilter. */
function native(command: readonly string[]): string | null {
  const probe = inNamespace(['/bin/sh', '-c', 'iptables-legacy -L && nft list ruleset']);
  if (probe.status !== 0) return null;
  const run = inNamespace(command);
  return run.status === 0 ? run.stdout : null;
}

const recordingOf = (name: string): string => `${scripts}${name}.expected`;

function recorded(name: string): string {
  return existsSync(recordingOf(name)) ? readFileSync(recordingOf(name), 'latin1') : '';
}

describe.each(longPlatforms())('on %s', (platform) => {
  for (const { name, needs, command } of SCRIPTS) {
    itWith(...needs)(`${name} says and does what it does on Linux`, async () => {
      const onHost = native(command);
      if (onHost !== null && process.env['NETFILTER_RECORD'] === '1')
        writeFileSync(recordingOf(name), onHost, 'latin1');
      const outcome = await runSandboxed('/usr/bin/env', [PATH, ...command], 'self', platform);
      expect(outcome.stdout, outcome.stderr).toEqual(onHost ?? recorded(name));
      expect(outcome.status).toBe(0);
    });
  }
});
