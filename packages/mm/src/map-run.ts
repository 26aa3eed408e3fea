// A mapping command that is still growing: neighbours in address and in file with the same rights become one.
import type { AddressSpace } from '@sandbox-kernel/contracts';

export class MapRun {
  addr: number;
  /** 0: empty. */
  length: number;
  fd: number;
  offset: number;
  prot: number;
  maximum: number;
  /** See `AddressSpace.map`. */
  ready: boolean;

  constructor() {
    this.addr = 0;
    this.length = 0;
    this.fd = 0;
    this.offset = 0;
    this.prot = 0;
    this.maximum = 0;
    this.ready = false;
  }

  /** Takes the piece in, when it continues the run. */
  extend(
    addr: number,
    length: number,
    fd: number,
    offset: number,
    prot: number,
    maximum: number,
    ready: boolean,
  ): boolean {
    if (this.length === 0 || addr !== this.addr + this.length) return false;
    if (fd !== this.fd || offset !== this.offset + this.length) return false;
    if (prot !== this.prot || maximum !== this.maximum || ready !== this.ready) return false;
    this.length += length;
    return true;
  }

  begin(
    addr: number,
    length: number,
    fd: number,
    offset: number,
    prot: number,
    maximum: number,
    ready: boolean,
  ): void {
    this.addr = addr;
    this.length = length;
    this.fd = fd;
    this.offset = offset;
    this.prot = prot;
    this.maximum = maximum;
    this.ready = ready;
  }

  /** Sends the command, if there is one. 0 or -errno. */
  send(space: AddressSpace): number {
    if (this.length === 0) return 0;
    const length = this.length;
    this.length = 0;
    return space.map(this.addr, length, this.fd, this.offset, this.prot, this.maximum, this.ready);
  }
}
