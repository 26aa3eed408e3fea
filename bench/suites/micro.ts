// Micro benchmarks: one operation in a loop, timed by the program itself.
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import type { Benchmark, World } from '../benchmark.js';
import { flagsOf, folderOf, PLACES, type Place } from './places.js';

function self(name: string, program: string, ...args: string[]): Benchmark {
  return { name, timing: 'self', command: (world) => [world.guest, program, ...args] };
}

function fill(folder: string, prefix: string, count: number): true {
  mkdirSync(folder, { recursive: true });
  for (let i = 0; i < count; i++) writeFileSync(`${folder}/${prefix}${i}`, '');
  return true;
}

function inPlace(name: string, place: Place, command: (folder: string) => readonly string[]): Benchmark {
  return {
    name: `${name}/${place}`,
    timing: 'self',
    command: (world) => [world.guest, ...command(folderOf(world, place))],
    flags: (world) => flagsOf(world, place),
    prepare: (world) => place === 'tmpfs' || fill(folderOf(world, place), '', 0),
  };
}

/** A folder with many files, made on the host; in a tmpfs it is made by the program that is measured. */
function inFolder(name: string, program: string, prefix: string, count: number, place: Place): Benchmark {
  const folder = (world: World): string => `${folderOf(world, place)}/${program}`;
  const make = (at: string): string =>
    `mkdir -p ${at}; seq -f '${at}/${prefix}%.0f' 0 ${count - 1} | xargs touch`;
  return {
    name: `${name}/${place}`,
    timing: 'self',
    command: (world) =>
      place === 'tmpfs'
        ? [
            'sh',
            '-c',
            `${make(folder(world))}; ${world.guest} ${program} ${folder(world)}; rm -r ${folder(world)}`,
          ]
        : [world.guest, program, folder(world)],
    flags: (world) => flagsOf(world, place),
    prepare: (world) => place === 'tmpfs' || fill(folder(world), prefix, count),
  };
}

const each = (make: (place: Place) => Benchmark): readonly Benchmark[] => PLACES.map(make);

/** Its clock calls are in the figure on both sides. The file is in the cache on both: fio drops what it makes itself. */
const FIO =
  'fio --name=fio --ioengine=psync --thread --size=64m --runtime=500ms --time_based --invalidate=0 --minimal';

/** fio(1), sync engine: direction, order, block size. The figure is nanoseconds for one block. */
function fio(direction: 'read' | 'write', order: 'seq' | 'rand', size: '4k' | '1m'): readonly Benchmark[] {
  const rw = order === 'rand' ? `rand${direction}` : direction;
  const iops = direction === 'read' ? 8 : 49;
  const script = `cd "$1" && head -c 64M /dev/zero >fio && ${FIO} --rw=${rw} --bs=${size} --filename=fio | awk -F';' '{ print 1e9 / $${iops} }' && rm fio`;
  return each((place) => {
    const made = inPlace(`file/fio/${order}-${direction}-${size}`, place, () => []);
    return {
      ...made,
      command: (world) => ['/bin/sh', '-c', script, 'sh', folderOf(world, place)],
      prepare: (world) => existsSync('/usr/bin/fio') && made.prepare?.(world) !== false,
    };
  });
}

export const MICRO: readonly Benchmark[] = [
  self('syscall/getpid', 'getpid'),
  self('syscall/getpid/2', 'getpid-threads', '2'),
  self('syscall/getpid/8', 'getpid-threads', '8'),
  self('syscall/clock', 'clock'),
  ...each((place) => inPlace('file/open-close', place, (folder) => ['open-close', folder])),
  ...each((place) => inFolder('file/stat', 'stat', 's', 1000, place)),
  ...each((place) => inPlace('file/small-read', place, (folder) => ['small-read', folder])),
  ...each((place) => inFolder('file/readdir', 'readdir', 'file-', 20_000, place)),
  ...fio('read', 'seq', '4k'),
  ...fio('read', 'rand', '4k'),
  ...fio('write', 'seq', '4k'),
  ...fio('write', 'rand', '4k'),
  ...fio('read', 'seq', '1m'),
  ...fio('read', 'rand', '1m'),
  ...fio('write', 'seq', '1m'),
  ...fio('write', 'rand', '1m'),
  self('mem/alloc', 'alloc'),
  self('mem/touch', 'touch'),
  self('mem/bandwidth', 'bandwidth'),
  self('mem/fork-1g', 'fork-large'),
  self('cpu/prime', 'prime'),
  self('proc/fork-exec', 'fork-exec'),
  self('proc/pipe', 'pipe'),
  self('proc/futex/1', 'futex', '1'),
  self('proc/futex/2', 'futex', '2'),
  self('proc/futex/8', 'futex', '8'),
];
