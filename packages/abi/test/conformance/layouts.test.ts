// sizeof, offsetof, width and signedness of every declared layout against the C headers of the system.
import { describe, expect, it } from 'vitest';
import * as abi from '../../src/index.js';
import { type Field, fieldSize, type StructLayout } from '../../src/layout.js';
import { LAYOUT_HEADERS } from './headers.js';
import { probe } from './probe.js';

type Layout = StructLayout<Readonly<Record<string, Field>>>;

const layouts: [string, Layout][] = [];
for (const [name, value] of Object.entries(abi)) {
  if (value instanceof abi.StructLayout) layouts.push([name, value as unknown as Layout]);
}

const HELPERS = 'static const char *sign(int negative) { return negative ? "signed" : "unsigned"; }';

const SIGN =
  'sign(_Generic(FIELD, char: 1, signed char: 1, short: 1, int: 1, long: 1, long long: 1, default: 0))';

function statementsFor(layout: Layout): Map<string, string> {
  const out = new Map([['sizeof', `printf("%zu\\n", sizeof(${layout.cName}));`]]);
  for (const name of Object.keys(layout.fields)) {
    const field = `(((${layout.cName} *)0)->${name})`;
    const sign = SIGN.replace('FIELD', field);
    out.set(name, `printf("%zu %zu %s\\n", offsetof(${layout.cName}, ${name}), sizeof(${field}), ${sign});`);
  }
  return out;
}

function expected(field: Field): string {
  const scalar = !('array' in field) && field.kind !== 'bytes';
  return `${field.offset} ${fieldSize(field)} ${scalar && field.kind.startsWith('i') ? 'signed' : 'unsigned'}`;
}

describe.each(layouts)('%s', (name, layout) => {
  it('has the size and fields of the C structure', () => {
    const result = probe(LAYOUT_HEADERS[name] ?? [], HELPERS, statementsFor(layout));
    const want = Object.entries(layout.fields).map(([field, value]) => [field, expected(value)]);
    expect(result.undefinedKeys).toEqual([]);
    expect(Object.fromEntries(result.values)).toEqual(
      Object.fromEntries([['sizeof', String(layout.size)], ...want]),
    );
  });
});

it('covers every entry of the header list', () => {
  expect(Object.keys(LAYOUT_HEADERS).sort()).toEqual(layouts.map(([name]) => name).sort());
});
