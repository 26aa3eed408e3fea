// Host descriptors handed to the sandbox as open files: stdin, stdout and stderr, whatever they are (pipe, terminal, socket, file). The
// descriptor is shared with processes outside, so its O_NONBLOCK is left alone: transfers ask for RWF_NOWAIT or poll first.
import {
  EAGAIN,
  EBADF,
  EFAULT,
  EINVAL,
  ENOTTY,
  EOPNOTSUPP,
  ESPIPE,
  O_ACCMODE,
  O_APPEND,
  O_RDONLY,
  O_WRONLY,
  POLLERR,
  POLLHUP,
  POLLIN,
  POLLOUT,
  RWF_NOWAIT,
  S_IFCHR,
  S_IFIFO,
  S_IFMT,
  S_IFREG,
  S_IFSOCK,
  S_IRUSR,
  S_IWUSR,
} from '@sandbox-kernel/abi';
import type { Caller, IoSegments } from '@sandbox-kernel/contracts';
import {
  type EventWatcher,
  FIONREAD,
  type Host,
  HostStat,
  TCGETS,
  TCSETS,
  TCSETSF,
  TCSETSW,
  TIOCGWINSZ,
  TIOCOUTQ,
  TIOCSWINSZ,
} from '@sandbox-kernel/host';
import {
  ByteSegments,
  createAnonymousFile,
  type FileCaller,
  type FileDescription,
  FileOps,
  FMODE_SEEK,
  type Inode,
  InodeOps,
  makeDevice,
  type WaitNode,
  WaitQueue,
} from '@sandbox-kernel/vfs';

const EPOLLET = 1 << 31;
const WATCHED = POLLIN | POLLOUT | EPOLLET;
const PIPE_BUF = 4096;
/** sizeof(struct termios) as the kernel has it, and of struct winsize. */
const TERMIOS_SIZE = 36;
const WINSIZE_SIZE = 8;

class HostStream {
  readonly streams: HostStreams;
  readonly fd: number;
  readonly token: number;
  readonly queue: WaitQueue;
  readonly regular: boolean;
  /** The host refused RWF_NOWAIT for it: poll first. */
  polls: boolean;
  /** Open files over it: it is opened again through /dev/stdout and /proc/PID/fd. */
  users: number;
  /** Of a regular file: the guest's position after its last transfer. Elsewhere it has moved by itself. */
  position: number;

  constructor(streams: HostStreams, fd: number, token: number, regular: boolean) {
    this.streams = streams;
    this.fd = fd;
    this.token = token;
    this.queue = new WaitQueue();
    this.regular = regular;
    this.polls = false;
    this.users = 1;
    this.position = 0;
  }
}

/** All streams of one sentry. The loop gives events of its watcher to `deliver`. */
export class HostStreams {
  readonly host: Host;
  private readonly watcher: EventWatcher | null;
  private readonly streams: Map<number, HostStream>;
  private nextToken: number;

  /** @param firstToken tokens from here on are these streams' */
  constructor(host: Host, watcher: EventWatcher | null, firstToken: number) {
    this.host = host;
    this.watcher = watcher;
    this.streams = new Map();
    this.nextToken = firstToken;
  }

  /** An open file over a host descriptor, which it owns from now on; or -errno. */
  open(caller: FileCaller, fd: number): FileDescription | number {
    const stat = new HostStat();
    const found = this.host.stats.fstat(fd, stat);
    if (found !== 0) return found;
    const flags = this.host.descriptors.getStatusFlags(fd);
    if (flags < 0) return flags;
    const regular = (stat.mode & S_IFMT) === S_IFREG;
    const stream = new HostStream(this, fd, this.nextToken++, regular);
    const access = flags & O_ACCMODE;
    const kept = access | (flags & O_APPEND);
    const file = createAnonymousFile(
      caller,
      HOST_STREAM_OPS,
      kept,
      stream,
      guestMode(stat),
      HOST_STREAM_INODE_OPS,
    );
    const inode = file.inode!;
    inode.data = stream;
    inode.uid = stat.uid;
    inode.gid = stat.gid;
    inode.size = stat.size;
    inode.rdev = makeDevice(stat.rdevMajor, stat.rdevMinor);
    inode.mtime = stat.modifySeconds;
    inode.mtimeNanos = stat.modifyNanos;
    if (regular) file.mode |= FMODE_SEEK;
    file.position = regular ? Math.max(this.host.descriptors.lseek(fd, 0, 1), 0) : 0;
    stream.position = file.position;
    this.streams.set(stream.token, stream);
    if (this.watcher !== null && !regular) this.watcher.add(fd, WATCHED, stream.token);
    return file;
  }

