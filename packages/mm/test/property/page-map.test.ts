// MemoryManager against a naive page map: random sequences of calls over several forked address spaces, memory-backed and host-backed files,
// shared memory. After each call, what the platform has mapped is compared with the model, content included.
import {
  EPERM,
  MADV_COLLAPSE,
  MADV_DOFORK,
  MADV_DONTFORK,
  MADV_DONTNEED,
  MADV_KEEPONFORK,
  MADV_WIPEONFORK,
  MAP_ANONYMOUS,
  MAP_FIXED,
  MAP_POPULATE,
  MAP_PRIVATE,
  MAP_SHARED,
  MREMAP_DONTUNMAP,
  MREMAP_FIXED,
  MREMAP_MAYMOVE,
} from '@sandbox-kernel/abi';
import { ACCESS_READ, ACCESS_WRITE } from '@sandbox-kernel/contracts';
import { IoBuffers, type MappedFile, MemoryManager, VM_DONTCOPY, VM_WIPEONFORK } from '@sandbox-kernel/mm';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { HostBackedFile, MemoryBackedFile } from '../support/fake-files.js';
import {
  type Access,
  areasOf,
  checkMappings,
  checkTables,
  Model,
  type ModelFile,
  type ModelPage,
  SIGBUS,
  SIGSEGV,
  touch,
  WORD,
} from '../support/model.js';
import { MIB, PAGE, type World, world } from '../support/world.js';

const BASE = 0x1000_0000;
const ARENA = 40;
const FILE_PAGES = 12;

const TUNING = {
  eagerBytes: 4 * PAGE,
  faultBlock: 8 * PAGE,
  copyBlock: 4 * PAGE,
  fileCopyBlock: PAGE,
  fileBlock: 8 * PAGE,
};

interface Process {
  readonly mm: MemoryManager;
  readonly model: Model;
}

class Machine {
  readonly world: World;
  readonly processes: Process[];
  readonly memoryFile: MemoryBackedFile;
  readonly hostFile: HostBackedFile;
  readonly files: readonly ModelFile[];
  #counter: number;

  constructor(deferBytes: number) {
    this.world = world({ tuning: { ...TUNING, deferBytes }, capacity: 16 * MIB });
    this.processes = [{ mm: this.world.mm, model: new Model() }];
    this.memoryFile = new MemoryBackedFile(this.world.file, FILE_PAGES);
    this.hostFile = new HostBackedFile(FILE_PAGES * PAGE);
    this.files = [this.modelFile(this.memoryFile, 100), this.modelFile(this.hostFile, 200)];
    this.#counter = 1000;
  }

  modelFile(file: MemoryBackedFile | HostBackedFile, base: number): ModelFile {
    const content = new Map<number, number>();
    for (let k = 0; k < FILE_PAGES; k++) {
      content.set(k, base + k);
      file.writeAt(k * PAGE + WORD, new Uint8Array([base + k]), 0, 1);
    }
    return { content, pages: FILE_PAGES, hostBytes: null };
  }

  fresh(): number {
    return ++this.#counter;
  }

  check(): void {
    for (const { mm, model } of this.processes) {
      expect(areasOf(mm)).toEqual(model.areas());
      checkTables(mm);
      checkMappings(this.world, mm, model, this.hostFile.bytes);
    }
  }

  end(): void {
    for (const { mm } of this.processes) mm.destroy();
    expect(this.memoryFile.mappings).toEqual([]);
    expect(this.hostFile.mappings).toEqual([]);
    this.memoryFile.release();
    expect(this.world.file.holdings()).toEqual([]);
    expect(this.world.file.used).toBe(0);
  }
}

interface Step {
  readonly op: string;
  readonly who: number;
  readonly at: number;
  readonly length: number;
  readonly a: number;
  readonly b: number;
}

const prots = [3, 3, 1, 0, 5, 7, 2];

function pick(machine: Machine, step: Step): Process {
  return machine.processes[step.who % machine.processes.length]!;
}

