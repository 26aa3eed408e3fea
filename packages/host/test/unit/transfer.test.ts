import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { EBADF, EFAULT, O_CREAT, O_RDWR } from '@sandbox-kernel/abi';
import { createMemoryFile, DATA_SIZE, Host, MAX_SEGMENTS, MemoryFile, openDoor } from '@sandbox-kernel/host';
import { ArraySegments } from '@sandbox-kernel/testkit';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { useTemp } from '../temp.js';

const temp = useTemp();
let fd = -1;
beforeEach(() => {
  fd = temp.host.paths.open(temp.fd, 'f', O_CREAT | O_RDWR, 0o600, 0);
});
afterEach(() => {
  temp.host.descriptors.close(fd);
});

const content = (): Buffer => readFileSync(join(temp.path, 'f'));

describe('plain transfers', () => {
  it('write and read at an offset and at the position', () => {
    const { transfer, descriptors } = temp.host;
    expect(transfer.write(fd, Uint8Array.of(1, 2, 3, 4), 1, 2, -1)).toBe(2);
    expect(transfer.write(fd, Uint8Array.of(9), 0, 1, 5)).toBe(1);
    expect([...content()]).toEqual([2, 3, 0, 0, 0, 9]);
    const into = new Uint8Array(10);
    expect(transfer.read(fd, into, 3, 4, 0)).toBe(4);
    expect([...into]).toEqual([0, 0, 0, 2, 3, 0, 0, 0, 0, 0]);
    descriptors.lseek(fd, 5, 0);
    expect(transfer.read(fd, into, 0, 10, -1)).toBe(1);
    expect(transfer.read(fd, into, 0, 10, -1)).toBe(0);
    expect(transfer.read(9999, into, 0, 1, -1)).toBe(-EBADF);
  });

  it('are cut to the size of the data area', () => {
    const big = new Uint8Array(DATA_SIZE + 100).fill(7);
    expect(temp.host.transfer.write(fd, big, 0, big.length, -1)).toBe(DATA_SIZE);
  });

  it('copy between files', () => {
    const { transfer, paths, descriptors } = temp.host;
    const other = paths.open(temp.fd, 'g', O_CREAT | O_RDWR, 0o600, 0);
    transfer.write(fd, Uint8Array.of(1, 2, 3, 4), 0, 4, 0);
    expect(transfer.copyRange(fd, 1, other, 2, 2)).toBe(2);
    expect([...readFileSync(join(temp.path, 'g'))]).toEqual([0, 0, 2, 3]);
    descriptors.close(other);
  });
});

describe('vectored transfers', () => {
  let memory: MemoryFile;
  let chunk: Uint8Array;
  let host: Host;
  beforeEach(() => {
    const door = openDoor();
    const made = createMemoryFile(door);
    if (!(made instanceof MemoryFile)) throw new Error(`memory file: ${made}`);
    memory = made;
    memory.grow(1 << 20);
    chunk = memory.chunk(0) ?? new Uint8Array(0);
    host = new Host(door, memory);
  });
  afterEach(() => memory.close());

  it('go straight between a file and pieces of the memory file', () => {
    chunk.set([1, 2, 3, 4, 5, 6], 4096);
    const io = new ArraySegments().add(chunk, 4096, 2, 4096).add(chunk, 4100, 2, 4100);
    expect(host.transfer.writeSegments(fd, io, 0, 0)).toBe(4);
    expect([...content()]).toEqual([1, 2, 5, 6]);
    const back = new ArraySegments().add(chunk, 8192, 3, 8192).add(chunk, 12288, 3, 12288);
    expect(host.transfer.readSegments(fd, back, 0, 0)).toBe(4);
    expect([...chunk.subarray(8192, 8195)]).toEqual([1, 2, 5]);
    expect([...chunk.subarray(12288, 12291)]).toEqual([6, 0, 0]);
  });

  it('mix in other memory', () => {
    const other = Uint8Array.of(10, 11, 12);
    chunk.set([1, 2], 0);
    const io = new ArraySegments().add(other, 1, 2).add(chunk, 0, 2, 0).add(other, 0, 1);
    expect(host.transfer.writeSegments(fd, io, -1, 0)).toBe(5);
    expect([...content()]).toEqual([11, 12, 1, 2, 10]);
    const into = new Uint8Array(4);
    const back = new ArraySegments().add(into, 0, 1).add(chunk, 100, 2, 100).add(into, 2, 2);
    expect(host.transfer.readSegments(fd, back, 0, 0)).toBe(5);
    expect([...into]).toEqual([11, 0, 2, 10]);
    expect([...chunk.subarray(100, 102)]).toEqual([12, 1]);
  });

  it('refuse memory outside of the file', () => {
    const beyond = new ArraySegments().add(chunk, 0, 10, 2 ** 31);
    expect(host.transfer.readSegments(fd, beyond, 0, 0)).toBe(-EFAULT);
    const across = new ArraySegments().add(chunk, 0, 10, 2 ** 30 - 5);
    expect(host.transfer.readSegments(fd, across, 0, 0)).toBe(-EFAULT);
  });

  it('take as many segments as the table holds', () => {
    const io = new ArraySegments();
    for (let i = 0; i < MAX_SEGMENTS + 5; i++) io.add(chunk, i, 1, i);
    expect(host.transfer.writeSegments(fd, io, 0, 0)).toBe(MAX_SEGMENTS);
  });
});
