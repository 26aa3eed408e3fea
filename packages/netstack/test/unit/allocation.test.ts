// What a segment costs in garbage, measured in a process of its own over 100,000 segments of each size.
import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const PROGRAM = fileURLToPath(new URL('../support/allocation.ts', import.meta.url));
const ROOT = fileURLToPath(new URL('../../../..', import.meta.url));
/** Bytes of heap that a segment may cost, by its size. One view is 98 bytes; 65,000 do not fit a ring twice, so one is made now and then. */
const BOUNDS: Readonly<Record<number, number>> = { 64: 80, 1400: 80, 65000: 130 };

interface Figure {
  size: number;
  segments: number;
  bytesPerSegment: number;
  blocks: number;
}

describe('a segment in steady state', () => {
  const flags = ['--expose-gc', '--min-semi-space-size=64', '--max-semi-space-size=64', '--import', 'tsx'];
  let figures: Figure[] = [];

  it('is measured', { timeout: 120_000 }, () => {
    const output = execFileSync(process.execPath, [...flags, PROGRAM], { cwd: ROOT, encoding: 'utf8' });
    figures = JSON.parse(output) as Figure[];
    expect(figures.map((figure) => figure.size)).toEqual([64, 1400, 65000]);
    for (const { segments } of figures) expect(segments).toBeGreaterThanOrEqual(100_000);
  });

  it('makes no packet, block or ring', () => {
    expect(figures.map((figure) => figure.blocks)).toEqual([0, 0, 0]);
  });

  it('makes less garbage than one small object at 64, 1,400 and 65,000 bytes', () => {
    for (const { size, bytesPerSegment } of figures)
      expect(bytesPerSegment, `${size} bytes`).toBeLessThan(BOUNDS[size] as number);
  });
});
