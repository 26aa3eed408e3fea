// What this machine allows: the probes behind `sandbox-cli doctor`.
import { accessSync, constants, readFileSync } from 'node:fs';
import { release } from 'node:os';
import { Sandbox } from './sandbox.js';

export interface Finding {
  readonly name: string;
  /** `missing`: sandboxes can't run without it. `optional`: it would add something. */
  readonly state: 'ok' | 'missing' | 'optional';
  /** What was found, in words. */
  readonly detail: string;
  /** What to do about it. */
  readonly mend?: string;
}

/** Probes everything. Never rejects. */
export async function diagnose(): Promise<Finding[]> {
  return [
    architecture(),
    kernelVersion(),
    nodeVersion(),
    ...(await platforms()),
    yama(),
    namespaces(),
    landlock(),
    {
      name: 'network',
      state: 'ok',
      detail:
        "none, user and tap; with 'host' programs use this machine's own sockets, and no network rules apply",
    },
    device(
      'kvm',
      '/dev/kvm',
      'needed by a future KVM platform only',
      'load kvm_intel or kvm_amd, and join the group kvm',
    ),
    device(
      'tun',
      '/dev/net/tun',
      'needed by tap networking only',
      'modprobe tun, or run the container with --device /dev/net/tun',
    ),
  ];
}

function architecture(): Finding {
  const ok = process.arch === 'x64' && process.platform === 'linux';
  const detail = `${process.platform} ${process.arch}`;
  return ok
    ? { name: 'architecture', state: 'ok', detail }
    : {
        name: 'architecture',
        state: 'missing',
        detail,
        mend: 'use a Linux machine with an x86-64 processor',
      };
}

function kernelVersion(): Finding {
  const [major = 0, minor = 0] = release().split('.').map(Number);
  const ok = major > 5 || (major === 5 && minor >= 4);
  return ok
    ? { name: 'kernel', state: 'ok', detail: release() }
    : { name: 'kernel', state: 'missing', detail: release(), mend: 'use Linux 5.4 or newer' };
}

function nodeVersion(): Finding {
  const major = Number(process.versions.node.split('.')[0]);
  return major >= 20
    ? { name: 'node', state: 'ok', detail: process.versions.node }
    : { name: 'node', state: 'missing', detail: process.versions.node, mend: 'use Node.js 20 or newer' };
}

/** The only probe that proves anything: start a sandbox and run a program in it. */
async function probe(platform: 'ptrace' | 'systrap'): Promise<Finding> {
  const name = `platform ${platform}`;
  try {
    await using sandbox = await Sandbox.create({ platform });
    const { exitCode } = await sandbox.exec('/bin/true');
    return { name, state: 'ok', detail: `a program ran and ended with ${exitCode}` };
  } catch (error) {
    const { message, hint } = error as { message: string; hint?: string };
    return { name, state: 'optional', detail: message, ...(hint === undefined ? {} : { mend: hint }) };
  }
}

/** Both platforms, and what `--platform auto` makes of them. */
async function platforms(): Promise<Finding[]> {
  const systrap = await probe('systrap');
  const ptrace = await probe('ptrace');
  const name = 'platform auto';
  if (systrap.state === 'ok') {
    return [systrap, ptrace, { name, state: 'ok', detail: 'takes systrap, the faster one: it works here' }];
  }
  if (ptrace.state === 'ok') {
    return [systrap, ptrace, { name, state: 'ok', detail: `takes ptrace, as for systrap ${systrap.detail}` }];
  }
  return [systrap, ptrace, { name, state: 'missing', detail: 'neither systrap nor ptrace works here' }];
}

function yama(): Finding {
  const scope = readText('/proc/sys/kernel/yama/ptrace_scope');
  if (scope === null) return { name: 'yama', state: 'ok', detail: 'not in this kernel' };
  const level = Number(scope);
  return level <= 1
    ? { name: 'yama', state: 'ok', detail: `ptrace_scope ${level}: tracing of own children is allowed` }
    : {
        name: 'yama',
        state: 'optional',
        detail: `ptrace_scope ${level}`,
        mend: 'sysctl kernel.yama.ptrace_scope=1',
      };
}

function namespaces(): Finding {
  const most = Number(readText('/proc/sys/user/max_user_namespaces') ?? '0');
  const debian = readText('/proc/sys/kernel/unprivileged_userns_clone');
  const ubuntu = readText('/proc/sys/kernel/apparmor_restrict_unprivileged_userns');
  const open = most > 0 && debian?.trim() !== '0' && ubuntu?.trim() !== '1';
  return open
    ? { name: 'user namespaces', state: 'ok', detail: 'allowed (not needed)' }
    : { name: 'user namespaces', state: 'optional', detail: 'restricted (not needed)' };
}

function landlock(): Finding {
  const modules = readText('/sys/kernel/security/lsm');
  return modules?.includes('landlock')
    ? { name: 'landlock', state: 'ok', detail: 'active (not used yet)' }
    : {
        name: 'landlock',
        state: 'optional',
        detail: modules === null ? 'unknown' : 'not active (not used yet)',
      };
}

function device(name: string, path: string, use: string, mend: string): Finding {
  try {
    accessSync(path, constants.R_OK | constants.W_OK);
    return { name, state: 'ok', detail: `${path} can be opened (${use})` };
  } catch {
    return { name, state: 'optional', detail: `${path} can't be opened (${use})`, mend };
  }
}

function readText(path: string): string | null {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return null;
  }
}
