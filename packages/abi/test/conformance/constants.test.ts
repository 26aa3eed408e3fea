// Every exported number against the C headers of the system.
import { readdirSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { StructLayout } from '../../src/layout.js';
import { HEADERS, KERNEL_INTERNAL, NEWER, OTHER_HEADERS } from './headers.js';
import { probe } from './probe.js';

const source = new URL('../../src/', import.meta.url);

const WITHOUT_CONSTANTS = new Set([
  'index',
  'types',
  'layout',
  'bpf',
  'elf',
  'device-number',
  'ioctl-number',
]);

function files(): string[] {
  const all = readdirSync(source).filter((name) => name.endsWith('.ts'));
  return all.map((name) => name.replace('.ts', '')).filter((name) => !WITHOUT_CONSTANTS.has(name));
}

/** Offsets and sizes of layouts are compared in layouts.test.ts. */
function layoutConstants(module: Record<string, unknown>): Set<string> {
  const out = new Set<string>();
  for (const [name, value] of Object.entries(module)) {
    if (!(value instanceof StructLayout)) continue;
    const prefix = name.slice(0, -'LAYOUT'.length);
    out.add(`${prefix}SIZE_FIELD`).add(`${prefix}SIZE`).add(`${prefix}STRUCT_SIZE`);
    for (const field of Object.keys(value.fields)) {
      out.add(prefix + field.replaceAll('.', '_').toUpperCase().replace(/_+/g, '_').replace(/^_|_$/g, ''));
    }
  }
  return out;
}

const print = (name: string): string =>
  `if ((${name}) > 0) printf("%llu\\n", (unsigned long long)(${name})); else printf("%lld\\n", (long long)(${name}));`;

async function constantsOf(file: string): Promise<Map<string, number>> {
  const module = (await import(new URL(`${file}.ts`, source).href)) as Record<string, unknown>;
  const layouts = layoutConstants(module);
  const numbers = Object.entries(module).filter(([name, value]) => {
    const isMask = name === 'STATX_SIZE';
    return typeof value === 'number' && (isMask || !layouts.has(name));
  });
  return new Map(numbers as [string, number][]);
}

function groupByHeaders(file: string, names: Iterable<string>): Map<string, string[]> {
  const groups = new Map<string, string[]>();
  for (const name of names) {
    if (name in KERNEL_INTERNAL) continue;
    const headers = OTHER_HEADERS[name] ?? HEADERS[file] ?? [];
    const key = headers.join(' ');
    groups.set(key, [...(groups.get(key) ?? []), name]);
  }
  return groups;
}

describe.each(files())('%s', (file) => {
  it('gives every constant the value that the headers give it', async () => {
    const constants = await constantsOf(file);
    const wrong: string[] = [];
    const missing: string[] = [];
    for (const [headers, names] of groupByHeaders(file, constants.keys())) {
      const statements = new Map(names.map((name) => [name, print(name)]));
      const result = probe(headers.split(' ').filter(Boolean), '', statements);
      missing.push(...result.undefinedKeys);
      for (const [name, value] of result.values) {
        if (Number(value) !== constants.get(name)) wrong.push(`${name}: ${constants.get(name)}, C: ${value}`);
      }
    }
    expect(wrong).toEqual([]);
    const newer = [...constants.keys()].filter((name) => name in NEWER);
    expect(missing.sort()).toEqual(newer.sort());
  });
});
