// Trees and files with fixed content, modes and times, so that two listings of them can only differ by a defect.
import {
  chmodSync,
  closeSync,
  linkSync,
  lutimesSync,
  mkdirSync,
  openSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
  writeSync,
} from 'node:fs';

const TIME = 1_600_000_000;

/** 20 folders of 100 files, links of both kinds, odd names, modes and sizes; and `words`, 50,000 lines to sort. */
export function makeTree(root: string): void {
  chmodSync(root, 0o777);
  mkdirSync(`${root}/tree`);
  for (let i = 0; i < 20; i++) makeFolder(`${root}/tree/d${i}`, i);
  symlinkSync('d0/f0', `${root}/tree/link`);
  symlinkSync('nowhere', `${root}/tree/dangling`);
  linkSync(`${root}/tree/d0/f0`, `${root}/tree/hard`);
  for (const name of ['link', 'dangling']) lutimesSync(`${root}/tree/${name}`, TIME, TIME);
  writeFileSync(`${root}/tree/with space\tand\nnewline`, 'x');
  writeFileSync(`${root}/tree/${'n'.repeat(255)}`, '');
  utimesSync(`${root}/tree`, TIME, TIME);
  const words: string[] = [];
  for (let i = 0; i < 50_000; i++)
    words.push(`${WORDS[(i * 7919) % WORDS.length]} ${(i * 104_729) % 65_536}`);
  writeFileSync(`${root}/words`, `${words.join('\n')}\n`);
}

const WORDS = ['fork', 'exec', 'wait', 'open', 'read', 'write', 'close'];

function makeFolder(path: string, seed: number): void {
  mkdirSync(path);
  for (let i = 0; i < 100; i++) {
    const file = `${path}/f${i}`;
    writeFileSync(file, `${seed}:${i}\n`.repeat((i * 37) % 400));
    chmodSync(file, i % 3 === 0 ? 0o644 : i % 3 === 1 ? 0o755 : 0o604);
    utimesSync(file, TIME + i, TIME + seed * 100 + i);
  }
  utimesSync(path, TIME, TIME);
}

/** `size` bytes that don't repeat within a page, written in chunks of 1 MiB. */
export function makeBigFile(path: string, size: number): void {
  const chunk = Buffer.alloc(1 << 20);
  const words = new Uint32Array(chunk.buffer, chunk.byteOffset, chunk.length / 4);
  const fd = openSync(path, 'w');
  let state = 1;
  for (let written = 0; written < size; written += chunk.length) {
    for (let i = 0; i < words.length; i += 8) {
      state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
      words[i] = state;
    }
    writeSync(fd, chunk, 0, Math.min(chunk.length, size - written));
  }
  closeSync(fd);
}