const addressOf = (step: Step): number => BASE + (step.at % ARENA) * PAGE;

function remove(model: Model, start: number, bytes: number): void {
  for (let at = start; at < start + bytes; at += PAGE) model.pages.delete(at);
}

function applyMmap(machine: Machine, { mm, model }: Process, step: Step): void {
  const bytes = step.length * PAGE;
  const prot = prots[step.a % prots.length]!;
  const kind = step.b % 6;
  const shared = kind === 1 || kind === 3 || kind === 5;
  const which = kind < 2 ? -1 : kind < 4 ? 0 : 1;
  const index = step.at % 6;
  const fixed = step.b % 7 !== 0;
  const populate = step.b % 5 === 0 ? MAP_POPULATE : 0;
  const flags =
    (shared ? MAP_SHARED : MAP_PRIVATE) |
    (which < 0 ? MAP_ANONYMOUS : 0) |
    (fixed ? MAP_FIXED : 0) |
    populate;
  const mappable = which === 0 ? machine.memoryFile : machine.hostFile;
  const file: MappedFile | null =
    which < 0 ? null : { mappable, readable: true, writable: true, appendOnly: false, noexec: false };
  const result = mm.mmap(addressOf(step), bytes, prot, flags, file, which < 0 ? 0 : index * PAGE);
  if (fixed && model.hasSealed(addressOf(step), bytes)) {
    expect(result).toBe(-EPERM);
    return;
  }
  expect(result).toBeGreaterThan(0);
  if (fixed) expect(result).toBe(addressOf(step));
  else for (let at = result; at < result + bytes; at += PAGE) expect(model.pages.has(at)).toBe(false);
  const anonymous: ModelFile = { content: new Map(), pages: step.length, hostBytes: null };
  for (let k = 0; k < step.length; k++) {
    const backing = which >= 0 ? machine.files[which]! : shared ? anonymous : null;
    const page: ModelPage = {
      prot,
      advice: 0,
      sealed: false,
      shared,
      file: backing,
      index: which >= 0 ? index + k : k,
      own: null,
    };
    // As in Linux, prefaulting a private writable mapping copies it.
    if (populate !== 0 && backing !== null && !shared && prot & 2 && page.index < backing.pages) {
      page.own = model.content(page);
    }
    model.pages.set(result + k * PAGE, page);
  }
}

function applyMprotect(_machine: Machine, { mm, model }: Process, step: Step): void {
  const start = addressOf(step);
  const prot = prots[step.a % prots.length]!;
  const result = mm.mprotect(start, step.length * PAGE, prot);
  if (model.pages.has(start) && model.hasSealed(start, step.length * PAGE)) {
    expect(result).toBe(-EPERM);
    return;
  }
  let expected = 0;
  for (let at = start; at < start + step.length * PAGE; at += PAGE) {
    const page = model.pages.get(at);
    if (page === undefined) {
      expected = -12;
      break;
    }
    page.prot = prot;
  }
  expect(result).toBe(expected);
}

/** Is [start, start + bytes) within one area? */
function isOneArea(model: Model, start: number, bytes: number): boolean {
  for (let at = start; at + PAGE < start + bytes; at += PAGE) if (!model.continues(at)) return false;
  return model.pages.has(start);
}

