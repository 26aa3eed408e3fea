// Who listens to which multicast groups of netlink(7): changes of links, addresses and routes are told to them.

/** A socket that can be sent notifications. */
export interface NetlinkListener {
  readonly protocol: number;
  readonly groups: ReadonlySet<number>;
  deliver(message: Uint8Array, group: number): void;
}

export class NetlinkBus {
  readonly #listeners = new Set<NetlinkListener>();

  join(listener: NetlinkListener): void {
    this.#listeners.add(listener);
  }

  leave(listener: NetlinkListener): void {
    this.#listeners.delete(listener);
  }

  /** True when somebody would hear: building the message can be saved otherwise. */
  heard(protocol: number, group: number): boolean {
    for (const listener of this.#listeners)
      if (listener.protocol === protocol && listener.groups.has(group)) return true;
    return false;
  }

  publish(protocol: number, group: number, message: Uint8Array): void {
    for (const listener of [...this.#listeners]) {
      if (listener.protocol === protocol && listener.groups.has(group)) listener.deliver(message, group);
    }
  }
}
