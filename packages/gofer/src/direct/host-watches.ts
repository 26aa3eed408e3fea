// Changes that others make to shared host trees, told to the guest's watches: one host inotify(7) descriptor, a watch per file that the
// guest watches, at most MAX_WATCHES. What the guest does itself comes back from the host as well: each event that was told already is
// expected once until the next batch and dropped then. Opens and reads of others are not told: the sentry's own would be among them.
import {
  EPOLLET,
  EPOLLIN,
  IN_ATTRIB,
  IN_CLOSE_WRITE,
  IN_CREATE,
  IN_IGNORED,
  O_NOFOLLOW,
  O_PATH,
} from '@sandbox-kernel/abi';
import type { EventWatcher, Host } from '@sandbox-kernel/host';
import { type Inode, type RemoteWatch, tellWatches } from '@sandbox-kernel/vfs';
import type { DirectTree } from './direct-tree.js';
import { hostNode } from './host-node.js';

const MAX_WATCHES = 4096;
/** MODIFY, ATTRIB, CLOSE_WRITE, MOVED_FROM, MOVED_TO, CREATE, DELETE, DELETE_SELF, MOVE_SELF. */
const WATCHED = 0xfce;
/** Batches read at once: a storm must not starve programs. */
const MOST_BATCHES = 16;

class HostWatch implements RemoteWatch {
  readonly inode: Inode;
  readonly descriptor: number;
  private readonly watches: HostWatches;
  private readonly expected: Set<string>;

  constructor(watches: HostWatches, inode: Inode, descriptor: number) {
    this.watches = watches;
    this.inode = inode;
    this.descriptor = descriptor;
    this.expected = new Set();
  }

  expect(mask: number, name: string): void {
    const event = mask & WATCHED;
    if (event === 0) return;
    this.expected.add(`${event} ${name}`);
    // A new file is opened once to make it, and gets its owner and mode after that.
    if ((event & IN_CREATE) !== 0) {
      this.expected.add(`${IN_ATTRIB} ${name}`);
      this.expected.add(`${IN_CLOSE_WRITE} ${name}`);
    }
    this.watches.expecting.add(this);
  }

  hear(mask: number, cookie: number, name: string): void {
    if (this.expected.has(`${mask & WATCHED} ${name}`)) return;
    tellWatches(this.inode, mask, cookie, name);
  }

  forgetExpected(): void {
    this.expected.clear();
  }

  end(): void {
    this.watches.remove(this);
  }
}

export class HostWatches {
  /** Those with expected events. */
  readonly expecting: Set<HostWatch>;
  private readonly host: Host;
  private readonly watcher: EventWatcher;
  private readonly token: number;
  private readonly byDescriptor: Map<number, HostWatch>;
  private fd: number;

  /** `token`: of the events that `deliver` is called for. */
  constructor(host: Host, watcher: EventWatcher, token: number) {
    this.host = host;
    this.watcher = watcher;
    this.token = token;
    this.expecting = new Set();
    this.byDescriptor = new Map();
    this.fd = -1;
  }

  /** Null when the host gives no watch: the guest then hears only of its own changes. */
  add(tree: DirectTree, inode: Inode): RemoteWatch | null {
    if (this.byDescriptor.size >= MAX_WATCHES || !this.open()) return null;
    const path = inode.isDirectory ? tree.pathFd(inode) : tree.openBeneath(inode, O_PATH | O_NOFOLLOW);
    if (path < 0) return null;
    const descriptor = this.host.inotify.add(this.fd, `/proc/self/fd/${path}`, WATCHED);
    if (path !== hostNode(inode).pathFd) this.host.descriptors.close(path);
    if (descriptor < 0) return null;
    const watch = new HostWatch(this, inode, descriptor);
    this.byDescriptor.set(descriptor, watch);
    return watch;
  }

  remove(watch: HostWatch): void {
    this.expecting.delete(watch);
    if (this.byDescriptor.get(watch.descriptor) !== watch) return;
    this.byDescriptor.delete(watch.descriptor);
    this.host.inotify.remove(this.fd, watch.descriptor);
  }

  /** The host has events. */
  deliver(): void {
    const { inotify } = this.host;
    for (let batch = 0; batch < MOST_BATCHES && inotify.fill(this.fd) > 0; batch++) {
      while (inotify.next()) {
        const { watch, mask, cookie, name } = inotify;
        if ((mask & IN_IGNORED) !== 0) this.byDescriptor.delete(watch);
        else this.byDescriptor.get(watch)?.hear(mask, cookie, name);
      }
    }
    for (const watch of this.expecting) watch.forgetExpected();
    this.expecting.clear();
  }

  private open(): boolean {
    if (this.fd >= 0) return true;
    this.fd = this.host.inotify.open();
    if (this.fd < 0) return false;
    this.watcher.add(this.fd, EPOLLIN | EPOLLET, this.token);
    return true;
  }
}
