// Every public name, one by one.

export { isAclName } from './acl/inode-acl.js';
export { checkAcl, encodeAcl, isValidAcl, modeOfAcl, type PosixAcl, parseAcl } from './acl/posix-acl.js';
export {
  ANONYMOUS_INODE_OPS,
  createAnonymousFile,
  createNamelessFilesystem,
  openNameless,
} from './anon/anonymous.js';
export { controlEpoll, createEpoll, Epoll, type EpollItem, type EpollSink, epollOf } from './anon/epoll.js';
export { createEventFd, EventFd } from './anon/eventfd.js';
export { createMemfd } from './anon/memfd.js';
export {
  createSignalFd,
  createTimerFd,
  SignalFd,
  type SignalSource,
  signalsOf,
  TimerFd,
  type TimerSource,
  timerOf,
} from './anon/timerfd.js';
export {
  AttributeChange,
  applyChange,
  CHANGE_ATIME,
  CHANGE_ATTRIBUTES,
  CHANGE_CTIME,
  CHANGE_GID,
  CHANGE_MODE,
  CHANGE_MTIME,
  CHANGE_SIZE,
  CHANGE_UID,
} from './attribute-change.js';
export {
  FMODE_CREATED,
  FMODE_INTERNAL,
  FMODE_PATH,
  FMODE_READ,
  FMODE_SEEK,
  FMODE_WRITE,
  FMODE_WRITER,
  MAX_FILE_SIZE,
  MAY_EXEC,
  MAY_READ,
  MAY_WRITE,
  WALK_DIRECTORY,
  WALK_EMPTY,
  WALK_FOLLOW,
} from './constants.js';
export { Dentry } from './dentry.js';
export { DentryCache } from './dentry-cache.js';
export { addDeviceNode, createDevfs, DEVTMPFS_TYPE } from './devfs/devfs.js';
export { registerMemoryDevices } from './devfs/memory-devices.js';
export { type DeviceDriver, DeviceRegistry, majorOf, makeDevice, minorOf } from './device-registry.js';
export { DirectoryOps, emitDots, LISTED_DIRECTORY_OPS } from './directory-ops.js';
export type { DirectorySink } from './directory-sink.js';
export { EntryList } from './entry-list.js';
export { Dirent } from './facade/dirent.js';
export { FileHandle, type Moment } from './facade/file-handle.js';
export { FileSystem, type FileSystemOptions, type FileSystemStats } from './facade/file-system.js';
export { FileSystemError } from './facade/file-system-error.js';
export { HeapPages } from './facade/heap-pages.js';
export { Stats } from './facade/stats.js';
export { FdTable } from './fd-table.js';
export { FileDescription, type FileWatcher } from './file-description.js';
export { ALWAYS_READY, FileOps, PATH_ONLY_OPS } from './file-ops.js';
export { fileName, placeOfFile } from './file-place.js';
export { type FileCaller, FsContext } from './fs-context.js';
export { Inode } from './inode.js';
export { InodeOps } from './inode-ops.js';
export { flock } from './locks/flock.js';
export { type InodeLocks, locksOf } from './locks/inode-locks.js';
export { breakLeases, getLease, leaseDeadline, setLease } from './locks/lease.js';
export { LockManager } from './locks/lock-manager.js';
export { findConflict, type RecordLock, releasePosixLocks, setRecordLock } from './locks/record-locks.js';
export { addRange, invalidateRanges, type MappedRange, removeRange } from './mappings.js';
export { FIRST_UNIQUE_ID, Location, Mount, releaseMount } from './mount.js';
export { COMMON_OPTIONS, createMountContext, MountContext, mountContextOf } from './mount-context.js';
export { MountNamespace } from './mount-namespace.js';
export { watchDirectory } from './notify/dnotify.js';
export { type FanotifyGroup, isInode, type Marked } from './notify/fanotify.js';
export { createFanotify, fanotifyOf } from './notify/fanotify-file.js';
export { askToExecute, askToRead, forgetAsked, PERMISSION_EVENTS } from './notify/fanotify-permission.js';
export { type FileSignals, NotifyHub } from './notify/hub.js';
export { createInotify, Inotify, inotifyOf, watchFollows, watchNeedsDirectory } from './notify/inotify.js';
export { tellWatches } from './notify/notify.js';
export type { RemoteWatch } from './notify/watch-list.js';
export {
  allocateFile,
  changeMode,
  changeModeOf,
  changeOwner,
  changeOwnerOf,
  setTimes,
  setTimesOf,
  TIME_NOW,
  TIME_OMIT,
  truncateFile,
  truncatePath,
} from './ops/attributes.js';
export { createEntry, makeDirectory, makeNode, makeSymlink, walkToNew } from './ops/create.js';
export { decodeHandle, encodeHandle, HANDLE_SIZE, HANDLE_TYPE } from './ops/handles.js';
export { linkFile } from './ops/link.js';
export {
  attributesOfMount,
  describeDetached,
  flagsOfAttributes,
  setMountAttributes,
} from './ops/mount-attributes.js';
export {
  attachMount,
  bindMount,
  copyNamespace,
  copyTree,
  createNamespace,
  dropTree,
  moveBeneath,
  moveMount,
  newMount,
  pivotRoot,
  remount,
  setPeerGroup,
  setPropagation,
  treeOf,
  unmount,
} from './ops/mounts.js';
export {
  allowWrite,
  denyWrite,
  openAllowed,
  openDentry,
  openFile,
  openInternal,
  openWatched,
  pathDescription,
} from './ops/open.js';
export {
  readDirectory,
  readFile,
  readFileAt,
  seekFile,
  shorten,
  syncFile,
  writeFile,
  writeFileAt,
} from './ops/read-write.js';
export { removeDirectory, unlinkFile } from './ops/remove.js';
export { renameFile } from './ops/rename.js';
export {
  checkSendSource,
  copyBetween,
  copyFileRange,
  NEGATIVE_OFFSET,
  sendFile,
  spliceFiles,
  teePipes,
  vmsplice,
} from './ops/splice.js';
export {
  checkAccess,
  readLink,
  statFile,
  statfsFile,
  statfsPath,
  statInode,
  statPath,
  walkFlags,
} from './ops/stat.js';
export {
  getFileXattr,
  getXattr,
  listFileXattrs,
  listXattrs,
  removeFileXattr,
  removeXattr,
  setFileXattr,
  setXattr,
} from './ops/xattr.js';
export {
  type ChangeKind,
  type ChangeOptions,
  type OverlayChange,
  overlayChanges,
  releaseChanges,
  sameAttributes,
  sameXattrs,
  xattrNames,
} from './overlay/changes.js';
export { discardChanges, rebaseChange } from './overlay/discard.js';
export type { LowerIdentity } from './overlay/origins.js';
export { createOverlay, createOverlayOn, type OverlayOptions } from './overlay/overlay.js';
export { OVERLAY_TYPE } from './overlay/overlay-type.js';
export { PageCache, type PageSource } from './page-cache.js';
export { mountAt, PathWalker } from './path-walk.js';
export { INODE_IMMUTABLE, inGroup, isOwner, permission, writableMount } from './permission.js';
export { createPipe } from './pipe/create-pipe.js';
export { fifoMustWait } from './pipe/fifo.js';
export { Pipe } from './pipe/pipe.js';
export { pipeOf } from './pipe/pipe-ops.js';
export { currentDirectory, isDeleted, placeName } from './place-name.js';
export { PlainFilesystem } from './plain-filesystem.js';
export { PeerGroup } from './propagation.js';
export { latin1Bytes } from './pseudo/pseudo-files.js';
export { createPseudoFilesystem, type PseudoOptions } from './pseudo/pseudo-filesystem.js';
export {
  NumberKnob,
  PseudoDirectory,
  PseudoFile,
  PseudoLink,
  PseudoNode,
  PseudoSpecial,
  StaticFile,
  StaticLink,
  TextKnob,
} from './pseudo/pseudo-node.js';
export { ByteSegments, copyBytes, gather, scatter, scatterZeros } from './segments.js';
export { StatData, StatfsData } from './stat.js';
export { type Filesystem, Superblock } from './superblock.js';
export { stampChanged, stampModified, stampNew, touchAtime } from './times.js';
export { createTmpfs, parseTmpfsOptions, TMPFS_TYPE, type TmpfsOptions } from './tmpfs/tmpfs.js';
export { TmpfsFile } from './tmpfs/tmpfs-file.js';
export { tmpfsFileOf } from './tmpfs/tmpfs-ops.js';
export { tmpfsPages } from './tmpfs/tmpfs-pages.js';
export { type DonatedFiles, type FilesystemType, Vfs, type VfsOptions } from './vfs.js';
export { WaitNode, WaitQueue } from './wait-queue.js';
