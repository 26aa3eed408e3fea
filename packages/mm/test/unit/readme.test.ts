import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { childSees, left, parentSees } from '../support/readme-example.js';

const read = (path: string): string => readFileSync(new URL(path, import.meta.url), 'utf8');

test('the example of the README runs and does what it says', () => {
  expect(parentSees).toBe('across two pages');
  expect(childSees).toBe('Across two pages');
  expect(left).toBe(0);
});

test('the README shows the example that is run', () => {
  const example = read('../support/readme-example.ts').replaceAll('export const', 'const');
  expect(read('../../README.md')).toContain(example.trim());
});
