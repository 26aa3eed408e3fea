// Every socket of this package that is open: for /proc/net, sock_diag and the limit on their number. AF_UNIX has its own list.
import type { Socket } from '@sandbox-kernel/kernel';

export class SocketRegistry {
  readonly #sockets = new Set<Socket>();
  readonly #limit: number;

  constructor(limit: number) {
    this.#limit = limit;
  }

  get full(): boolean {
    return this.#sockets.size >= this.#limit;
  }

  add(socket: Socket): void {
    this.#sockets.add(socket);
  }

  remove(socket: Socket): void {
    this.#sockets.delete(socket);
  }

  get size(): number {
    return this.#sockets.size;
  }

  /** In the order in which they were opened. */
  [Symbol.iterator](): IterableIterator<Socket> {
    return this.#sockets.values();
  }
}
