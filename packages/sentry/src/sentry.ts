// The sentry: answers the control channel, and runs the loop in which every trap of every program is handled. One thread, synchronous:
// nothing here awaits, and nothing that a program does makes it throw.
import { constants } from 'node:os';
import {
  AT_FDCWD,
  EPOLLET,
  EPOLLIN,
  EPOLLOUT,
  EPOLLPRI,
  EPOLLRDHUP,
  errnoName,
  O_NOCTTY,
  O_RDWR,
} from '@sandbox-kernel/abi';
import { WAIT_DEAD, WAIT_HOST_EVENT } from '@sandbox-kernel/contracts';
import { HostStreams } from '@sandbox-kernel/gofer';
import {
  Credentials,
  kernelSignal,
  sendToGroup,
  startProcess,
  TASK_ZOMBIE,
  type Task,
  type ThreadGroup,
  usageOfGroup,
} from '@sandbox-kernel/kernel';
import {
  FdTable,
  type FileCaller,
  type FileDescription,
  FsContext,
  Location,
  openFile,
  WALK_DIRECTORY,
  WALK_FOLLOW,
} from '@sandbox-kernel/vfs';
import { findProgram } from './boot/find-program.js';
import { findLeaks } from './boot/leak-check.js';
import {
  bootMachine,
  type HostSide,
  type Machine,
  type MachineEvents,
  WATCHES_TOKEN,
} from './boot/machine.js';
import type { SentryKernel } from './boot/sentry-kernel.js';
import { latin1OfUtf8 } from './boot/strings.js';
import type { ProcessSpec, Request, SandboxSpec, SignalScope } from './control/messages.js';
import type { NetworkNotice, NetworkRequest } from './control/network-messages.js';
import { ControlServer, RequestError, type RequestHandler } from './control/server.js';
import type { SandboxNetwork } from './net/network.js';
import { FIRST_NETWORK_TOKEN } from './net/outside.js';
import { collectGarbage, liveCounters } from './statistics.js';
import { SYSCALL_ROWS } from './syscalls/table.js';
import { TerminalRelay } from './terminal-relay.js';
import { Strace } from './trace/strace.js';

/** Token of the control channel among host events; streams have higher ones. */
const CONTROL_TOKEN = 0;
/** The host is short of memory. */
const PRESSURE_TOKEN = 1;
const FIRST_STREAM_TOKEN = 2;
const NANOS_PER_MILLI = 1e6;
const MAX_WAITING_EVENTS = 4096;

export class Sentry implements RequestHandler, MachineEvents {
  readonly #side: HostSide;
  readonly #server: ControlServer;
  readonly #streams: HostStreams;
  #machine: Machine | null = null;
  /** Processes that the control channel started: it hears of their end. */
  readonly #started = new Set<ThreadGroup>();
  readonly #relays = new Map<number, TerminalRelay>();
  #unknownCalls = 0;

  constructor(side: HostSide, controlFd: number) {
    this.#side = side;
    this.#server = new ControlServer(side.host, controlFd);
    this.#streams = new HostStreams(side.host, side.watcher, FIRST_STREAM_TOKEN);
    side.watcher.add(controlFd, EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, CONTROL_TOKEN);
  }

  /** Returns when the other side of the control channel is gone. */
  run(): void {
    while (this.#machine === null && !this.#server.closed) {
      this.#server.waitReadable();
      this.#server.receive(this);
    }
    while (!this.#server.closed) this.#turn();
  }

  #turn(): void {
    const { kernel, platform, network, clock } = this.#machine as Machine;
    kernel.runWoken();
    kernel.memoryRelief.look();
    if (network.deadline === 0) {
      network.run();
      kernel.runWoken();
    }
    const deadline = Math.min(kernel.nextDeadline(), clock.unasked(network.deadline));
    const id = platform.wait(clock.sleepUntil(deadline));
    clock.slept(deadline);
    if (id >= 0) kernel.trapped(id);
    else if (id === WAIT_HOST_EVENT) this.#hostEvents();
    else if (id === WAIT_DEAD) throw new Error('the platform was killed from outside the sandbox');
    this.#expire(kernel, network, id >= 0);
  }

