// What a segment costs in garbage, measured in a process of its own over 100,000 segments of each size.
import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const PROGRAM = fileURLToPath(new URL('../support/allocation.ts', import.meta.url));
const PACKAGE = fileURLToPath(new URL('../..', import.meta.url));
/** Bytes a segment: less than one of the smallest things V8 can make, a boxed number of 16 bytes, in ten segments. */
const BOUND = 1.6;

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
    const output = execFileSync(process.execPath, [...flags, PROGRAM], { cwd: PACKAGE, encoding: 'utf8' });
    figures = JSON.parse(output) as Figure[];
    expect(figures.map((figure) => figure.size)).toEqual([64, 1400, 65000]);
    for (const { segments } of figures) expect(segments).toBeGreaterThanOrEqual(100_000);
  });

  it('makes no packet, block or ring', () => {
    expect(figures.map((figure) => figure.blocks)).toEqual([0, 0, 0]);
  });

  it('makes no garbage at 64, 1,400 and 65,000 bytes', () => {
    for (const { size, bytesPerSegment } of figures)
      expect(bytesPerSegment, `${size} bytes`).toBeLessThan(BOUND);
  });
});
