// The README's examples run, and print what they say they print.
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it, vi } from 'vitest';
import * as netstack from '../../src/index.js';

const text = readFileSync(fileURLToPath(new URL('../../README.md', import.meta.url)), 'utf8');
const examples = [...text.matchAll(/^## (.*?)$|```ts\n([\s\S]*?)```/gm)];
const blocks: [string, string][] = [];
let title = '';
for (const [, heading, code] of examples) {
  if (heading !== undefined) title = heading;
  if (code !== undefined) blocks.push([title, code]);
}

type Example = (
  load: (name: string) => unknown,
  console: { log: (...args: unknown[]) => void },
) => Promise<void>;
const AsyncFunction = Object.getPrototypeOf(async () => undefined).constructor as new (
  ...args: string[]
) => Example;

const load = async (name: string): Promise<unknown> =>
  name === '@sandbox-kernel/netstack' ? netstack : await import(/* @vite-ignore */ name);

describe('the README', () => {
  it('has its three examples', () => {
    expect(blocks.map(([name]) => name)).toEqual([
      'An echo server and a client, in one stack',
      'HTTP between two stacks',
      'A capture',
    ]);
  });

  it.each(blocks)('%s', async (_name, code) => {
    const body = code
      .replace(/^import (\{[^}]*\}) from '(.*?)';$/gm, "const $1 = await load('$2');")
      .replace(/^import (\w+) from '(.*?)';$/gm, "const { default: $1 } = await load('$2');");
    const log = vi.fn();
    await new AsyncFunction('load', 'console', body)(load, { log });
    const expected = [...code.matchAll(/\/\/ → (.*)$/gm)].map((match) => match[1]);
    expect(log.mock.calls.map(([value]) => String(value))).toEqual(expected);
  });
});