function applyMremap(_machine: Machine, { mm, model }: Process, step: Step): void {
  const start = addressOf(step);
  const oldBytes = step.length * PAGE;
  const newBytes = (1 + (step.a % 12)) * PAGE;
  const kind = step.b % 4;
  const flags =
    kind === 0
      ? 0
      : kind === 1
        ? MREMAP_MAYMOVE
        : kind === 2
          ? MREMAP_MAYMOVE | MREMAP_FIXED
          : MREMAP_MAYMOVE | MREMAP_DONTUNMAP;
  const length = kind === 3 ? oldBytes : newBytes;
  const target = BASE + ((step.a * 7 + step.b) % ARENA) * PAGE;
  const overlaps = start + oldBytes > target && target + length > start;
  const first = model.pages.get(start);
  const one = isOneArea(model, start, oldBytes);
  if (first?.sealed !== true) {
    // What happens to a range that is sealed in part depends on the way that the call takes.
    if (model.hasSealed(start, oldBytes) || (kind === 2 && model.hasSealed(target, length))) return;
  }
  const result = mm.mremap(start, oldBytes, length, flags, kind === 3 ? 0 : target);
  if (first === undefined) {
    expect(result).toBe(-14);
    return;
  }
  if (first.sealed) {
    expect(result).toBe(-EPERM);
    return;
  }
  if (kind === 2) {
    if (overlaps) {
      expect(result).toBe(-22);
      return;
    }
    remove(model, target, length);
    if (oldBytes > length) remove(model, start + length, oldBytes - length);
  }
  const kept = Math.min(oldBytes, length);
  if (kind < 2 && length <= oldBytes) {
    expect(result).toBe(start);
    remove(model, start + length, oldBytes - length);
    return;
  }
  if (!(kind === 2 ? isOneArea(model, start, kept) : one)) {
    expect(result).toBe(-14);
    return;
  }
  if (kind === 0 && result === -12) {
    const free = Array.from({ length: (length - oldBytes) / PAGE }, (_, k) =>
      model.pages.has(start + oldBytes + k * PAGE),
    );
    expect(free.includes(true)).toBe(true);
    return;
  }
  expect(result).toBeGreaterThan(0);
  const moved: ModelPage[] = [];
  for (let k = 0; k < length / PAGE; k++) {
    const old = k < kept / PAGE ? model.pages.get(start + k * PAGE)! : null;
    moved.push(old === null ? { ...first, index: first.index + k, own: null } : { ...old });
  }
  for (let k = 0; k < kept / PAGE; k++) {
    if (kind === 3) model.pages.get(start + k * PAGE)!.own = null;
    else model.pages.delete(start + k * PAGE);
  }
  for (const [k, page] of moved.entries()) {
    const at = result + k * PAGE;
    if (result !== start || k >= kept / PAGE) expect(model.pages.has(at)).toBe(false);
    model.pages.set(at, page);
  }
}

const ADVICE: readonly (readonly [number, number, number])[] = [
  [MADV_DONTFORK, VM_DONTCOPY, 0],
  [MADV_DOFORK, 0, VM_DONTCOPY],
  [MADV_WIPEONFORK, VM_WIPEONFORK, 0],
  [MADV_KEEPONFORK, 0, VM_WIPEONFORK],
  [MADV_DONTNEED, 0, 0],
];

/** mseal(2): advice that destroys content of sealed memory is for those who can write it. */
function isKept(model: Model, start: number, bytes: number, advice: number): boolean {
  if (![MADV_DONTNEED, MADV_DONTFORK, MADV_WIPEONFORK].includes(advice)) return false;
  for (let at = start; at < start + bytes; at += PAGE) {
    const page = model.pages.get(at);
    if (page?.sealed && page.file === null && (page.prot & 2) === 0) return true;
  }
  return false;
}

function applyMadvise(_machine: Machine, { mm, model }: Process, step: Step): void {
  const start = addressOf(step);
  const [advice, set, clear] = ADVICE[step.a % ADVICE.length]!;
  const result = mm.madvise(start, step.length * PAGE, advice);
  if (isKept(model, start, step.length * PAGE, advice)) {
    expect(result).toBe(-EPERM);
    return;
  }
  let expected = 0;
  for (let at = start; at < start + step.length * PAGE; at += PAGE) {
    const page = model.pages.get(at);
    if (page === undefined) {
      expected = -12;
      continue;
    }
    if (advice === MADV_WIPEONFORK && page.file !== null) {
      expect(result).toBe(-22);
      return;
    }
    page.advice = (page.advice | set) & ~clear;
    if (advice === MADV_DONTNEED) page.own = null;
  }
  expect(result).toBe(expected);
}

