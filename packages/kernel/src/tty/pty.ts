// The two ends of a pseudoterminal as open files (pty(7), ptmx(4)), /dev/tty, and the devpts filesystem that names the slaves.
import {
  CAP_SYS_ADMIN,
  EAGAIN,
  EBUSY,
  EFAULT,
  EINVAL,
  EIO,
  ENOENT,
  ENOSPC,
  ENOTTY,
  ENXIO,
  O_ACCMODE,
  O_NOCTTY,
  O_NONBLOCK,
  RLIMIT_NOFILE,
  S_IFCHR,
  SIGINT,
  SIGQUIT,
  SIGTSTP,
  TIOCGPKT,
  TIOCGPTLCK,
  TIOCGPTN,
  TIOCGPTPEER,
  TIOCPKT,
  TIOCSIG,
  TIOCSPTLCK,
} from '@sandbox-kernel/abi';
import type { Caller, IoSegments } from '@sandbox-kernel/contracts';
import {
  createAnonymousFile,
  createPseudoFilesystem,
  type DeviceDriver,
  type FileDescription,
  FileOps,
  gather,
  openDentry,
  PseudoDirectory,
  PseudoSpecial,
  type Superblock,
  scatter,
  type Vfs,
  type WaitNode,
} from '@sandbox-kernel/vfs';
import type { Kernel } from '../kernel.js';
import { Task } from '../task.js';
import { Terminal } from './terminal.js';
import { terminalIoctl } from './terminal-ioctl.js';

const MOST_PTYS = 4096;
const COPY_BYTES = 4096;
const DEVPTS_MAGIC = 0x1cd1;
const TTY_MAJOR = 5;
const PTMX_MINOR = 2;
const PTS_MAJOR = 136;

/** All pseudoterminals of a kernel, by number. */
export class PtyTable {
  readonly kernel: Kernel;
  readonly terminals: Map<number, Terminal>;
  readonly nodes: Map<number, PtsNode>;

  constructor(kernel: Kernel) {
    this.kernel = kernel;
    this.terminals = new Map();
    this.nodes = new Map();
  }

  /** A new pair with its master open, or -ENOSPC when there are too many. The lowest free number, as in Linux. */
  create(uid: number, gid: number): Terminal | number {
    let index = 0;
    while (this.terminals.has(index)) index++;
    if (index >= MOST_PTYS) return -ENOSPC;
    const terminal = new Terminal(this.kernel, index);
    this.terminals.set(index, terminal);
    const node = new PtsNode(terminal);
    node.uid = uid;
    node.gid = gid;
    this.nodes.set(index, node);
    return terminal;
  }

  /** The master was closed. */
  remove(terminal: Terminal): void {
    terminal.masterOpen = false;
    this.terminals.delete(terminal.index);
    this.nodes.delete(terminal.index);
    terminal.hangUp();
  }
}

/** /dev/pts/N. */
export class PtsNode extends PseudoSpecial {
  readonly terminal: Terminal;

  constructor(terminal: Terminal) {
    super(0o620, S_IFCHR);
    this.terminal = terminal;
  }

  override refresh(): number {
    return this.terminal.masterOpen ? 0 : -ENOENT;
  }

  open(file: FileDescription): number {
    return openSlave(this.terminal, file);
  }
}

class PtsDirectory extends PseudoDirectory {
  private readonly table: PtyTable;

  constructor(table: PtyTable) {
    super(0o755);
    this.table = table;
  }

  override find(name: string): PtsNode | null {
    return /^\d+$/.test(name) ? (this.table.nodes.get(Number(name)) ?? null) : null;
  }

  override names(): string[] {
    return [...this.table.nodes.keys()].map(String);
  }
}

class PtmxNode extends PseudoSpecial {
  private readonly table: PtyTable;

  constructor(table: PtyTable) {
    super(0o666, S_IFCHR);
    this.table = table;
  }

  open(file: FileDescription): number {
    return openMaster(this.table, file);
  }
}

/** An instance of devpts; mount it at /dev/pts. */
export function createDevpts(vfs: Vfs, table: PtyTable): Superblock {
  const root = new PtsDirectory(table).add('ptmx', new PtmxNode(table));
  return createPseudoFilesystem(vfs, { type: 'devpts', magic: DEVPTS_MAGIC, root, source: 'devpts' });
}

/** Makes /dev/ptmx, /dev/tty and the slaves' numbers work wherever device nodes with them are opened. */
export function registerTerminalDevices(vfs: Vfs, table: PtyTable): void {
  vfs.devices.registerCharacter(TTY_MAJOR, PTMX_MINOR, new PtmxDriver(table));
  vfs.devices.registerCharacter(TTY_MAJOR, 0, new ControllingDriver(table.kernel));
  vfs.devices.registerMajor(PTS_MAJOR, new SlaveDriver(table));
}

class PtmxDriver implements DeviceDriver {
  private readonly table: PtyTable;

