// Unified diffs as git writes and reads them (git-diff(1), "Generating patch text with -p"). Bytes in, bytes out: names and contents
// need not be UTF-8.
import { createHash } from 'node:crypto';
import { type Edit, shortestEdit } from './myers.js';

export const CONTEXT = 3;
const NEWLINE = 10;
/** Git's own measure: a NUL in the first bytes makes a file binary. */
const BINARY_PROBE = 8000;
const NO_FILE = '0000000';

/** One side of a comparison. `mode` as git has it: 100644, 100755, 120000. `content` null: too large to compare. */
export interface DiffSide {
  readonly mode: string;
  readonly content: Buffer | null;
}

/** What became of one name (no leading slash, one character per byte). Null for a side that is not there. */
export function fileDiff(name: string, before: DiffSide | null, after: DiffSide | null): Buffer {
  if (before !== null && after !== null && fileType(before.mode) !== fileType(after.mode))
    return Buffer.concat([fileDiff(name, before, null), fileDiff(name, null, after)]);
  const body = sameContent(before, after) ? [] : bodyOf(name, before, after);
  const head = headOf(name, before, after, body.length > 0);
  return Buffer.concat([Buffer.from(head, 'latin1'), ...body]);
}

function fileType(mode: string): string {
  return mode.slice(0, 3);
}

function sameContent(before: DiffSide | null, after: DiffSide | null): boolean {
  const one = before === null ? Buffer.alloc(0) : before.content;
  const other = after === null ? Buffer.alloc(0) : after.content;
  return one !== null && other !== null && one.equals(other);
}

function headOf(name: string, before: DiffSide | null, after: DiffSide | null, hasBody: boolean): string {
  let text = `diff --git ${quoted(`a/${name}`)} ${quoted(`b/${name}`)}\n`;
  if (before === null) text += `new file mode ${after?.mode}\n`;
  else if (after === null) text += `deleted file mode ${before.mode}\n`;
  else if (before.mode !== after.mode) text += `old mode ${before.mode}\nnew mode ${after.mode}\n`;
  const modeOnIndex = before !== null && after !== null && before.mode === after.mode ? ` ${after.mode}` : '';
  if (hasBody || before === null || after === null)
    text += `index ${blobName(before)}..${blobName(after)}${modeOnIndex}\n`;
  return text;
}

function blobName(side: DiffSide | null): string {
  if (side === null || side.content === null) return NO_FILE;
  return createHash('sha1')
    .update(`blob ${side.content.length}\0`)
    .update(side.content)
    .digest('hex')
    .slice(0, 7);
}

function bodyOf(name: string, before: DiffSide | null, after: DiffSide | null): Buffer[] {
  const from = before === null ? '/dev/null' : quoted(`a/${name}`);
  const to = after === null ? '/dev/null' : quoted(`b/${name}`);
  const old = before === null ? Buffer.alloc(0) : before.content;
  const now = after === null ? Buffer.alloc(0) : after.content;
  if (old === null || now === null || isBinary(old) || isBinary(now))
    return [Buffer.from(`Binary files ${from} and ${to} differ\n`, 'latin1')];
  const tail = (text: string) => (text.includes(' ') && !text.startsWith('"') ? `${text}\t` : text);
  return [Buffer.from(`--- ${tail(from)}\n+++ ${tail(to)}\n`, 'latin1'), ...hunks(old, now)];
}

function isBinary(content: Buffer): boolean {
  return content.subarray(0, BINARY_PROBE).includes(0);
}

/** The hunks between two texts. */
export function hunks(before: Buffer, after: Buffer): Buffer[] {
  const numbers = new Map<string, number>();
  const old = splitLines(before, numbers);
  const now = splitLines(after, numbers);
  const edits = shortestEdit(old.ids, now.ids);
  const out: Buffer[] = [];
  for (let at = 0; at < edits.length; ) {
    const first = at++;
    while (at < edits.length && (edits[at] as Edit).oldFrom - (edits[at - 1] as Edit).oldTo <= 2 * CONTEXT)
      at++;
    writeHunk(out, old, now, edits.slice(first, at));
  }
  return out;
}

interface Lines {
  readonly lines: readonly Buffer[];
  /** Equal lines have equal numbers, on both sides. */
  readonly ids: Int32Array;
}

function splitLines(content: Buffer, numbers: Map<string, number>): Lines {
  const lines: Buffer[] = [];
  for (let at = 0; at < content.length; ) {
    const newline = content.indexOf(NEWLINE, at);
    const end = newline < 0 ? content.length : newline + 1;
    lines.push(content.subarray(at, end));
    at = end;
  }
  const ids = new Int32Array(lines.length);
  lines.forEach((line, index) => {
    const key = line.toString('latin1');
    const known = numbers.get(key) ?? numbers.size;
    numbers.set(key, known);
    ids[index] = known;
  });
  return { lines, ids };
}

function writeHunk(out: Buffer[], old: Lines, now: Lines, edits: readonly Edit[]): void {
  const first = edits[0] as Edit;
  const last = edits[edits.length - 1] as Edit;
  const oldFrom = Math.max(0, first.oldFrom - CONTEXT);
  const newFrom = Math.max(0, first.newFrom - CONTEXT);
  const oldTo = Math.min(old.lines.length, last.oldTo + CONTEXT);
  const newTo = Math.min(now.lines.length, last.newTo + CONTEXT);
  out.push(Buffer.from(`@@ -${range(oldFrom, oldTo)} +${range(newFrom, newTo)} @@\n`));
  let at = oldFrom;
  for (const edit of edits) {
    for (; at < edit.oldFrom; at++) writeLine(out, ' ', old.lines[at] as Buffer);
    for (; at < edit.oldTo; at++) writeLine(out, '-', old.lines[at] as Buffer);
    for (let line = edit.newFrom; line < edit.newTo; line++) writeLine(out, '+', now.lines[line] as Buffer);
  }
  for (; at < oldTo; at++) writeLine(out, ' ', old.lines[at] as Buffer);
}

/** Lines count from 1; an empty range names the line before it; a length of 1 is left out. */
function range(from: number, to: number): string {
  const length = to - from;
  if (length === 1) return `${from + 1}`;
  return `${length === 0 ? from : from + 1},${length}`;
}

function writeLine(out: Buffer[], mark: string, line: Buffer): void {
  out.push(Buffer.from(mark), line);
  if (line[line.length - 1] !== NEWLINE) out.push(Buffer.from('\n\\ No newline at end of file\n'));
}

const ESCAPES: Readonly<Record<string, string>> = {
  '\x07': '\\a',
  '\b': '\\b',
  '\t': '\\t',
  '\n': '\\n',
  '\v': '\\v',
  '\f': '\\f',
  '\r': '\\r',
  '"': '\\"',
  '\\': '\\\\',
};

/** As git quotes names with bytes that would confuse (core.quotePath). `name` has a character per byte. */
export function quoted(name: string): string {
  let inner = '';
  for (const char of name) inner += isPlain(char) ? char : escaped(char);
  return inner === name ? name : `"${inner}"`;
}

function isPlain(char: string): boolean {
  return char >= ' ' && char <= '~' && char !== '"' && char !== '\\';
}

function escaped(char: string): string {
  return ESCAPES[char] ?? `\\${char.charCodeAt(0).toString(8).padStart(3, '0')}`;
}
