// All families over one door. The sentry makes one; so may a test.
import { HostConfinement } from './confinement.js';
import { HostDescriptors } from './descriptors.js';
import { HostDirectory } from './directory.js';
import { type Door, openDoor } from './door.js';
import { HostGuestSockets } from './guest-sockets.js';
import { HostInetSockets } from './inet-sockets.js';
import { HostInotify } from './inotify.js';
import type { MemoryFile } from './memory-file.js';
import { HostPaths } from './paths.js';
import { HostProbes } from './probes.js';
import { HostProcesses } from './processes.js';
import { HostSockets } from './sockets.js';
import { HostStats } from './stat.js';
import { HostSystem } from './system.js';
import { HostTransfer } from './transfer.js';
import { HostXattrs } from './xattr.js';

export class Host {
  readonly door: Door;
  readonly confinement: HostConfinement;
  readonly descriptors: HostDescriptors;
  readonly directory: HostDirectory;
  readonly guestSockets: HostGuestSockets;
  readonly inet: HostInetSockets;
  readonly inotify: HostInotify;
  readonly paths: HostPaths;
  readonly probes: HostProbes;
  readonly processes: HostProcesses;
  readonly sockets: HostSockets;
  readonly stats: HostStats;
  readonly system: HostSystem;
  readonly transfer: HostTransfer;
  readonly xattrs: HostXattrs;

  constructor(door: Door, memory: MemoryFile | null) {
    this.door = door;
    this.confinement = new HostConfinement(door);
    this.descriptors = new HostDescriptors(door);
    this.directory = new HostDirectory(door);
    this.guestSockets = new HostGuestSockets(door);
    this.inet = new HostInetSockets(door);
    this.inotify = new HostInotify(door);
    this.paths = new HostPaths(door);
    this.probes = new HostProbes(this);
    this.processes = new HostProcesses(door);
    this.sockets = new HostSockets(door);
    this.stats = new HostStats(door);
    this.system = new HostSystem(door);
    this.transfer = new HostTransfer(door, memory);
    this.xattrs = new HostXattrs(door);
  }
}

/** `memory`: what segments' file offsets mean in vectored transfers. */
export function openHost(memory: MemoryFile | null = null): Host {
  return new Host(openDoor(), memory);
}