  /** `looked`: a trap was handled just now, and the clock was read for it. */
  #expire(kernel: SentryKernel, network: SandboxNetwork, looked: boolean): void {
    const { deadline } = network;
    if (kernel.timers.next() === Number.POSITIVE_INFINITY && deadline === Number.POSITIVE_INFINITY) return;
    const now = looked ? kernel.lastLook : kernel.clock.monotonic();
    kernel.expireTimers(now);
    if (deadline <= now && deadline > 0) network.run();
  }

  #hostEvents(): void {
    const { watcher } = this.#side;
    const count = watcher.drain();
    for (let i = 0; i < count; i++) {
      const token = watcher.tokens[i] as number;
      if (token === CONTROL_TOKEN) {
        this.#server.receive(this);
        this.#server.flush();
      } else if (token === PRESSURE_TOKEN) this.#machine?.kernel.memoryRelief.relieve();
      else if (token === WATCHES_TOKEN) this.#side.watches.deliver();
      else this.#deliver(token, watcher.events[i] as number);
    }
  }

  #deliver(token: number, events: number): void {
    const { outside, hostSockets } = this.#machine ?? { outside: null, hostSockets: null };
    if (token < FIRST_NETWORK_TOKEN) this.#streams.deliver(token, events);
    else if (hostSockets !== null) hostSockets.deliver(token, events);
    else outside?.deliver(token, events);
  }

  // ── requests ──

  handle(request: Request, fds: readonly number[]): unknown {
    switch (request.call) {
      case 'boot':
        return this.#boot(request.spec, fds);
      case 'spawn':
        return this.#spawn(request.process, fds);
      case 'signal':
        return this.#signal(request.pid, request.signal, request.scope);
      case 'resize':
        return this.#resize(request.pid, request.rows, request.columns);
      case 'stats':
        return this.#stats(request.collect);
      case 'changes':
        return this.#booted.changes.handle(request.request);
      case 'network-update':
      case 'network-publish':
      case 'network-unpublish':
      case 'network-connections':
      case 'network-answer':
      case 'network-end':
        return this.#network(request);
      default:
        throw new RequestError({
          code: 'ERR_SANDBOX_PROTOCOL',
          message: `unknown request '${String((request as Request).call)}'`,
        });
    }
  }

  #boot(spec: SandboxSpec, fds: readonly number[]): unknown {
    const machine = bootMachine(this.#side, spec, fds, this);
    this.#machine = machine;
    if (spec.straceFd >= 0 && fds[spec.straceFd] !== undefined) {
      machine.kernel.observer = new Strace(
        this.#side.host,
        fds[spec.straceFd] as number,
        SYSCALL_ROWS,
        wantedCalls(spec.strace),
      );
    }
    return { platform: machine.platform.name };
  }

  get #booted(): Machine {
    if (this.#machine !== null) return this.#machine;
    throw new RequestError({ code: 'ERR_SANDBOX_PROTOCOL', message: 'the sandbox is not booted' });
  }

  #spawn(spec: ProcessSpec, fds: readonly number[]): number {
    const machine = this.#booted;
    const { kernel } = machine;
    const credentials = new Credentials(
      spec.uid,
      spec.gid,
      spec.groups,
      kernel.users.get(spec.uid),
      kernel.userNamespace,
    );
    const caller = this.#callerAt(machine, spec, credentials);
    const relay = spec.terminal === undefined ? null : this.#openTerminal(machine, caller, spec, fds);
    if (relay === null) this.#installStdio(caller, spec.stdio, fds);
    const argv = spec.argv.map(latin1OfUtf8);
    const envp = spec.env.map(latin1OfUtf8);
    const searchPath = envp.find((line) => line.startsWith('PATH='))?.slice('PATH='.length) ?? '';
    const path = findProgram(caller, argv[0] ?? '', searchPath);
    const task =
      typeof path === 'number'
        ? path
        : startProcess(kernel, {
            path,
            argv,
            envp,
            uid: spec.uid,
            gid: spec.gid,
            groups: spec.groups,
            fs: caller.fs,
            files: caller.files,
            killable: true,
            credentials,
          });
    if (typeof task === 'number') {
      caller.files.release();
      caller.fs.release();
      throw execError(spec.argv[0] ?? '', -task);
    }
    if (relay !== null) {
      relay.terminal.acquire(task, false);
      this.#relays.set(task.group.pid, relay);
    }
    this.#started.add(task.group);
    return task.group.pid;
  }

  #callerAt(
    machine: Machine,
    spec: ProcessSpec,
    credentials: Credentials,
  ): FileCaller & { readonly fs: FsContext } {
    // Programs may have put another root in place of the first (pivot_root).
    const top = machine.namespace.entrance();
    const fs = new FsContext(machine.kernel.vfs, top, top, 0o022);
    const caller = { fs, files: new FdTable(), credentials };
    const { walker } = machine.kernel.vfs;
    const found = walker.lookup(caller, AT_FDCWD, latin1OfUtf8(spec.cwd), WALK_FOLLOW | WALK_DIRECTORY);
    if (found !== 0) {
      const errno = errnoName(-found);
      throw new RequestError({
        code: 'ERR_SANDBOX_OPTION',
        message: `can't start in '${spec.cwd}': ${errno}`,
        hint: 'choose a directory that exists in the sandbox',
        errno,
        path: spec.cwd,
      });
    }
    fs.setCwd(new Location(walker.mount, walker.dentry));
    return caller;
  }

  #installStdio(caller: FileCaller, stdio: readonly number[], fds: readonly number[]): void {
    for (let stream = 0; stream < 3; stream++) {
      caller.files.installAt(stream, this.#hostStream(caller, fds[stdio[stream] ?? -1], stream), false);
    }
  }

  /** A new terminal as all three streams, relayed to the host's descriptors. */
  #openTerminal(
    machine: Machine,
    caller: FileCaller,
    spec: ProcessSpec,
    fds: readonly number[],
  ): TerminalRelay {
    const { kernel } = machine;
    const terminal = kernel.ptys.create(spec.uid, spec.gid);
    if (typeof terminal === 'number') {
      throw new RequestError({
        code: 'ERR_SANDBOX_LIMIT',
        message: 'no terminal is left',
        hint: 'end other processes that use one',
      });
    }
    terminal.locked = false;
    terminal.resize(spec.terminal?.rows ?? 24, spec.terminal?.columns ?? 80, 0, 0);
    const input = this.#hostStream(caller, fds[spec.stdio[0]], 0);
    const output = this.#hostStream(caller, fds[spec.stdio[1]], 1);
    for (let stream = 0; stream < 3; stream++) {
      const file = openFile(machine.caller, AT_FDCWD, `/dev/pts/${terminal.index}`, O_RDWR | O_NOCTTY, 0);
      if (typeof file === 'number') throw streamError(stream, file);
      caller.files.installAt(stream, file, false);
    }
    return new TerminalRelay(terminal, input, output);
  }

  #hostStream(caller: FileCaller, fd: number | undefined, stream: number): FileDescription {
    const file =
      fd === undefined ? openFile(caller, AT_FDCWD, '/dev/null', O_RDWR, 0) : this.#streams.open(caller, fd);
    if (typeof file === 'number') throw streamError(stream, file);
    return file;
  }

  #resize(pid: number, rows: number, columns: number): null {
    const relay = this.#relays.get(pid);
    if (relay === undefined) {
      throw new RequestError({
        code: 'ERR_SANDBOX_OPTION',
        message: 'the process has no terminal',
        hint: 'start it with one',
      });
    }
    relay.terminal.resize(rows & 0xffff, columns & 0xffff, 0, 0);
    return null;
  }

  #signal(pid: number, signal: number, scope: SignalScope): number {
    const { kernel } = this.#booted;
    let count = 0;
    for (const task of [...kernel.processes.tasks.values()]) {
      if (!task.isLeader || !inScope(task, pid, scope)) continue;
      if (signal !== 0) sendToGroup(task.group, kernelSignal(signal));
      count++;
    }
    return count;
  }

  #network(request: NetworkRequest): unknown {
    const { outside, kernel } = this.#booted;
    // Programs that go on would be waited for in vain.
    if (request.call === 'network-end' && !request.now && hasLife(kernel)) return 0;
    if (outside !== null) return outside.handle(request);
    throw new RequestError({
      code: 'ERR_SANDBOX_NETWORK',
      message: 'the sandbox has no network beside loopback',
      hint: "create it with the option network: 'user'",
    });
  }

  #stats(collect: boolean): Record<string, number> {
    if (collect) collectGarbage();
    return { ...liveCounters(this.#booted, this.#side), unknownCalls: this.#unknownCalls };
  }

  // ── what the kernel tells ──

  unknownCall(): void {
    this.#unknownCalls++;
  }

  initExited(): void {}

  processStarted(): void {}

  /** An application that does not listen loses events: a guest makes them, so they may not pile up. */
  networkTells(notice: NetworkNotice): void {
    if (notice.event === 'network' && this.#server.waiting > MAX_WAITING_EVENTS) return;
    this.#server.notify(notice);
  }

  executed(): void {}

  outOfMemory(victim: ThreadGroup, note: string): void {
    this.#server.notify({ event: 'oom', pid: victim.pid, note });
  }

  /** A leak ends a sandbox under test: nothing else would be noticed. */
  #checkLeaks(): void {
    if (process.env.SANDBOX_LEAK_CHECK === undefined || this.#machine === null) return;
    const leaks = findLeaks(this.#machine);
    if (leaks !== '') throw new Error(leaks);
  }

  /** From now on the host may want it back. */
  memoryFreed(): void {
    const { pressure, watcher } = this.#side;
    for (const fd of pressure.arm()) watcher.add(fd, EPOLLPRI | EPOLLET, PRESSURE_TOKEN);
  }

  taskForgotten(task: Task): void {
    this.#machine?.kernel.taskNames.forget(task);
  }

  processExited(group: ThreadGroup, status: number): void {
    if (!this.#started.delete(group)) return;
    this.#checkLeaks();
    this.#relays.get(group.pid)?.pump();
    this.#relays.delete(group.pid);
    const usage = usageOfGroup(group);
    const signal = status & 0x7f;
    this.#server.notify({
      event: 'exit',
      pid: group.pid,
      exitCode: signal === 0 ? (status >>> 8) & 0xff : null,
      signal: signal === 0 ? null : signal,
      usage: {
        userMs: usage.userNanos / NANOS_PER_MILLI,
        systemMs: usage.systemNanos / NANOS_PER_MILLI,
        maxRssBytes: usage.maxRss * 1024,
      },
    });
  }
}

function streamError(stream: number, error: number): RequestError {
  return new RequestError({
    code: 'ERR_SANDBOX_OPTION',
    message: `stream ${stream} can't be used: ${errnoName(-error)}`,
    hint: 'pass an open file, pipe, socket or terminal',
  });
}

function hasLife(kernel: SentryKernel): boolean {
  for (const task of kernel.processes.tasks.values()) if (task.state < TASK_ZOMBIE) return true;
  return false;
}

function inScope(task: Task, pid: number, scope: SignalScope): boolean {
  if (scope === 'all') return true;
  if (scope === 'process') return task.group.pid === pid;
  if (scope === 'group') return task.group.processGroup.pgid === pid;
  for (let group: ThreadGroup | null = task.group; group !== null; group = group.parent)
    if (group.pid === pid) return true;
  return task.group.processGroup.session.sid === pid;
}

function wantedCalls(names: readonly string[]): ReadonlySet<number> | null {
  if (names.includes('all')) return null;
  const wanted = new Set<number>();
  for (const name of names) {
    const row = SYSCALL_ROWS.find((candidate) => candidate?.name === name);
    if (row === undefined) {
      throw new RequestError({
        code: 'ERR_SANDBOX_OPTION',
        message: `there is no system call '${name}' to trace`,
        hint: "use names such as openat,read, or 'all'",
      });
    }
    wanted.add(row.nr);
  }
  return wanted;
}

function execError(program: string, error: number): RequestError {
  const errno = errnoName(error);
  const table = constants.errno as Readonly<Record<string, number>>;
  const hint =
    errno === 'ENOENT'
      ? 'the program, or the interpreter that it names, does not exist in the sandbox'
      : errno === 'EACCES'
        ? 'it must be a regular file with execute permission'
        : errno === 'ENOEXEC'
          ? 'it is neither an x86-64 ELF file nor a script that starts with #!'
          : `execve(2) explains ${errno}${table[errno] === undefined ? '' : ` (${table[errno]})`}`;
  return new RequestError({
    code: 'ERR_SANDBOX_EXEC',
    message: `can't run '${program}': ${errno}`,
    hint,
    errno,
    path: program,
  });
}
