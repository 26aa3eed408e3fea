// The fakes keep the contracts that they stand in for: otherwise tests over them prove nothing.
import {
  ACCESS_READ,
  ACCESS_WRITE,
  FRAME_CR2,
  FRAME_KIND,
  FRAME_R10,
  FRAME_RAX,
  TRAP_FAULT,
  TRAP_INTERRUPTED,
  TRAP_SYSCALL,
  WAIT_DEADLINE,
  WAIT_HOST_EVENT,
} from '@sandbox-kernel/contracts';
import {
  ArrayGuestMemory,
  ArrayPageStore,
  ArraySegments,
  FakeClock,
  FakeRandom,
  PAGE_READABLE,
  playTraps,
  ScriptedPlatform,
} from '@sandbox-kernel/testkit';
import { describe, expect, it } from 'vitest';

const EFAULT = 14;
const ENAMETOOLONG = 36;

describe('guest memory', () => {
  it('copies up to the first page without the right', () => {
    const memory = new ArrayGuestMemory(3 * 4096, 0x1000);
    memory.protect(0x2000, 4096, PAGE_READABLE);
    expect(memory.copyOut(0x1ff0, new Uint8Array(64), 0, 64)).toBe(16);
    expect(memory.copyIn(0x1ff0, new Uint8Array(64), 0, 64)).toBe(64);
    expect(memory.zeroOut(0x2000, 1)).toBe(0);
    expect(memory.copyIn(0x3ff0, new Uint8Array(64), 0, 64)).toBe(16);
    expect(memory.copyIn(0, new Uint8Array(1), 0, 1)).toBe(0);
  });

  it('loads and stores little-endian, or says EFAULT', () => {
    const memory = new ArrayGuestMemory(4096, 0x1000);
    expect(memory.writeU64(0x1008, 0x1234_5678_9abc)).toBe(0);
    expect(memory.readU64(0x1008)).toBe(0x1234_5678_9abc);
    expect(memory.readU16(0x100c)).toBe(0x1234);
    expect(memory.readU32(0x1ffd)).toBe(-EFAULT);
    expect(memory.writeU8(0x2000, 1)).toBe(-EFAULT);
  });

  it('reads strings with their limits', () => {
    const memory = new ArrayGuestMemory(4096, 0x1000);
    expect(memory.readString(memory.pokeString(0x1100, 'h\xe9'), 10)).toBe('h\xe9');
    memory.bytes.fill(65);
    expect(memory.readString(0x1000, 5)).toBe(-ENAMETOOLONG);
    expect(memory.readString(0x1ffd, 5)).toBe(-EFAULT);
  });

  it('gives segments that see the same bytes', () => {
    const memory = new ArrayGuestMemory(8192, 0x1000);
    memory.protect(0x2000, 4096, PAGE_READABLE);
    const io = new ArraySegments();
    expect(memory.addSegments(0x1ffe, 10, ACCESS_WRITE, io)).toBe(2);
    expect(memory.addSegments(0x1ffe, 10, ACCESS_READ, io)).toBe(10);
    expect(memory.addSegments(0x2000, 1, ACCESS_WRITE, io)).toBe(-EFAULT);
    memory.poke(0x1ffe, [7, 8, 9]);
    expect([...io.toBytes()]).toEqual([7, 8, 7, 8, 9, 0, 0, 0, 0, 0, 0, 0]);
  });
});

describe('page store', () => {
  it('counts owners and hands freed pages out again, zeroed', () => {
    const store = new ArrayPageStore(4 * 4096);
    const first = store.allocate(8192);
    store.chunk(first).fill(9, first, first + 8192);
    store.retain(first, 4096);
    store.release(first, 8192);
    expect(store.pagesInUse).toBe(1);
    expect(store.owners(first)).toBe(1);
    expect(store.allocate(4 * 4096)).toBe(-12);
    const second = store.allocate(3 * 4096);
    expect(store.chunk(second)[second]).toBe(0);
    expect(() => store.release(4096 * 3 + first, 8192)).toThrow();
  });
});

describe('scripted platform', () => {
  it('plays traps into frames', () => {
    const platform = new ScriptedPlatform(
      playTraps([
        { kind: 'syscall', number: 257, args: [1, 2, 3, 4] },
        { kind: 'fault', address: 0x7000_0000_1000 },
      ]),
    );
    const context = platform.createContext();
    const space = platform.createAddressSpace(null);
    context.resume(space, 0);
    expect(platform.wait(Infinity)).toBe(context.id);
    expect(context.frame.view.getUint32(FRAME_KIND, true)).toBe(TRAP_SYSCALL);
    expect([context.get(FRAME_RAX), context.get(FRAME_R10)]).toEqual([257, 4]);
    context.resume(space, 0);
    platform.wait(Infinity);
    expect(context.frame.view.getUint32(FRAME_KIND, true)).toBe(TRAP_FAULT);
    expect(context.get(FRAME_CR2)).toBe(0x7000_0000_1000);
  });

  it('keeps a context without a script running until it is interrupted', () => {
    const platform = new ScriptedPlatform(() => null);
    const context = platform.createContext();
    context.resume(platform.createAddressSpace(null), 0);
    expect(platform.wait(5)).toBe(WAIT_DEADLINE);
    context.interrupt();
    expect(platform.wait(5)).toBe(context.id);
    expect(context.frame.view.getUint32(FRAME_KIND, true)).toBe(TRAP_INTERRUPTED);
    platform.hostEvent = true;
    expect(platform.wait(5)).toBe(WAIT_HOST_EVENT);
    expect(() => platform.wait(Infinity)).toThrow('block');
  });

  it('models mappings page by page, copies included', () => {
    const platform = new ScriptedPlatform(() => null);
    const space = platform.createAddressSpace(null);
    space.map(0x10000, 8192, -1, 4096, 3, 3);
    space.protect(0x11000, 4096, 1);
    const copy = platform.createAddressSpace(space);
    space.unmap(0x10000, 4096);
    expect(space.at(0x10000)).toBeUndefined();
    expect(copy.at(0x10123)).toEqual({ fd: -1, offset: 4096, prot: 3, maxProt: 3 });
    expect(copy.at(0x11000)).toEqual({ fd: -1, offset: 8192, prot: 1, maxProt: 3 });
  });
});

describe('time and randomness', () => {
  it('move only on demand and repeat by seed', () => {
    const clock = new FakeClock(5);
    clock.advance(7);
    expect(clock.monotonic()).toBe(12);
    expect(() => clock.advance(-1)).toThrow(RangeError);
    const bytes = (seed: number): number[] => {
      const out = new Uint8Array(16);
      new FakeRandom(seed).fill(out, 2, 12);
      return [...out];
    };
    expect(bytes(3)).toEqual(bytes(3));
    expect(bytes(3)).not.toEqual(bytes(4));
    expect(bytes(3).slice(14)).toEqual([0, 0]);
  });
});
