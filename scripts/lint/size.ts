// The size budget: functions median ≤ 10 lines, p95 ≤ 45, none over 80; files median ≤ 150, p95 ≤ 500, none over 800.
import ts from 'typescript';
import { type Finding, finding, lineOf, type SourceFile, walk } from './source.js';

/** Files that may exceed the budget: tables, with the reason. */
export const EXCEPTIONS: Readonly<Record<string, string>> = {
  'packages/abi/src/index.ts': 'list of names, written by packages/abi/scripts/write-index.ts',
  'packages/abi/src/syscall-numbers.ts': 'table: one line per system call',
};

export interface Sizes {
  readonly functions: number[];
  readonly files: number[];
  readonly findings: Finding[];
}

export function measure(files: readonly SourceFile[]): Sizes {
  const sizes: Sizes = { functions: [], files: [], findings: [] };
  for (const file of files) if (!(file.path in EXCEPTIONS)) measureFile(file, sizes);
  return sizes;
}

function measureFile(file: SourceFile, sizes: Sizes): void {
  const lines = file.ast.getLineStarts().length - 1;
  sizes.files.push(lines);
  if (lines > 800)
    sizes.findings.push(
      finding(file, file.ast, 'size', `${lines} lines, over 800: split it by aspect or family.`),
    );
  walk(file.ast, (node) => {
    if (!ts.isFunctionLike(node) || !('body' in node) || node.body === undefined) return;
    const length = file.ast.getLineAndCharacterOfPosition(node.end).line + 2 - lineOf(file, node);
    sizes.functions.push(length);
    if (length > 80)
      sizes.findings.push(
        finding(file, node, 'size', `function of ${length} lines, over 80: name its steps.`),
      );
  });
}

export function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
}

/** Findings about the whole repository's distribution, without a line of their own. */
export function checkDistribution(sizes: Sizes): Finding[] {
  const limits: [string, readonly number[], number, number][] = [
    ['functions: median', sizes.functions, 0.5, 10],
    ['functions: 95th percentile', sizes.functions, 0.95, 45],
    ['files: median', sizes.files, 0.5, 150],
    ['files: 95th percentile', sizes.files, 0.95, 500],
  ];
  return limits
    .filter(([, values, share, limit]) => quantile(values, share) > limit)
    .map(([what, values, share, limit]) => ({
      file: 'packages',
      line: 1,
      rule: 'size',
      text: `${what} is ${quantile(values, share)} lines, over ${limit}: code grew harder to read; split the largest.`,
    }));
}
