import {
  EAGAIN,
  EBUSY,
  ENXIO,
  EPIPE,
  O_CREAT,
  O_DIRECT,
  O_NONBLOCK,
  O_RDONLY,
  O_RDWR,
  O_WRONLY,
  POLLERR,
  POLLHUP,
  POLLIN,
  POLLOUT,
  POLLRDNORM,
  POLLWRNORM,
  S_IFIFO,
} from '@sandbox-kernel/abi';
import {
  ByteSegments,
  createPipe,
  type FileDescription,
  fifoMustWait,
  makeNode,
  openFile,
  pipeOf,
  readFile,
  spliceFiles,
  teePipes,
  writeFile,
} from '@sandbox-kernel/vfs';
import { describe, expect, it } from 'vitest';
import { createWorld, mustOpen, type World } from '../support/world.js';

function pair(world: World, flags = 0): [FileDescription, FileDescription] {
  const ends: FileDescription[] = [];
  createPipe(world.caller, flags, ends);
  return [ends[0]!, ends[1]!];
}

function write(file: FileDescription, size: number): number {
  return writeFile(file, new ByteSegments().add(new Uint8Array(size).fill(7), 0, size), 0, Infinity);
}

function read(file: FileDescription, size: number): number {
  return readFile(file, new ByteSegments().add(new Uint8Array(size), 0, size), 0);
}

const READABLE = POLLIN | POLLRDNORM;
const WRITABLE = POLLOUT | POLLWRNORM;

describe('pipe', () => {
  it('holds sixteen pages and merges small writes', () => {
    const world = createWorld();
    const [reader, writer] = pair(world);
    for (let i = 0; i < 4096; i++) expect(write(writer, 16)).toBe(16);
    expect(write(writer, 1)).toBe(-EAGAIN);
    expect(read(reader, 1)).toBe(1);
    expect(writer.ops.poll(writer)).toBe(0);
    expect(read(reader, 4095)).toBe(4095);
    expect(writer.ops.poll(writer)).toBe(WRITABLE);
    expect(write(writer, 5000)).toBe(4096);
    reader.release();
    writer.release();
    expect(world.pages.used).toBe(0);
  });

  it('writes up to PIPE_BUF whole or not at all', () => {
    const [, writer] = pair(createWorld());
    expect(write(writer, 65_536 - 100)).toBe(65_436);
    expect(write(writer, 4096)).toBe(-EAGAIN);
    expect(write(writer, 100)).toBe(100);
  });

  it('keeps packets apart with O_DIRECT', () => {
    const [reader, writer] = pair(createWorld(), O_DIRECT);
    expect(write(writer, 10)).toBe(10);
    expect(write(writer, 10)).toBe(10);
    expect(read(reader, 4)).toBe(4);
    expect(read(reader, 100)).toBe(10);
    expect(read(reader, 100)).toBe(-EAGAIN);
  });

  it('tells end of file and broken pipes', () => {
    const one = pair(createWorld());
    one[1].release();
    expect(read(one[0], 1)).toBe(0);
    expect(one[0].ops.poll(one[0])).toBe(POLLHUP);
    const two = pair(createWorld());
    two[0].release();
    expect(write(two[1], 1)).toBe(-EPIPE);
    expect(two[1].ops.poll(two[1])).toBe(WRITABLE | POLLERR);
  });

  it('changes its size', () => {
    const [reader, writer] = pair(createWorld());
    const pipe = pipeOf(reader)!;
    expect(pipe.resize(1, 1 << 20)).toBe(4096);
    expect(write(writer, 5000)).toBe(4096);
    expect(pipe.resize(20_000, 1 << 20)).toBe(32_768);
    expect(write(writer, 5000)).toBe(5000);
    expect(pipe.resize(4096, 1 << 20)).toBe(-EBUSY);
    expect(read(reader, 10_000)).toBe(9096);
  });

  it('moves and doubles data without losing any', () => {
    const world = createWorld();
    const [reader, writer] = pair(world);
    const [second, into] = pair(world);
    write(writer, 6000);
    expect(teePipes(reader, into, 100)).toBe(100);
    expect(read(second, 1000)).toBe(100);
    expect(spliceFiles(reader, -1, into, -1, 5000, Infinity)).toBe(5000);
    expect(read(second, 10_000)).toBe(5000);
    expect(read(reader, 10_000)).toBe(1000);
    for (const file of [reader, writer, second, into]) file.release();
    expect(world.pages.used).toBe(0);
  });

  it('is given no more than its free pages hold, and keeps what the other side refuses', () => {
    const world = createWorld();
    const [reader, writer] = pair(world);
    const [second, into] = pair(world);
    // Pages that are shared take nothing more: fifteen of them with a byte each leave one.
    for (let i = 0; i < 15; i++) {
      write(writer, 1);
      expect(spliceFiles(reader, -1, into, -1, 1, Infinity)).toBe(1);
    }
    const file = mustOpen(world.caller, '/f', O_CREAT | O_RDWR);
    expect(write(file, 10_000)).toBe(10_000);
    file.position = 0;
    expect(spliceFiles(file, -1, into, -1, 10_000, Infinity)).toBe(4096);
    expect(file.position).toBe(4096);
    expect(spliceFiles(second, -1, file, -1, 10_000, 5000)).toBe(904);
    expect(pipeOf(second)!.available).toBe(15 + 4096 - 904);
    second.release();
    expect(spliceFiles(file, -1, into, -1, 100, Infinity)).toBe(-EPIPE);
    expect(file.position).toBe(5000);
  });
});

describe('fifo', () => {
  it('waits for its other side unless told not to', () => {
    const { caller } = createWorld();
    makeNode(caller, -100, '/f', S_IFIFO | 0o600, 0);
    expect(openFile(caller, -100, '/f', O_WRONLY | O_NONBLOCK, 0)).toBe(-ENXIO);
    const reader = mustOpen(caller, '/f', O_RDONLY);
    expect(fifoMustWait(reader)).toBe(true);
    const writer = mustOpen(caller, '/f', O_WRONLY);
    expect(fifoMustWait(reader)).toBe(false);
    expect(fifoMustWait(writer)).toBe(false);
    writer.release();
    expect(read(reader, 1)).toBe(0);
    expect(reader.ops.poll(reader)).toBe(POLLHUP);
    const both = mustOpen(caller, '/f', O_RDWR);
    expect(fifoMustWait(both)).toBe(false);
    expect(write(both, 3)).toBe(3);
    expect(reader.ops.poll(reader)).toBe(READABLE);
  });

  it('says nothing of hang-ups before a writer came', () => {
    const { caller } = createWorld();
    makeNode(caller, -100, '/f', S_IFIFO | 0o600, 0);
    const reader = mustOpen(caller, '/f', O_RDONLY | O_NONBLOCK);
    expect(reader.ops.poll(reader)).toBe(0);
  });
});
