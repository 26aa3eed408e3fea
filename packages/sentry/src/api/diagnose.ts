// What this machine allows: the probes behind `sandbox-cli doctor`.
import { accessSync, constants, readFileSync, readlinkSync } from 'node:fs';
import { release } from 'node:os';
import { CLONE_NEWUSER } from '@sandbox-kernel/abi';
import { createMemoryFile, type Host, openHost, startTimeKeeper } from '@sandbox-kernel/host';
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
    ...host(),
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

/** What only calls can tell. Nothing is left of them. */
function host(): Finding[] {
  try {
    const opened = openHost();
    return [namespaces(opened), landlock(opened), memory(opened), clock(opened)];
  } catch (error) {
    const { message } = error as Error;
    return [{ name: 'native part', state: 'missing', detail: message, mend: 'npm run build' }];
  }
}

function namespaces(opened: Host): Finding {
  const name = 'user namespaces';
  return opened.probes.namespaces(CLONE_NEWUSER) === 0
    ? { name, state: 'ok', detail: "allowed: an ordinary user's sandboxes have huge pages" }
    : { name, state: 'optional', detail: "refused: an ordinary user's sandboxes have small pages only" };
}

function landlock(opened: Host): Finding {
  const version = opened.probes.landlock();
  return version > 0
    ? { name: 'landlock', state: 'ok', detail: `version ${version} (not used yet)` }
    : { name: 'landlock', state: 'optional', detail: 'not active (not used yet)' };
}

function memory(opened: Host): Finding {
  const file = createMemoryFile(opened.door);
  if (typeof file === 'number')
    return { name: 'memory', state: 'missing', detail: `no memory file: errno ${-file}` };
  const huge = !readlinkSync(`/proc/self/fd/${file.fd}`).startsWith('/memfd:');
  file.close();
  return huge
    ? { name: 'memory', state: 'ok', detail: 'a tmpfs of its own for each sandbox, with huge pages' }
    : {
        name: 'memory',
        state: 'optional',
        detail: 'memfd: large memory comes in small pages, and costs 1.5 times as much to touch',
        mend: 'allow mounts, or user namespaces (sysctl user.max_user_namespaces=10000)',
      };
}

function clock(opened: Host): Finding {
  const keeper = startTimeKeeper(opened.door);
  if (typeof keeper !== 'number' && keeper.fast)
    return { name: 'clock', state: 'ok', detail: "the processor's TSC: programs read it without a call" };
  return { name: 'clock', state: 'optional', detail: 'the TSC is not reliable here: reading it is a call' };
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
