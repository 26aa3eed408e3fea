// /proc/PID/ns: namespaces(7), ioctl_ns(2). There is one namespace of each kind; its file can be looked at, opened, compared and
// given to setns(2), as tools do that tell processes of one sandbox from those of another.
import {
  CLONE_NEWCGROUP,
  CLONE_NEWIPC,
  CLONE_NEWNET,
  CLONE_NEWNS,
  CLONE_NEWPID,
  CLONE_NEWTIME,
  CLONE_NEWUSER,
  CLONE_NEWUTS,
  EINVAL,
  ENOTTY,
  EPERM,
  NS_GET_NSTYPE,
  NS_GET_OWNER_UID,
  NS_GET_PARENT,
  NS_GET_USERNS,
  O_RDONLY,
  RLIMIT_NOFILE,
  S_IFREG,
} from '@sandbox-kernel/abi';
import type { Caller } from '@sandbox-kernel/contracts';
import type { Task } from '@sandbox-kernel/kernel';
import {
  createNamelessFilesystem,
  Dentry,
  type FileCaller,
  type FileDescription,
  FileOps,
  FMODE_SEEK,
  INODE_IMMUTABLE,
  Inode,
  InodeOps,
  type Location,
  openNameless,
  PseudoDirectory,
  PseudoLink,
  type Superblock,
  stampNew,
  type Vfs,
} from '@sandbox-kernel/vfs';
import type { SentryKernel } from '../boot/sentry-kernel.js';
import { mayLookInto } from './task-access.js';

const NSFS_MAGIC = 0x6e736673;

/** Kinds, their flags of clone(2), and the numbers that Linux gives the initial ones. */
const KINDS: readonly (readonly [string, number, number])[] = [
  ['cgroup', CLONE_NEWCGROUP, 4026531835],
  ['ipc', CLONE_NEWIPC, 4026531839],
  ['mnt', CLONE_NEWNS, 4026531841],
  ['net', CLONE_NEWNET, 4026531840],
  ['pid', CLONE_NEWPID, 4026531836],
  ['time', CLONE_NEWTIME, 4026531834],
  ['user', CLONE_NEWUSER, 4026531837],
  ['uts', CLONE_NEWUTS, 4026531838],
];

class Namespace {
  readonly name: string;
  /** CLONE_NEW*. */
  readonly flag: number;
  readonly dentry: Dentry;

  constructor(superblock: Superblock, name: string, flag: number, number: number) {
    this.name = name;
    this.flag = flag;
    const inode = new Inode(superblock, NAMESPACE_INODE_OPS, number, S_IFREG | 0o444);
    inode.data = this;
    inode.attributes |= INODE_IMMUTABLE;
    stampNew(inode);
    this.dentry = new Dentry(superblock, null, name, inode);
    this.dentry.retain();
  }

  get text(): string {
    return `${this.name}:[${this.dentry.inode!.number}]`;
  }
}

class NamespaceFileOps extends FileOps {
  override label(file: FileDescription): string {
    return (file.data as Namespace).text;
  }

  override ioctl(file: FileDescription, caller: Caller, request: number, argument: number): number {
    const { flag } = file.data as Namespace;
    switch (request) {
      case NS_GET_NSTYPE:
        return flag;
      case NS_GET_USERNS:
        return flag === CLONE_NEWUSER ? -EPERM : openOwner(caller as Task);
      case NS_GET_PARENT:
        return flag === CLONE_NEWUSER || flag === CLONE_NEWPID ? -EPERM : -EINVAL;
      case NS_GET_OWNER_UID:
        return flag === CLONE_NEWUSER ? caller.memory.writeU32(argument, 0) : -EINVAL;
      default:
        return -ENOTTY;
    }
  }
}

const NAMESPACE_FILE_OPS: FileOps = new NamespaceFileOps();

class NamespaceInodeOps extends InodeOps {
  override open(inode: Inode, file: FileDescription): number {
    file.ops = NAMESPACE_FILE_OPS;
    file.data = inode.data;
    file.mode &= ~FMODE_SEEK;
    return 0;
  }
}

const NAMESPACE_INODE_OPS: InodeOps = new NamespaceInodeOps();

/** The user namespace that all others belong to, as a new descriptor. */
function openOwner(task: Task): number {
  const owner = (task.kernel as SentryKernel).namespaces.find(CLONE_NEWUSER);
  const file = openNameless(task, NAMESPACE_FILE_OPS, O_RDONLY, owner, owner.dentry.inode!);
  const fd = task.files.install(file, task.group.limits.soft[RLIMIT_NOFILE]!, true);
  if (fd < 0) file.release();
  return fd;
}

/** The namespaces of one kernel, the same under every instance of proc. */
export class Namespaces {
  readonly #vfs: Vfs;
  readonly #all: readonly Namespace[];

  constructor(vfs: Vfs) {
    this.#vfs = vfs;
    const nsfs = createNamelessFilesystem(vfs, 'nsfs', NSFS_MAGIC);
    this.#all = KINDS.map(([name, flag, number]) => new Namespace(nsfs, name, flag, number));
  }

  find(flag: number): Namespace {
    return this.#all.find((each) => each.flag === flag)!;
  }

  directory(task: Task): PseudoDirectory {
    const directory = new PseudoDirectory(0o511);
    const link = (name: string, namespace: Namespace): void => {
      directory.add(name, new NamespaceLink(task, namespace, this.#vfs));
    };
    for (const namespace of this.#all) {
      link(namespace.name, namespace);
      if (namespace.flag === CLONE_NEWPID || namespace.flag === CLONE_NEWTIME)
        link(`${namespace.name}_for_children`, namespace);
    }
    return directory;
  }
}

/** A link whose text identifies the namespace, and that leads to its file. */
class NamespaceLink extends PseudoLink {
  readonly #task: Task;
  readonly #namespace: Namespace;
  readonly #vfs: Vfs;

  constructor(task: Task, namespace: Namespace, vfs: Vfs) {
    super(true);
    this.#task = task;
    this.#namespace = namespace;
    this.#vfs = vfs;
  }

  target(_caller: FileCaller): string | number {
    const allowed = mayLookInto(this.#task);
    return allowed === 0 ? this.#namespace.text : allowed;
  }

  override jump(_caller: FileCaller, out: Location): number {
    const allowed = mayLookInto(this.#task);
    if (allowed === 0) out.set(this.#vfs.anonymousMount, this.#namespace.dentry);
    return allowed;
  }
}

/** CLONE_NEW* of the namespace behind an open file; 0 when it is none. */
export function namespaceKind(file: FileDescription): number {
  return file.ops === NAMESPACE_FILE_OPS ? (file.data as Namespace).flag : 0;
}

/** A file of a mount namespace, as in /proc/PID/ns. */
export function isMountNamespace(inode: Inode): boolean {
  return inode.data instanceof Namespace && inode.data.flag === CLONE_NEWNS;
}