/** What an access to a page must give: the content, or the signal. */
function expectedOf(model: Model, at: number, access: Access): number {
  const page = model.pages.get(at);
  if (page === undefined) return -(SIGSEGV * 10 + 1);
  const need = access === 'write' ? 2 : access === 'execute' ? 4 : 7;
  if ((page.prot & need) === 0) return -(SIGSEGV * 10 + 2);
  if (page.file !== null && page.own === null && page.index >= page.file.pages) return -(SIGBUS * 10 + 2);
  return model.content(page);
}

const NO_ACCESS = -(SIGSEGV * 10 + 2);
const NO_PAGE = -(SIGBUS * 10 + 2);

function applyTouch(machine: Machine, { mm, model }: Process, step: Step): void {
  const at = addressOf(step);
  const access: Access = step.a % 5 === 0 ? 'execute' : step.a % 2 === 0 ? 'read' : 'write';
  const value = machine.fresh();
  const expected = expectedOf(model, at, access);
  const knows = step.b % 3 !== 0;
  const result = touch(machine.world, mm, at, access, knows, value, machine.hostFile.bytes);
  // Not knowing the access, the first thing to find out is that the file has no such page.
  const beyond = !knows && expected === NO_ACCESS && expectedOf(model, at, 'read') === NO_PAGE;
  expect(result).toBe(beyond ? NO_PAGE : expected);
  if (access === 'write' && result >= 0) model.write(model.pages.get(at)!, value);
}

function applyCopy(machine: Machine, { mm, model }: Process, step: Step): void {
  const start = addressOf(step);
  const write = step.a % 2 === 0;
  const bytes = new Uint8Array(step.length * PAGE);
  let reachable = 0;
  while (reachable < step.length) {
    if (expectedOf(model, start + reachable * PAGE, write ? 'write' : 'read') < 0) break;
    reachable++;
  }
  if (!write) {
    expect(mm.copyIn(start, bytes, 0, bytes.length)).toBe(reachable * PAGE);
    const view = new DataView(bytes.buffer);
    for (let k = 0; k < reachable; k++) {
      const wanted = model.content(model.pages.get(start + k * PAGE)!);
      expect(view.getUint32(k * PAGE + WORD, true)).toBe(wanted);
    }
    const io = new IoBuffers();
    const added = mm.addSegments(start, bytes.length, ACCESS_READ, io);
    expect(added).toBe(reachable === 0 ? -14 : reachable * PAGE);
    return;
  }
  const value = machine.fresh();
  new DataView(bytes.buffer).setUint32(WORD, value, true);
  for (let k = 1; k < step.length; k++) bytes.copyWithin(k * PAGE, 0, PAGE);
  if (step.b % 2 === 0) expect(mm.copyOut(start, bytes, 0, bytes.length)).toBe(reachable * PAGE);
  else {
    const io = new IoBuffers();
    mm.addSegments(start, bytes.length, ACCESS_WRITE, io);
    expect(io.total).toBe(reachable * PAGE);
    let from = 0;
    for (let k = 0; k < io.count; k++) {
      io.arrays[k]!.set(bytes.subarray(from, from + io.lengths[k]!), io.starts[k]!);
      from += io.lengths[k]!;
    }
    expect(io.commit(from)).toBe(0);
  }
  for (let k = 0; k < reachable; k++) model.write(model.pages.get(start + k * PAGE)!, value);
}

function applyFork(machine: Machine, { mm, model }: Process, step: Step): void {
  if (machine.processes.length >= 4) {
    const [gone] = machine.processes.splice(step.a % 4, 1);
    gone!.mm.destroy();
    return;
  }
  const child = mm.fork(machine.world.spaces);
  if (!(child instanceof MemoryManager)) throw new Error('fork failed');
  machine.processes.push({ mm: child, model: model.fork() });
}

