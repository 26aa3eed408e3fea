// An address space that only records, page by page, what it was told to map, and refuses what a platform could not do.
import { EINVAL } from '@sandbox-kernel/abi';
import { type AddressSpace, PAGE_SIZE } from '@sandbox-kernel/contracts';
import type { AddressSpaceSource } from '@sandbox-kernel/mm';

/** What belongs to the guest; commands outside are a platform's to refuse. */
const LOWEST = 0x10000;
const LIMIT = 2 ** 47 - PAGE_SIZE;

export interface MappedPage {
  readonly fd: number;
  readonly offset: number;
  readonly prot: number;
  readonly maxProt: number;
}

export class FakeSpace implements AddressSpace {
  readonly pages: Map<number, MappedPage>;
  /** Mappings replaced since the last flush: a context that runs may still use them. */
  readonly stale: MappedPage[];
  /** Ranges that were said to have memory behind them. */
  readonly ready: string[];
  commands: number;
  flushes: number;
  destroyed: boolean;

  constructor(from: FakeSpace | null) {
    this.pages = new Map(from?.pages);
    this.stale = [];
    this.ready = [];
    this.commands = 0;
    this.flushes = 0;
    this.destroyed = false;
  }

  map(
    addr: number,
    length: number,
    fd: number,
    offset: number,
    prot: number,
    maxProt: number,
    ready = false,
  ): number {
    this.#check(addr, length);
    if (ready) this.ready.push(`${addr.toString(16)}+${length}`);
    if (offset % PAGE_SIZE !== 0) throw new Error(`offset ${offset} is not page aligned`);
    if ((prot & ~maxProt) !== 0) throw new Error(`prot ${prot} over its maximum ${maxProt}`);
    for (let at = 0; at < length; at += PAGE_SIZE) {
      this.#replaced(addr + at);
      this.pages.set(addr + at, { fd, offset: offset + at, prot, maxProt });
    }
    return 0;
  }

  unmap(addr: number, length: number): number {
    this.#check(addr, length);
    for (let at = 0; at < length; at += PAGE_SIZE) {
      this.#replaced(addr + at);
      this.pages.delete(addr + at);
    }
    return 0;
  }

  protect(addr: number, length: number, prot: number): number {
    this.#check(addr, length);
    for (let at = 0; at < length; at += PAGE_SIZE) {
      const page = this.pages.get(addr + at);
      if (page === undefined) throw new Error(`protect of unmapped ${(addr + at).toString(16)}`);
      if ((prot & ~page.maxProt) !== 0) return -EINVAL;
      this.pages.set(addr + at, { ...page, prot });
    }
    return 0;
  }

  /** A context ran and came back: all commands so far have been carried out. */
  execute(): void {
    this.stale.length = 0;
  }

  flush(): number {
    this.flushes++;
    this.execute();
    return 0;
  }

  destroy(): void {
    this.destroyed = true;
    this.pages.clear();
    this.stale.length = 0;
  }

  #replaced(addr: number): void {
    const old = this.pages.get(addr);
    if (old !== undefined) this.stale.push(old);
  }

  #check(addr: number, length: number): void {
    if (this.destroyed) throw new Error('command to a destroyed address space');
    if (addr % PAGE_SIZE !== 0 || length % PAGE_SIZE !== 0 || length <= 0) {
      throw new Error(`bad range ${addr.toString(16)}+${length}`);
    }
    if (addr < LOWEST || addr + length > LIMIT)
      throw new Error(`range of the platform: ${addr.toString(16)}`);
    this.commands++;
  }
}

export class FakeSpaces implements AddressSpaceSource {
  createAddressSpace(from: AddressSpace | null): FakeSpace {
    return new FakeSpace(from as FakeSpace | null);
  }
}
