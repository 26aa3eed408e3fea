// Micro benchmarks: one operation in a loop, timed by the program itself.
import { mkdirSync, writeFileSync } from 'node:fs';
import type { Benchmark, World } from '../benchmark.js';

function self(name: string, program: string, ...args: string[]): Benchmark {
  return { name, timing: 'self', command: (world) => [world.guest, program, ...args] };
}

function fill(folder: string, prefix: string, count: number): true {
  mkdirSync(folder, { recursive: true });
  for (let i = 0; i < count; i++) writeFileSync(`${folder}/${prefix}${i}`, '');
  return true;
}

const inFolder = (name: string, program: string, prefix: string, count: number): Benchmark => ({
  name,
  timing: 'self',
  command: (world: World) => [world.guest, program, `${world.folder}/${program}`],
  prepare: (world) => fill(`${world.folder}/${program}`, prefix, count),
});

export const MICRO: readonly Benchmark[] = [
  self('syscall/getpid', 'getpid'),
  self('syscall/clock', 'clock'),
  { name: 'file/open-close/root', timing: 'self', command: (w) => [w.guest, 'open-close', w.folder] },
  {
    name: 'file/open-close/tmpfs',
    timing: 'self',
    command: (w) => [w.guest, 'open-close', '/dev/shm'],
    flags: () => ['--tmpfs', '/dev/shm'],
  },
  {
    name: 'file/open-close/bind',
    timing: 'self',
    command: (w) => [w.guest, 'open-close', w.folder],
    flags: (w) => ['-v', `${w.folder}:${w.folder}`],
  },
  inFolder('file/stat', 'stat', 's', 1000),
  { name: 'file/small-read', timing: 'self', command: (w) => [w.guest, 'small-read', w.folder] },
  inFolder('file/readdir', 'readdir', 'file-', 20_000),
  self('mem/alloc', 'alloc'),
  self('mem/touch', 'touch'),
  self('mem/fork-1g', 'fork-large'),
  self('proc/fork-exec', 'fork-exec'),
  self('proc/pipe', 'pipe'),
  self('proc/futex/2', 'futex', '2'),
  self('proc/futex/8', 'futex', '8'),
];
