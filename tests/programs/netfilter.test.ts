// iptables, nft and what their rules do, inside the sandbox: the same scripts run natively in a network namespace of their own where the
// test may make one, and the output must be the same; elsewhere it is compared with what was recorded.
// NETFILTER_RECORD=1 writes the recordings.
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { longPlatforms, runSandboxed } from '../support/native.js';

const scripts = fileURLToPath(new URL('scripts/netfilter/', import.meta.url));
const LIMIT_MS = 120_000;

interface Script {
  readonly name: string;
  readonly needs: readonly string[];
  readonly command: readonly [string, ...string[]];
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

/** As the host does it, in a fresh network namespace; null where that is not allowed or the host has no netfilter. */
function native([program, ...args]: readonly [string, ...string[]]): string | null {
  const probe = spawnSync('unshare', ['-n', 'sh', '-c', 'iptables-legacy -L && nft list ruleset'], {
    encoding: 'latin1',
    env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin' },
  });
  if (probe.status !== 0) return null;
  const run = spawnSync('unshare', ['-n', program, ...args], {
    encoding: 'latin1',
    env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin' },
    timeout: LIMIT_MS,
  });
  return run.status === 0 ? run.stdout : null;
}

const recordingOf = (name: string): string => `${scripts}${name}.expected`;

function recorded(name: string): string {
  return existsSync(recordingOf(name)) ? readFileSync(recordingOf(name), 'latin1') : '';
}

describe.each(longPlatforms())('on %s', (platform) => {
  it.each(SCRIPTS.map((script) => [script.name, script] as const))(
    '%s says and does what it does on Linux',
    async (name, { needs, command }) => {
      const missing = needs.filter((path) => !existsSync(path));
      if (missing.length > 0) {
        console.warn(`skipped: ${name}: not installed: ${missing.join(', ')} (packages iptables, nftables)`);
        return;
      }
      const onHost = native(command);
      if (onHost !== null && process.env['NETFILTER_RECORD'] === '1')
        writeFileSync(recordingOf(name), onHost, 'latin1');
      const outcome = await runSandboxed(command[0], command.slice(1), 'self', platform);
      expect(outcome.stdout).toEqual(onHost ?? recorded(name));
      expect(outcome.status).toBe(0);
    },
    2 * LIMIT_MS,
  );
});
