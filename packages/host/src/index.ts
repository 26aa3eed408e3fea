export { connectUnix, HostCallError, makePipe, makeSocketPair, sendDescriptors } from './application.js';
export { HostConfinement } from './confinement.js';
export {
  FIONREAD,
  HostDescriptors,
  TCGETS,
  TCSETS,
  TCSETSF,
  TCSETSW,
  TIOCGWINSZ,
  TIOCOUTQ,
  TIOCSWINSZ,
} from './descriptors.js';
export { HostDirectory } from './directory.js';
export {
  DATA,
  DATA_SIZE,
  Door,
  MAX_SEGMENTS,
  type NativeHost,
  openDoor,
  PAGE_BUFFER,
  PATH_A,
  PATH_AREA,
  PATH_B,
  SEGMENTS,
} from './door.js';
export { type Bell, EventWatcher, startEventWatcher } from './event-watcher.js';
export { HostGuestSockets } from './guest-sockets.js';
export { Host, openHost } from './host.js';
export { HostInetSockets, MAX_INET_ADDRESS } from './inet-sockets.js';
export { HostInotify } from './inotify.js';
export { CHUNK_BYTES, createMemoryFile, MemoryFile } from './memory-file.js';
export {
  MemoryPressure,
  openMemoryPressure,
  type PressurePlaces,
  pressurePlaces,
} from './memory-pressure.js';
export {
  HostPaths,
  type HostTimes,
  RESOLVE_BENEATH,
  RESOLVE_IN_ROOT,
  RESOLVE_NO_MAGICLINKS,
  RESOLVE_NO_SYMLINKS,
  RESOLVE_NO_XDEV,
  UTIME_NOW,
  UTIME_OMIT,
} from './paths.js';
export { HostProbes } from './probes.js';
export { HostProcesses, type Spawned, type SpawnOptions } from './processes.js';
export { HostSockets, MAX_DESCRIPTORS } from './sockets.js';
export { HostStat, HostStatfs, HostStats } from './stat.js';
export { HostSystem, UNLIMITED } from './system.js';
export { startTimeKeeper, TimeKeeper } from './time-keeper.js';
export { HostTransfer, type Segments } from './transfer.js';
export { readVdso } from './vdso.js';
export { HostXattrs, type XattrTarget } from './xattr.js';
