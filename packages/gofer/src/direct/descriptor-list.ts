// Which nodes hold host descriptors that nobody needs right now, in order of use: thousands of inodes must not exhaust the host's limit.
// Nodes that open files or mappings pin are not in the list.
import { IN_CLOSE_WRITE } from '@sandbox-kernel/abi';
import type { HostDescriptors } from '@sandbox-kernel/host';
import { type HostNode, NO_FD } from './host-node.js';

export class DescriptorList {
  private readonly descriptors: HostDescriptors;
  private readonly limit: number;
  private count: number;
  private oldest: HostNode | null;
  private newest: HostNode | null;

  constructor(descriptors: HostDescriptors, limit: number) {
    this.descriptors = descriptors;
    this.limit = limit;
    this.count = 0;
    this.oldest = null;
    this.newest = null;
  }

  /** The node has a descriptor and was just used: it stays for now, whatever else has to go. */
  touch(node: HostNode): void {
    if (node === this.newest || node.pins > 0) return;
    if (node.listed) this.unlink(node);
    this.append(node);
    if (this.count > this.limit) this.trim(this.limit);
  }

  /** An open file or a mapping needs the node's descriptors. */
  pin(node: HostNode): void {
    if (node.pins++ === 0 && node.listed) this.unlink(node);
  }

  unpin(node: HostNode): void {
    if (--node.pins > 0) return;
    if (node.readFd !== NO_FD || node.writeFd !== NO_FD || node.pathFd !== NO_FD) this.touch(node);
  }

  /** Closes what the node holds. */
  drop(node: HostNode): void {
    if (node.listed) this.unlink(node);
    if (node.pathFd !== NO_FD) this.descriptors.close(node.pathFd);
    this.close(node, node.readFd);
    if (node.writeFd !== NO_FD) expectClose(node);
    this.close(node, node.writeFd);
    node.donated = false;
    node.pathFd = NO_FD;
    node.readFd = NO_FD;
    node.writeFd = NO_FD;
  }

  /** Closes the oldest until at most `keep` nodes hold any, never the newest. True when at least one was closed. */
  trim(keep: number): boolean {
    let closed = false;
    let node = this.oldest;
    while (node !== null && node !== this.newest && this.count > keep) {
      const next: HostNode | null = node.next;
      // The top can't be opened again; neither can a file without a name, but nobody will ask for it.
      if (node.parent !== null) {
        this.drop(node);
        closed = true;
      }
      node = next;
    }
    return closed;
  }

  private close(node: HostNode, fd: number): void {
    if (fd === NO_FD) return;
    if (node.donated) node.inode.superblock.vfs.donatedFiles?.releaseFile(fd);
    this.descriptors.close(fd);
  }

  private append(node: HostNode): void {
    node.listed = true;
    node.previous = this.newest;
    node.next = null;
    if (this.newest === null) this.oldest = node;
    else this.newest.next = node;
    this.newest = node;
    this.count++;
  }

  private unlink(node: HostNode): void {
    if (node.previous === null) this.oldest = node.next;
    else node.previous.next = node.next;
    if (node.next === null) this.newest = node.previous;
    else node.next.previous = node.previous;
    node.previous = null;
    node.next = null;
    node.listed = false;
    this.count--;
  }
}

/** The host tells watches of a closed writer, which is only ours. */
function expectClose(node: HostNode): void {
  node.inode.watches?.remote?.expect(IN_CLOSE_WRITE, '');
  node.parent?.watches?.remote?.expect(IN_CLOSE_WRITE, node.name);
}
