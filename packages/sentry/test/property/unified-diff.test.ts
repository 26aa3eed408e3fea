// A diff applied to the old text gives the new one, and says no more than it must.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { shortestEdit } from '../../src/api/changes/myers.js';
import { fileDiff, hunks, quoted } from '../../src/api/changes/unified-diff.js';

/** What patch(1) does, by the line numbers of the hunks. */
function patch(before: string, diff: string): string {
  const old = lines(before);
  const out: string[] = [];
  let at = 0;
  for (const line of lines(diff)) {
    const header = /^@@ -(\d+)(?:,(\d+))? \+\d+(?:,\d+)? @@\n$/.exec(line);
    if (header !== null) {
      const start = Number(header[1]) - (header[2] === '0' ? 0 : 1);
      while (at < start) out.push(old[at++] as string);
    } else if (line.startsWith('\\')) out.push((out.pop() ?? '').replace(/\n$/, ''));
    else if (line[0] === '-' || line[0] === ' ') {
      const kept = old[at++] as string;
      expect(kept.replace(/\n$/, '')).toBe(line.slice(1).replace(/\n$/, ''));
      if (line[0] === ' ') out.push(line.slice(1));
    } else out.push(line.slice(1));
  }
  return [...out, ...old.slice(at)].join('');
}

function lines(text: string): string[] {
  return text.match(/[^\n]*\n|[^\n]+$/g) ?? [];
}

const text = fc
  .tuple(fc.array(fc.constantFrom('a', 'b', 'c', 'd', ''), { maxLength: 40 }), fc.boolean())
  .map(([parts, ends]) => parts.join('\n') + (ends && parts.length > 0 ? '\n' : ''));

describe('unified diff', () => {
  it('turns the old text into the new one', () => {
    fc.assert(
      fc.property(text, text, (before, after) => {
        const diff = Buffer.concat(hunks(Buffer.from(before), Buffer.from(after))).toString();
        // "No newline" marks after a removed line concern the old text only: the simple patch above reads them for kept lines.
        fc.pre(!/^-.*\n\\/m.test(diff));
        expect(patch(before, diff)).toBe(after);
      }),
      { numRuns: 2000 },
    );
  });

  it('is as short as can be', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(3), { maxLength: 12 }), fc.array(fc.nat(3), { maxLength: 12 }), (a, b) => {
        const edits = shortestEdit(Int32Array.from(a), Int32Array.from(b));
        const size = edits.reduce((sum, e) => sum + (e.oldTo - e.oldFrom) + (e.newTo - e.newFrom), 0);
        expect(size).toBe(a.length + b.length - 2 * commonLength(a, b));
      }),
      { numRuns: 2000 },
    );
  });

  it('gives up on texts without anything in common, in bounded time', () => {
    const before = Buffer.from(Array.from({ length: 50_000 }, (_, i) => `old ${i}`).join('\n'));
    const after = Buffer.from(Array.from({ length: 50_000 }, (_, i) => `new ${i}`).join('\n'));
    expect(Buffer.concat(hunks(before, after)).toString()).toMatch(/^@@ -1,50000 \+1,50000 @@\n-old 0\n/);
  });

  it('says what git says of modes, links and binary files', () => {
    const file = (content: string, mode = '100644') => ({ mode, content: Buffer.from(content) });
    expect(fileDiff('x', file('a\n'), file('a\n', '100755')).toString()).toBe(
      'diff --git a/x b/x\nold mode 100644\nnew mode 100755\n',
    );
    expect(fileDiff('x', null, file('')).toString()).toBe(
      'diff --git a/x b/x\nnew file mode 100644\nindex 0000000..e69de29\n',
    );
    expect(fileDiff('x', file('a\0'), null).toString()).toContain('Binary files a/x and /dev/null differ');
    expect(fileDiff('l', file('t', '120000'), file('t\n')).toString()).toContain('deleted file mode 120000');
    expect(quoted('a/tab\t"\xff')).toBe('"a/tab\\t\\"\\377"');
  });
});

function commonLength(a: readonly number[], b: readonly number[]): number {
  let row = new Array<number>(b.length + 1).fill(0);
  for (const x of a) {
    const next = [0];
    for (let j = 0; j < b.length; j++)
      next.push(x === b[j] ? (row[j] as number) + 1 : Math.max(row[j + 1] as number, next[j] as number));
    row = next;
  }
  return row[b.length] as number;
}
