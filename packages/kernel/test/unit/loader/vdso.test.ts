import { AT_NULL, AT_SYSINFO_EHDR, PROT_EXEC, PROT_READ, PROT_WRITE } from '@sandbox-kernel/abi';
import type { Task, VdsoImage } from '@sandbox-kernel/kernel';
import { VfsPrograms } from '@sandbox-kernel/kernel';
import type { MemoryFile } from '@sandbox-kernel/mm';
import { expect, test } from 'vitest';
import { Machine } from '../../support/machine.js';

const PAGE = 4096;

/** A page whose first byte is 0x7f, and as many data pages below it, which begin with 0xda. */
function imageWith(dataPages: number): (pages: MemoryFile) => VdsoImage {
  return (pages) => {
    const at = pages.allocate((dataPages + 1) * PAGE);
    pages.chunk(at)[at] = 0xda;
    pages.chunk(at)[at + dataPages * PAGE] = 0x7f;
    return {
      offset: at + dataPages * PAGE,
      size: PAGE,
      dataOffset: at,
      dataSize: dataPages * PAGE,
      processorsChosen() {},
    };
  };
}

function vdsoAddress(task: Task): number {
  const words = new DataView(task.image.auxv.buffer, task.image.auxv.byteOffset, task.image.auxv.byteLength);
  for (let at = 0; at + 16 <= words.byteLength; at += 16) {
    const tag = Number(words.getBigUint64(at, true));
    if (tag === AT_SYSINFO_EHDR) return Number(words.getBigUint64(at + 8, true));
    if (tag === AT_NULL) break;
  }
  return 0;
}

test('a program finds the vDSO by AT_SYSINFO_EHDR, with its parameters in the page below', () => {
  const { init } = new Machine(new VfsPrograms(), 1000, imageWith(1));
  const at = vdsoAddress(init);
  expect(at % PAGE).toBe(0);
  expect(init.memory.readU8(at)).toBe(0x7f);
  expect(init.memory.readU8(at - PAGE)).toBe(0xda);
});

test('a vDSO needs no data pages', () => {
  const { init } = new Machine(new VfsPrograms(), 1000, imageWith(0));
  expect(init.memory.readU8(vdsoAddress(init))).toBe(0x7f);
});

test('without an image there is none to be found', () => {
  expect(vdsoAddress(new Machine().init)).toBe(0);
});

test('nothing makes it writable, not even for a copy of its own', () => {
  const { init } = new Machine(new VfsPrograms(), 1000, imageWith(1));
  const at = vdsoAddress(init);
  for (const page of [at, at - PAGE]) {
    expect(init.memory.mprotect(page, PAGE, PROT_READ | PROT_WRITE)).toBeLessThan(0);
    expect(init.memory.writeU8(page, 1)).toBeLessThan(0);
  }
  expect(init.memory.mprotect(at - PAGE, PAGE, PROT_READ | PROT_EXEC)).toBeLessThan(0);
  expect(init.memory.readU8(at)).toBe(0x7f);
});
