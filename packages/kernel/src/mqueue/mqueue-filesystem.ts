// The filesystem of message queues (mq_overview(7), "Mounting the message queue filesystem"): one directory, one file per queue.
// All mounts show the same tree. Limits are those of /proc/sys/fs/mqueue.
import {
  CAP_SYS_RESOURCE,
  EINVAL,
  EMFILE,
  ENOENT,
  ENOSPC,
  EPERM,
  POLLIN,
  POLLOUT,
  POLLRDNORM,
  POLLWRNORM,
  RLIMIT_MSGQUEUE,
  S_IFDIR,
  S_IFMT,
  S_IFREG,
} from '@sandbox-kernel/abi';
import type { IoSegments } from '@sandbox-kernel/contracts';
import {
  type AttributeChange,
  applyChange,
  EntryList,
  type FileDescription,
  FileOps,
  Inode,
  InodeOps,
  LISTED_DIRECTORY_OPS,
  latin1Bytes,
  type Mount,
  newMount,
  PlainFilesystem,
  Superblock,
  scatter,
  stampChanged,
  stampModified,
  stampNew,
  type Vfs,
  type WaitNode,
} from '@sandbox-kernel/vfs';
import type { Kernel } from '../kernel.js';
import { PosixMessageQueue } from './message-queue.js';

const MQUEUE_MAGIC = 0x19800202;
/** What fstat(2) says of a queue's size. */
const FILE_SIZE = 80;
const ENTRY_SIZE = 20;
/** Memory of one message and of one priority beside its bytes, as Linux charges it. */
const MESSAGE_OVERHEAD = 48;
const PRIORITY_OVERHEAD = 48;
const HARD_MESSAGES = 65536;
const HARD_SIZE = 16 << 20;

/** What mq_open(3) asks of a new queue. */
export class QueueRequest {
  maxMessages = 0;
  messageSize = 0;
  /** False: the defaults. */
  given = false;
}

export class PosixMessageQueues {
  messagesDefault: number;
  messagesMax: number;
  sizeDefault: number;
  sizeMax: number;
  queuesMax: number;
  /** Queues with a name. */
  count: number;
  readonly kernel: Kernel;
  /** What mq_open(2) walks: attached nowhere, always there. */
  readonly mount: Mount;
  readonly superblock: Superblock;
  /** Attributes for the next `create`. */
  readonly request: QueueRequest;

  constructor(kernel: Kernel, vfs: Vfs) {
    this.kernel = kernel;
    this.messagesDefault = 10;
    this.messagesMax = 10;
    this.sizeDefault = 8192;
    this.sizeMax = 8192;
    this.queuesMax = 256;
    this.count = 0;
    this.request = new QueueRequest();
    this.superblock = new Superblock(vfs, new MqueueFilesystem(), 'mqueue');
    this.superblock.data = this;
    const root = new Inode(
      this.superblock,
      MQUEUE_OPS,
      this.superblock.allocateInodeNumber(),
      S_IFDIR | 0o1777,
    );
    root.links = 2;
    root.size = 2 * ENTRY_SIZE;
    root.data = new EntryList();
    stampNew(root);
    this.superblock.setRoot(root);
    this.mount = newMount(this.superblock, 0);
    this.mount.refs = 1;
  }

  /** A queue as `request` asks for, within the limits of the running task; or -errno. */
  newQueue(): PosixMessageQueue | number {
    const task = this.kernel.current;
    const { request } = this;
    const privileged = task === null || task.credentials.hasCapability(CAP_SYS_RESOURCE);
    if (this.count >= this.queuesMax && !privileged) return -ENOSPC;
    const messages = request.given ? request.maxMessages : Math.min(this.messagesMax, this.messagesDefault);
    const size = request.given ? request.messageSize : Math.min(this.sizeMax, this.sizeDefault);
    if (messages <= 0 || size <= 0) return -EINVAL;
    if (messages > (privileged ? HARD_MESSAGES : this.messagesMax)) return -EINVAL;
    if (size > (privileged ? HARD_SIZE : this.sizeMax)) return -EINVAL;
    const charge = messages * (MESSAGE_OVERHEAD + size + PRIORITY_OVERHEAD);
    const account = task?.credentials.user ?? this.kernel.users.get(0);
    const limit = task?.group.limits.soft[RLIMIT_MSGQUEUE] ?? Infinity;
    if (account.queueBytes + charge > limit) return -EMFILE;
    return new PosixMessageQueue(messages, size, account, charge);
  }
}