function applyTruncate(machine: Machine, _process: Process, step: Step): void {
  const which = step.a % 2;
  const file = which === 0 ? machine.memoryFile : machine.hostFile;
  const model = machine.files[which]!;
  const pages = step.at % (model.pages + 1);
  file.truncate(pages * PAGE);
  model.pages = pages;
  for (const process of machine.processes) {
    for (const page of process.model.pages.values()) {
      if (page.file === model && page.index >= pages) page.own = null;
    }
  }
}

function applyMunmap(_machine: Machine, { mm, model }: Process, step: Step): void {
  const sealed = model.hasSealed(addressOf(step), step.length * PAGE);
  expect(mm.munmap(addressOf(step), step.length * PAGE)).toBe(sealed ? -EPERM : 0);
  if (sealed) return;
  remove(model, addressOf(step), step.length * PAGE);
}

function applyMlock(_machine: Machine, { mm, model }: Process, step: Step): void {
  const start = addressOf(step);
  for (let at = start; at < start + step.length * PAGE; at += PAGE) if (!model.pages.has(at)) return;
  mm.mlock(start, step.length * PAGE, 0);
  for (let at = start; at < start + step.length * PAGE; at += PAGE) {
    const page = model.pages.get(at)!;
    const copies = page.file !== null && !page.shared && page.prot & 2 && page.index < page.file.pages;
    // Prefaulting ends at the first page that can't be had.
    if (page.file !== null && page.prot !== 0 && page.own === null && page.index >= page.file.pages) break;
    if (copies) page.own = model.content(page);
  }
  expect(mm.munlock(start, step.length * PAGE)).toBe(0);
}

/** A small range, now and then: what is sealed stays. */
function applyMseal(_machine: Machine, { mm, model }: Process, step: Step): void {
  if (step.a % 3 !== 0) return;
  const start = addressOf(step);
  const count = 1 + (step.length % 3);
  const pages = Array.from({ length: count }, (_, k) => model.pages.get(start + k * PAGE));
  const whole = pages.every((page) => page !== undefined);
  expect(mm.mseal(start, count * PAGE, 0)).toBe(whole ? 0 : -12);
  if (whole) for (const page of pages) page!.sealed = true;
}

/** Moves blocks to another place in the memory file, which nobody may notice. */
function applyCollapse(_machine: Machine, { mm }: Process, step: Step): void {
  const result = mm.madvise(addressOf(step), step.length * 2 * PAGE, MADV_COLLAPSE);
  expect([0, -12, -22]).toContain(result);
}

const OPS: Record<string, (machine: Machine, process: Process, step: Step) => void> = {
  mmap: applyMmap,
  munmap: applyMunmap,
  mprotect: applyMprotect,
  mremap: applyMremap,
  madvise: applyMadvise,
  touch: applyTouch,
  copy: applyCopy,
  fork: applyFork,
  truncate: applyTruncate,
  mlock: applyMlock,
  mseal: applyMseal,
  collapse: applyCollapse,
};

const names = ['mmap', 'mmap', 'munmap', 'mprotect', 'mprotect', 'mremap', 'madvise', 'touch', 'touch'];
const stepArbitrary = fc.record({
  op: fc.constantFrom(...names, 'touch', 'copy', 'copy', 'fork', 'truncate', 'mlock', 'mseal', 'collapse'),
  who: fc.nat(3),
  at: fc.nat(ARENA - 1),
  length: fc.integer({ min: 1, max: 14 }),
  a: fc.nat(200),
  b: fc.nat(200),
});

test('any sequence of memory calls leaves the platform in agreement with a naive page map', () => {
  fc.assert(
    fc.property(fc.array(stepArbitrary, { minLength: 1, maxLength: 60 }), fc.nat(20), (steps, defer) => {
      const machine = new Machine(defer * PAGE);
      for (const step of steps) {
        OPS[step.op]!(machine, pick(machine, step), step);
        machine.check();
      }
      machine.end();
    }),
    { numRuns: 300 },
  );
});
