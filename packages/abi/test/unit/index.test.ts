import { readdirSync } from 'node:fs';
import { expect, it } from 'vitest';
import * as index from '../../src/index.js';

it('lists every value that the source files export', async () => {
  const source = new URL('../../src/', import.meta.url);
  const missing: string[] = [];
  for (const file of readdirSync(source)) {
    const module = (await import(new URL(file, source).href)) as object;
    for (const name of Object.keys(module)) if (!(name in index)) missing.push(`${file}: ${name}`);
  }
  expect(missing).toEqual([]);
});