  /** True when the token was one of ours. */
  deliver(token: number, events: number): boolean {
    const stream = this.streams.get(token);
    if (stream === undefined) return false;
    stream.queue.wake((events & 0x7fff) | POLLERR | POLLHUP);
    return true;
  }

  close(stream: HostStream): void {
    if (--stream.users > 0) return;
    this.streams.delete(stream.token);
    if (this.watcher !== null && !stream.regular) this.watcher.remove(stream.fd);
    this.host.descriptors.close(stream.fd);
  }
}

/** No socket call works on these: a program that sees S_IFSOCK and asks for the kind of socket would take the stream for unusable. */
function guestMode(stat: HostStat): number {
  return (stat.mode & S_IFMT) === S_IFSOCK ? S_IFIFO | S_IRUSR | S_IWUSR : stat.mode;
}

class HostStreamOps extends FileOps {
  override signalsReadiness(): boolean {
    return true;
  }

  override label(file: FileDescription): string {
    const stream = file.data as HostStream;
    if (stream.regular) return '/stdio';
    const type = (file.inode?.mode ?? 0) & S_IFMT;
    const number = file.inode?.number ?? 0;
    return type === S_IFCHR ? '/dev/console' : `pipe:[${number}]`;
  }

  override read(file: FileDescription, io: IoSegments, offset: number): number {
    const stream = file.data as HostStream;
    if ((file.flags & O_ACCMODE) === O_WRONLY) return -EBADF;
    const { host } = stream.streams;
    if (stream.regular) {
      const done = host.transfer.readSegments(stream.fd, io, this.#place(file, stream, offset), 0);
      return this.#moved(file, stream, offset, done);
    }
    if (!stream.polls) {
      const done = host.transfer.readSegments(stream.fd, io, -1, RWF_NOWAIT);
      if (done !== -EOPNOTSUPP && done !== -ESPIPE && done !== -EINVAL) return done;
      stream.polls = true;
    }
    const ready = host.descriptors.poll(stream.fd, POLLIN);
    if (ready < 0) return ready;
    return ready === 0 ? -EAGAIN : host.transfer.readSegments(stream.fd, io, -1, 0);
  }

  override write(file: FileDescription, io: IoSegments, offset: number): number {
    const stream = file.data as HostStream;
    if ((file.flags & O_ACCMODE) === O_RDONLY) return -EBADF;
    const { host } = stream.streams;
    if (stream.regular) {
      const done = host.transfer.writeSegments(stream.fd, io, this.#place(file, stream, offset), 0);
      return this.#moved(file, stream, offset, done);
    }
    if (!stream.polls) {
      const done = host.transfer.writeSegments(stream.fd, io, -1, RWF_NOWAIT);
      if (done !== -EOPNOTSUPP && done !== -ESPIPE && done !== -EINVAL) return done;
      stream.polls = true;
    }
    return writeSmall(stream, io);
  }

  /**
   * -1 for the current position, which is the host's own: others move it too, be it host processes (`{ run …; echo; } > file`) or the other
   * stream of `> file 2>&1`. Only where the guest has gone elsewhere does the host's follow.
   */
  #place(file: FileDescription, stream: HostStream, offset: number): number {
    const appends = (file.flags & O_APPEND) !== 0;
    if (offset !== file.position && !appends) return offset;
    if (appends || offset !== stream.position) stream.streams.host.descriptors.lseek(stream.fd, offset, 0);
    return -1;
  }

  #moved(file: FileDescription, stream: HostStream, offset: number, done: number): number {
    if (offset === file.position && done > 0) stream.position = offset + done;
    return done;
  }

  override poll(file: FileDescription): number {
    const stream = file.data as HostStream;
    if (stream.regular) return super.poll(file);
    const ready = stream.streams.host.descriptors.poll(stream.fd, POLLIN | POLLOUT);
    return ready < 0
      ? POLLERR
      : ready | ((ready & POLLIN) !== 0 ? 0x40 : 0) | ((ready & POLLOUT) !== 0 ? 0x100 : 0);
  }