  constructor(table: PtyTable) {
    this.table = table;
  }

  open(file: FileDescription): number {
    return openMaster(this.table, file);
  }
}

class SlaveDriver implements DeviceDriver {
  private readonly table: PtyTable;

  constructor(table: PtyTable) {
    this.table = table;
  }

  open(file: FileDescription, _major: number, minor: number): number {
    const terminal = this.table.terminals.get(minor);
    return terminal === undefined ? -EIO : openSlave(terminal, file);
  }
}

/** /dev/tty: the terminal of whoever opens it. */
class ControllingDriver implements DeviceDriver {
  private readonly kernel: Kernel;

  constructor(kernel: Kernel) {
    this.kernel = kernel;
  }

  open(file: FileDescription): number {
    const task = this.kernel.current;
    const terminal = task === null ? null : task.group.processGroup.session.terminal;
    if (!(terminal instanceof Terminal)) return -ENXIO;
    file.flags |= O_NOCTTY;
    terminal.locked = false;
    return openSlave(terminal, file);
  }
}

function openMaster(table: PtyTable, file: FileDescription): number {
  const identity = table.kernel.current?.credentials;
  const terminal = table.create(identity?.fsuid ?? 0, identity?.fsgid ?? 0);
  if (typeof terminal === 'number') return terminal;
  file.ops = MASTER_OPS;
  file.data = new MasterEnd(table, terminal);
  return 0;
}

function openSlave(terminal: Terminal, file: FileDescription): number {
  if (terminal.locked || !terminal.masterOpen) return -EIO;
  if (terminal.exclusive && terminal.kernel.current?.credentials.hasCapability(CAP_SYS_ADMIN) !== true)
    return -EBUSY;
  terminal.slaveOpens++;
  terminal.slaveSeen = true;
  file.ops = SLAVE_OPS;
  file.data = terminal;
  const task = terminal.kernel.current;
  // A session leader without a terminal gets this one, unless it said O_NOCTTY.
  if (task !== null && (file.flags & O_NOCTTY) === 0 && (file.flags & O_ACCMODE) !== 1)
    terminal.acquire(task, false);
  return 0;
}

/** A slave opened without a path: for the sentry's own use (`-t`) and TIOCGPTPEER. */
export function openPeer(task: Task, terminal: Terminal, flags: number): FileDescription | number {
  const file = createAnonymousFile(task, SLAVE_OPS, flags, terminal);
  const opened = openSlave(terminal, file);
  if (opened === 0) return file;
  file.data = null;
  file.release();
  return opened;
}

/** The slave by its name beside the master's in devpts, so that /proc/self/fd shows it; null when the master came from elsewhere. */
function openNamedPeer(
  task: Task,
  master: FileDescription,
  terminal: Terminal,
  flags: number,
): FileDescription | number | null {
  const directory = master.dentry?.parent ?? null;
  if (master.mount === null || directory === null) return null;
  const found = task.fs.vfs.dentries.lookup(directory, String(terminal.index));
  if (typeof found === 'number' || found.inode?.data !== terminal.kernel.ptys.nodes.get(terminal.index))
    return null;
  return openDentry(task, master.mount, found, flags, true);
}

/** What a master's description holds. */
export class MasterEnd {
  readonly table: PtyTable;
  readonly terminal: Terminal;

  constructor(table: PtyTable, terminal: Terminal) {
    this.table = table;
    this.terminal = terminal;
  }
}

class SlaveOps extends FileOps {
  override signalsReadiness(): boolean {
    return true;
  }

  override read(file: FileDescription, io: IoSegments): number {
    const terminal = file.data as Terminal;
    const task = terminal.kernel.current;
    const allowed = task === null ? 0 : terminal.checkRead(task);
    if (allowed !== 0 || io.total === 0) return allowed;
    const bytes = new Uint8Array(Math.min(io.total, COPY_BYTES));
    const count = terminal.readLine(bytes, bytes.length, (file.flags & O_NONBLOCK) !== 0);
    return count > 0 ? scatter(io, 0, bytes, 0, count) : count;
  }

  override write(file: FileDescription, io: IoSegments): number {
    const terminal = file.data as Terminal;
    if (terminal.hungUp) return -EIO;
    const task = terminal.kernel.current;
    const allowed = task === null ? 0 : terminal.checkWrite(task, false);
    if (allowed !== 0 || io.total === 0) return allowed;
    const bytes = new Uint8Array(Math.min(io.total, COPY_BYTES));
    let done = 0;
    while (done < io.total) {
      const count = gather(io, done, bytes, 0, bytes.length);
      const taken = terminal.print(bytes, count);
      done += taken;
      if (taken < count || count === 0) break;
    }
    return done === 0 && io.total > 0 ? -EAGAIN : done;
  }

  override poll(file: FileDescription): number {
    return (file.data as Terminal).slaveEvents();
  }

  override addWaiter(file: FileDescription, entry: WaitNode): void {
    (file.data as Terminal).slaveQueue.add(entry);
  }