class MqueueFilesystem extends PlainFilesystem {
  constructor() {
    super('mqueue', MQUEUE_MAGIC);
  }

  override evict(inode: Inode): void {
    if (inode.data instanceof PosixMessageQueue) inode.data.destroy();
  }

  /** The kernel's own mount stays: this is never the last. */
  override unmount(): void {}
}

function queuesOf(superblock: Superblock): PosixMessageQueues {
  return superblock.data as PosixMessageQueues;
}

class MqueueOps extends InodeOps {
  override lookup(directory: Inode, name: string): Inode | number {
    return (directory.data as EntryList).get(name) ?? -ENOENT;
  }

  override create(directory: Inode, name: string, mode: number, uid: number, gid: number): Inode | number {
    if ((mode & S_IFMT) !== S_IFREG) return -EPERM;
    const { superblock } = directory;
    const queues = queuesOf(superblock);
    const queue = queues.newQueue();
    if (typeof queue === 'number') return queue;
    const inode = new Inode(superblock, MQUEUE_OPS, superblock.allocateInodeNumber(), mode);
    inode.uid = uid;
    inode.gid = gid;
    inode.size = FILE_SIZE;
    inode.data = queue;
    stampNew(inode);
    (directory.data as EntryList).set(name, inode);
    inode.retain();
    directory.size += ENTRY_SIZE;
    directory.version++;
    stampModified(directory);
    queues.count++;
    return inode;
  }

  override unlink(directory: Inode, name: string, inode: Inode): number {
    (directory.data as EntryList).delete(name);
    directory.size -= ENTRY_SIZE;
    directory.version++;
    stampModified(directory);
    queuesOf(directory.superblock).count--;
    inode.links--;
    stampChanged(inode);
    // The dentry that led here still holds one.
    inode.refs--;
    return 0;
  }

  override change(inode: Inode, change: AttributeChange): number {
    applyChange(inode, change);
    return 0;
  }

  override open(inode: Inode, file: FileDescription): number {
    file.ops = inode.isDirectory ? LISTED_DIRECTORY_OPS : QUEUE_FILE_OPS;
    file.data = inode.data;
    return 0;
  }
}

const MQUEUE_OPS = new MqueueOps();

/** A queue opened by mq_open(2) or as a file: reading it says how full it is. */
class QueueFileOps extends FileOps {
  override read(file: FileDescription, io: IoSegments, offset: number): number {
    const queue = file.data as PosixMessageQueue;
    const wanted = queue.notification;
    const signal = wanted?.kind === 0 ? wanted.signal : 0;
    const size = String(queue.bytes).padEnd(10);
    const kind = String(wanted?.kind ?? 0).padEnd(5);
    const pid = String(wanted?.group.pid ?? 0).padEnd(6);
    const text = `QSIZE:${size} NOTIFY:${kind} SIGNO:${String(signal).padEnd(5)} NOTIFY_PID:${pid}\n`;
    const bytes = latin1Bytes(text);
    if (offset >= bytes.length) return 0;
    return scatter(io, 0, bytes, offset, Math.min(io.total, bytes.length - offset));
  }

  override poll(file: FileDescription): number {
    const queue = file.data as PosixMessageQueue;
    return (queue.length > 0 ? POLLIN | POLLRDNORM : 0) | (queue.full ? 0 : POLLOUT | POLLWRNORM);
  }

  override addWaiter(file: FileDescription, entry: WaitNode): void {
    (file.data as PosixMessageQueue).queue.add(entry);
  }

  override flush(file: FileDescription): void {
    const task = queuesOf(file.inode!.superblock).kernel.current;
    if (task !== null) (file.data as PosixMessageQueue).forget(task.group);
  }

  override release(file: FileDescription): void {
    this.flush(file);
  }
}

const QUEUE_FILE_OPS: FileOps = new QueueFileOps();

/** The queue behind an open file, or null. */
export function messageQueueOf(file: FileDescription): PosixMessageQueue | null {
  return file.ops === QUEUE_FILE_OPS ? (file.data as PosixMessageQueue) : null;
}