  override pollable(file: FileDescription): boolean {
    return !(file.data as HostStream).regular;
  }

  override addWaiter(file: FileDescription, entry: WaitNode): void {
    (file.data as HostStream).queue.add(entry);
  }

  override ioctl(file: FileDescription, caller: Caller, request: number, argument: number): number {
    const stream = file.data as HostStream;
    const { descriptors } = stream.streams.host;
    switch (request >>> 0) {
      case FIONREAD:
      case TIOCOUTQ: {
        const value = descriptors.ioctlInt(stream.fd, request);
        return value < 0 ? value : caller.memory.writeU32(argument, value);
      }
      case TCGETS:
        return fetch(stream, caller, request, argument, TERMIOS_SIZE);
      case TIOCGWINSZ:
        return fetch(stream, caller, request, argument, WINSIZE_SIZE);
      case TCSETS:
      case TCSETSW:
      case TCSETSF:
        return store(stream, caller, request, argument, TERMIOS_SIZE);
      case TIOCSWINSZ:
        return store(stream, caller, request, argument, WINSIZE_SIZE);
      default:
        return -ENOTTY;
    }
  }

  override size(file: FileDescription): number {
    const stream = file.data as HostStream;
    if (!stream.regular) return -ESPIPE;
    const stat = new HostStat();
    const found = stream.streams.host.stats.fstat(stream.fd, stat);
    return found !== 0 ? found : stat.size;
  }

  override sync(file: FileDescription): number {
    const stream = file.data as HostStream;
    return stream.regular ? stream.streams.host.descriptors.sync(stream.fd) : -EINVAL;
  }

  override release(file: FileDescription): void {
    const stream = file.data as HostStream;
    stream.streams.close(stream);
  }
}

const HOST_STREAM_OPS: FileOps = new HostStreamOps();

/** Opened again: the same host descriptor, within the rights that it has. */
class HostStreamInodeOps extends InodeOps {
  override open(inode: Inode, file: FileDescription): number {
    const stream = inode.data as HostStream;
    stream.users++;
    file.ops = HOST_STREAM_OPS;
    file.data = stream;
    if (!stream.regular) file.mode &= ~FMODE_SEEK;
    return 0;
  }

  override change(): number {
    return 0;
  }
}

const HOST_STREAM_INODE_OPS = new HostStreamInodeOps();

/** A blocking descriptor takes at least PIPE_BUF bytes when poll says that it is writable. */
function writeSmall(stream: HostStream, io: IoSegments): number {
  const { host } = stream.streams;
  let done = 0;
  for (let i = 0; i < io.count; i++) {
    for (let at = 0; at < io.lengths[i]!; ) {
      const ready = host.descriptors.poll(stream.fd, POLLOUT);
      if (ready < 0) return done > 0 ? done : ready;
      if ((ready & (POLLOUT | POLLERR | POLLHUP)) === 0) return done > 0 ? done : -EAGAIN;
      const part = new ByteSegments();
      const size = Math.min(io.lengths[i]! - at, PIPE_BUF);
      const offset = io.fileOffsets[i]!;
      part.add(io.arrays[i]!, io.starts[i]! + at, size, offset < 0 ? -1 : offset + at);
      const written = host.transfer.writeSegments(stream.fd, part, -1, 0);
      if (written < 0) return done > 0 ? done : written;
      done += written;
      at += written;
      if (written < size) return done;
    }
  }
  return done;
}

function fetch(stream: HostStream, caller: Caller, request: number, argument: number, size: number): number {
  const bytes = new Uint8Array(size);
  const result = stream.streams.host.descriptors.ioctlStruct(stream.fd, request, bytes, size);
  if (result < 0) return result;
  return caller.memory.copyOut(argument, bytes, 0, size) === size ? 0 : -EFAULT;
}

function store(stream: HostStream, caller: Caller, request: number, argument: number, size: number): number {
  const bytes = new Uint8Array(size);
  if (caller.memory.copyIn(argument, bytes, 0, size) !== size) return -EFAULT;
  return stream.streams.host.descriptors.ioctlStruct(stream.fd, request, bytes, size);
}
