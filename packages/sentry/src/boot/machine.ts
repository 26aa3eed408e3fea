// Puts a sandbox together: memory file, platform, file tree, kernel. Each step that the host may refuse says so in words.
import { availableParallelism, totalmem } from 'node:os';
import { errnoName } from '@sandbox-kernel/abi';
import type { Platform } from '@sandbox-kernel/contracts';
import { HostWatches } from '@sandbox-kernel/gofer';
import {
  createMemoryFile,
  type EventWatcher,
  type Host,
  type MemoryFile as HostMemoryFile,
  type MemoryPressure,
  openDoor,
  openHost,
  openMemoryPressure,
  readVdso,
  startEventWatcher,
  startTimeKeeper,
  type TimeKeeper,
} from '@sandbox-kernel/host';
import { Credentials, type KernelEvents, VfsPrograms } from '@sandbox-kernel/kernel';
import { MemoryFile } from '@sandbox-kernel/mm';
import {
  FdTable,
  type FileCaller,
  FsContext,
  type Mount,
  type MountNamespace,
  Vfs,
} from '@sandbox-kernel/vfs';
import { ChangeService } from '../changes/change-service.js';
import type { SandboxSpec } from '../control/messages.js';
import type { NetworkNotice } from '../control/network-messages.js';
import { mountNetworkFiles } from '../net/files.js';
import { tellFilterLog } from '../net/filter-log.js';
import { HostSockets, hostPlan } from '../net/host-sockets.js';
import type { SandboxNetwork } from '../net/network.js';
import { Outside } from '../net/outside.js';
import { syscallHandlers } from '../syscalls/table.js';
import { createClock, type SandboxClock, StepClock } from './clock.js';
import { HostBacking } from './host-backing.js';
import { openPlatform } from './platform.js';
import { HostRandom } from './random.js';
import { SeededRandom } from './seeded-random.js';
import { SentryKernel } from './sentry-kernel.js';
import { createRoot, mountAll } from './tree.js';
import { loadVdso } from './vdso.js';

/** Token of host inotify among host events: far above those of streams. */
export const WATCHES_TOKEN = 0x7fffffff;

/** What exists before a spec is known. */
export interface HostSide {
  readonly host: Host;
  readonly memory: HostMemoryFile;
  readonly watcher: EventWatcher;
  /** Changes to shared host trees: events of WATCHES_TOKEN. */
  readonly watches: HostWatches;
  readonly keeper: TimeKeeper;
  /** The vDSO's file, read while the host's files are there. */
  readonly vdso: Uint8Array | null;
  readonly pressure: MemoryPressure;
}

export interface Machine {
  readonly kernel: SentryKernel;
  readonly platform: Platform;
  readonly network: SandboxNetwork;
  /** What the network's link leads to; null: there is only loopback. */
  readonly outside: Outside | null;
  /** Of mode `host`: the sockets of this machine behind the guest's. */
  readonly hostSockets: HostSockets | null;
  readonly clock: SandboxClock;
  /** The mount that the sandbox began with. */
  readonly top: Mount;
  /** All that is mounted; programs may have taken `top` out of it. */
  readonly namespace: MountNamespace;
  /** Root's view of the tree: where processes start from. */
  readonly caller: FileCaller;
  /** What programs change in the root. */
  readonly changes: ChangeService;
}

export function openHostSide(): HostSide {
  const door = openDoor();
  const memory = createMemoryFile(door);
  if (typeof memory === 'number') throw new Error(`memfd_create: ${errnoName(-memory)}`);
  const watcher = startEventWatcher(door);
  if (typeof watcher === 'number') throw new Error(`epoll: ${errnoName(-watcher)}`);
  const keeper = startTimeKeeper(door, process.env.SANDBOX_TSC !== 'off');
  if (typeof keeper === 'number') throw new Error(`clock: ${errnoName(-keeper)}`);
  const host = openHost(memory);
  return {
    host,
    memory,
    watcher,
    watches: new HostWatches(host, watcher, WATCHES_TOKEN),
    keeper,
    vdso: readVdso(door),
    pressure: openMemoryPressure(door),
  };
}

export interface MachineEvents extends KernelEvents {
  networkTells(notice: NetworkNotice): void;
}

/** `fds`: the descriptors that the spec's indexes mean. */
export function bootMachine(
  side: HostSide,
  spec: SandboxSpec,
  fds: readonly number[],
  events: MachineEvents,
): Machine {
  const clock = createClock(side.keeper, spec.time);
  const random = spec.seed < 0 ? new HostRandom(side.host.door) : new SeededRandom(spec.seed);
  const limit = spec.memoryLimit > 0 ? spec.memoryLimit : totalmem();
  const memoryFile = new MemoryFile(new HostBacking(side.memory), { limit, total: totalmem() });
  const vfs = new Vfs({ clock, random, pages: memoryFile });
  const platform = openPlatform(side, spec);
  vfs.donatedFiles = platform;
  const processors = availableParallelism();
  const options = {
    handlers: syscallHandlers(),
    processors,
    vdso: loadVdso(side.vdso, side.keeper, memoryFile, side.memory, processors),
    hostname: spec.hostname,
    ...(spec.pidsLimit > 0 ? { taskLimit: spec.pidsLimit } : {}),
  };
  const programs = new VfsPrograms();
  const kernel = new SentryKernel({ platform, clock, random, memoryFile, programs }, options, vfs);
  kernel.events = events;
  if (clock instanceof StepClock) clock.isBusy = () => kernel.isBusy();
  if (random instanceof SeededRandom) random.currentTask = () => kernel.current?.tid ?? 0;
  tellFilterLog(kernel, (notice) => events.networkTells(notice));
  const outside = openOutside(side, spec, fds, kernel, events);
  if (outside !== null) kernel.network.join(outside);
  const hostSockets = spec.network.mode === 'host' ? new HostSockets(side, kernel) : null;
  const top = createRoot(side.host, kernel, vfs, spec);
  const caller: FileCaller = {
    fs: new FsContext(vfs, top, top, 0o022),
    files: new FdTable(),
    credentials: new Credentials(0, 0, [], kernel.users.get(0), kernel.userNamespace),
  };
  mountAll(side, kernel, caller, spec);
  if (outside !== null) mountNetworkFiles(caller, outside.plan, spec.hostname);
  if (hostSockets !== null) mountNetworkFiles(caller, hostPlan(spec.network.nameServers), spec.hostname);
  const changes = new ChangeService(top.mount.superblock);
  const namespace = top.mount.namespace!;
  const root = top.mount;
  return {
    kernel,
    platform,
    network: kernel.network,
    outside,
    hostSockets,
    clock,
    top: root,
    namespace,
    caller,
    changes,
  };
}

function openOutside(
  side: HostSide,
  spec: SandboxSpec,
  fds: readonly number[],
  kernel: SentryKernel,
  events: MachineEvents,
): Outside | null {
  if (spec.network.mode === 'none' || spec.network.mode === 'host') return null;
  const word = new Uint8Array(4);
  const view = new DataView(word.buffer);
  const next32 = (): number => {
    kernel.random.fill(word, 0, 4);
    return view.getUint32(0);
  };
  return new Outside(spec.network, {
    side,
    random: { next32 },
    fds,
    now: () => kernel.clock.monotonic(),
    tell: (notice) => events.networkTells(notice),
  });
}