  override ioctl(file: FileDescription, caller: Caller, request: number, argument: number): number {
    const terminal = file.data as Terminal;
    if (terminal.hungUp) return -EIO;
    return caller instanceof Task ? terminalIoctl(caller, terminal, request, argument, false) : -ENOTTY;
  }

  override release(file: FileDescription): void {
    const terminal = file.data as Terminal | null;
    if (terminal === null) return;
    terminal.slaveOpens--;
    if (terminal.slaveOpens === 0 && !terminal.masterQueue.empty) terminal.masterQueue.wake(-1);
  }
}

const PACKET_DATA = 0;

class MasterOps extends FileOps {
  override signalsReadiness(): boolean {
    return true;
  }

  override read(file: FileDescription, io: IoSegments): number {
    const { terminal } = file.data as MasterEnd;
    if (io.total === 0) return 0;
    if (terminal.packetMode) return this.readPacket(terminal, io);
    if (terminal.output.size === 0) return this.empty(terminal);
    const bytes = new Uint8Array(Math.min(io.total, terminal.output.size));
    const count = terminal.drain(bytes, 0, bytes.length);
    return scatter(io, 0, bytes, 0, count);
  }

  private empty(terminal: Terminal): number {
    return terminal.slaveSeen && terminal.slaveOpens === 0 ? -EIO : -EAGAIN;
  }

  private readPacket(terminal: Terminal, io: IoSegments): number {
    const bytes = new Uint8Array(Math.min(io.total, terminal.output.size + 1));
    if (terminal.packetStatus !== 0) {
      bytes[0] = terminal.packetStatus;
      terminal.packetStatus = 0;
      return scatter(io, 0, bytes, 0, 1);
    }
    if (terminal.output.size === 0) return this.empty(terminal);
    bytes[0] = PACKET_DATA;
    const count = terminal.drain(bytes, 1, bytes.length - 1);
    return scatter(io, 0, bytes, 0, count + 1);
  }

  override write(file: FileDescription, io: IoSegments): number {
    const { terminal } = file.data as MasterEnd;
    const bytes = new Uint8Array(Math.min(io.total, COPY_BYTES));
    let done = 0;
    while (done < io.total) {
      const count = gather(io, done, bytes, 0, bytes.length);
      const taken = terminal.type(bytes, count);
      done += taken;
      if (taken < count || count === 0) break;
    }
    return done === 0 && io.total > 0 ? -EAGAIN : done;
  }

  override poll(file: FileDescription): number {
    return (file.data as MasterEnd).terminal.masterEvents();
  }

  override addWaiter(file: FileDescription, entry: WaitNode): void {
    (file.data as MasterEnd).terminal.masterQueue.add(entry);
  }

  override ioctl(file: FileDescription, caller: Caller, request: number, argument: number): number {
    const { terminal } = file.data as MasterEnd;
    if (!(caller instanceof Task)) return -ENOTTY;
    switch (request) {
      case TIOCGPTN >>> 0:
        return caller.memory.writeU32(argument, terminal.index);
      case TIOCSPTLCK >>> 0: {
        const value = caller.memory.readU32(argument);
        if (value < 0) return -EFAULT;
        terminal.locked = value !== 0;
        return 0;
      }
      case TIOCGPTLCK >>> 0:
        return caller.memory.writeU32(argument, terminal.locked ? 1 : 0);
      case TIOCPKT: {
        const value = caller.memory.readU32(argument);
        if (value < 0) return -EFAULT;
        terminal.packetMode = value !== 0;
        terminal.packetStatus = 0;
        return 0;
      }
      case TIOCGPKT >>> 0:
        return caller.memory.writeU32(argument, terminal.packetMode ? 1 : 0);
      case TIOCSIG >>> 0:
        if (argument !== SIGINT && argument !== SIGQUIT && argument !== SIGTSTP) return -EINVAL;
        terminal.signalForeground(argument);
        return 0;
      case TIOCGPTPEER:
        return this.openPeer(caller, file, terminal, argument);
      default:
        return terminalIoctl(caller, terminal, request, argument, true);
    }
  }

  private openPeer(task: Task, master: FileDescription, terminal: Terminal, flags: number): number {
    const wanted = flags & (O_ACCMODE | O_NOCTTY | O_NONBLOCK);
    const file = openNamedPeer(task, master, terminal, wanted) ?? openPeer(task, terminal, wanted);
    if (typeof file === 'number') return file;
    const fd = task.files.install(file, task.group.limits.soft[RLIMIT_NOFILE]!, (flags & 0o2000000) !== 0);
    if (fd < 0) file.release();
    return fd;
  }

  override release(file: FileDescription): void {
    const end = file.data as MasterEnd;
    end.table.remove(end.terminal);
  }
}

const SLAVE_OPS: FileOps = new SlaveOps();
const MASTER_OPS: FileOps = new MasterOps();
