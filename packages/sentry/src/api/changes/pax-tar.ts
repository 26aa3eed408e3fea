// Tar archives in the POSIX pax format (pax(1), "pax Interchange Format"; ustar header), with GNU tar's sparse format 1.0 and SCHILY.xattr
// records as GNU tar and libarchive read them.

const BLOCK = 512;
const MAX_OCTAL_SIZE = 8 ** 11 - 1;
const MAX_OCTAL_ID = 8 ** 7 - 1;

export type TarType = 'file' | 'link' | 'symlink' | 'character' | 'block' | 'directory' | 'fifo';

const TYPE_FLAGS: Readonly<Record<TarType, string>> = {
  file: '0',
  link: '1',
  symlink: '2',
  character: '3',
  block: '4',
  directory: '5',
  fifo: '6',
};

export interface TarEntry {
  /** One character per byte, no leading slash; directories end with one. */
  readonly name: string;
  readonly type: TarType;
  /** Permission bits. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** Bytes of data that follow in the archive; for sparse files what `sparse` makes of them. */
  readonly size: number;
  readonly mtime: number;
  readonly mtimeNanos: number;
  /** Of links. */
  readonly target: string;
  readonly major: number;
  readonly minor: number;
  /** Name and value. */
  readonly xattrs: readonly (readonly [string, Buffer])[];
  /** Ranges of data, offset and length, of a sparse file of `size` bytes; null: no holes. */
  readonly sparse: readonly (readonly [number, number])[] | null;
}

/** Header blocks of an entry. Its data follows, padded with `padding`. */
export function tarHeader(entry: TarEntry): Buffer {
  const map = entry.sparse === null ? null : sparseMap(entry.sparse);
  const stored = map === null ? entry.size : map.length + sum(entry.sparse ?? []);
  const records = paxRecords(entry, stored);
  const blocks: Buffer[] = [];
  if (records.length > 0) {
    const name = `PaxHeaders/${baseName(entry.name)}`.slice(0, 99);
    const header = { ...entry, name, mode: 0o644, target: '', major: 0, minor: 0 };
    blocks.push(ustar(header, 'x', records.length), records, padding(records.length));
  }
  const size = entry.type === 'file' ? stored : 0;
  blocks.push(ustar(entry, TYPE_FLAGS[entry.type], size));
  if (map !== null) blocks.push(map);
  return Buffer.concat(blocks);
}

/** Zeros that fill the last block of `length` bytes. */
export function padding(length: number): Buffer {
  return Buffer.alloc((BLOCK - (length % BLOCK)) % BLOCK);
}

/** Two empty blocks. */
export function tarEnd(): Buffer {
  return Buffer.alloc(2 * BLOCK);
}

function sum(ranges: readonly (readonly [number, number])[]): number {
  return ranges.reduce((total, [, length]) => total + length, 0);
}

function baseName(name: string): string {
  return name.replace(/\/$/, '').replace(/^.*\//, '');
}

/** Count, then offset and length of each range, decimal lines, padded to a block. */
function sparseMap(ranges: readonly (readonly [number, number])[]): Buffer {
  const text = `${[ranges.length, ...ranges.flat()].join('\n')}\n`;
  return Buffer.concat([Buffer.from(text), padding(text.length)]);
}

function paxRecords(entry: TarEntry, stored: number): Buffer {
  const records: Buffer[] = [];
  const add = (key: string, value: string | Buffer) => records.push(paxRecord(key, value));
  const binary = !isUtf8(entry.name) || !isUtf8(entry.target);
  if (binary) add('hdrcharset', 'BINARY');
  if (entry.sparse !== null) {
    add('GNU.sparse.major', '1');
    add('GNU.sparse.minor', '0');
    add('GNU.sparse.name', Buffer.from(entry.name, 'latin1'));
    add('GNU.sparse.realsize', `${entry.size}`);
  } else if (!fits(entry.name)) add('path', Buffer.from(entry.name, 'latin1'));
  if (!fits(entry.target)) add('linkpath', Buffer.from(entry.target, 'latin1'));
  if (stored > MAX_OCTAL_SIZE) add('size', `${stored}`);
  if (entry.uid > MAX_OCTAL_ID) add('uid', `${entry.uid}`);
  if (entry.gid > MAX_OCTAL_ID) add('gid', `${entry.gid}`);
  if (entry.mtimeNanos !== 0 || entry.mtime < 0 || entry.mtime > MAX_OCTAL_SIZE)
    add('mtime', paxTime(entry.mtime, entry.mtimeNanos));
  for (const [name, value] of entry.xattrs) add(`SCHILY.xattr.${name}`, value);
  return Buffer.concat(records);
}

function fits(text: string): boolean {
  return text.length <= 100 && !/[^\x20-\x7e]/.test(text);
}

function isUtf8(text: string): boolean {
  const bytes = Buffer.from(text, 'latin1');
  return Buffer.from(bytes.toString('utf8'), 'utf8').equals(bytes);
}

/** Seconds with nine decimals; nanoseconds count upwards also before 1970. */
function paxTime(seconds: number, nanos: number): string {
  if (nanos === 0) return `${seconds}`;
  if (seconds >= 0) return `${seconds}.${String(nanos).padStart(9, '0')}`;
  const whole = -(seconds + 1);
  return `-${whole}.${String(1e9 - nanos).padStart(9, '0')}`;
}

/** `LENGTH KEY=VALUE\n`, where LENGTH counts itself. */
function paxRecord(key: string, value: string | Buffer): Buffer {
  const body = Buffer.concat([
    Buffer.from(` ${key}=`, 'latin1'),
    typeof value === 'string' ? Buffer.from(value, 'latin1') : value,
    Buffer.from('\n'),
  ]);
  let length = body.length + 1;
  while (`${length}`.length + body.length !== length) length = `${length}`.length + body.length;
  return Buffer.concat([Buffer.from(`${length}`), body]);
}

function ustar(entry: TarEntry, flag: string, size: number): Buffer {
  const block = Buffer.alloc(BLOCK);
  const text = (at: number, length: number, value: string) =>
    block.write(value.slice(0, length), at, 'latin1');
  const octal = (at: number, length: number, value: number, limit: number) =>
    text(at, length, (value < 0 || value > limit ? 0 : value).toString(8).padStart(length, '0'));
  text(0, 100, entry.name);
  octal(100, 7, entry.mode & 0o7777, MAX_OCTAL_ID);
  octal(108, 7, entry.uid, MAX_OCTAL_ID);
  octal(116, 7, entry.gid, MAX_OCTAL_ID);
  octal(124, 11, size, MAX_OCTAL_SIZE);
  octal(136, 11, entry.mtime, MAX_OCTAL_SIZE);
  text(148, 8, '        ');
  text(156, 1, flag);
  text(157, 100, entry.target);
  text(257, 8, 'ustar\x0000');
  octal(329, 7, entry.major, MAX_OCTAL_ID);
  octal(337, 7, entry.minor, MAX_OCTAL_ID);
  let checksum = 0;
  for (const byte of block) checksum += byte;
  text(148, 8, `${checksum.toString(8).padStart(6, '0')}\0 `);
  return block;
}
