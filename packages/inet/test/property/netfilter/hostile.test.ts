// Whatever root of a sandbox passes to the filters, nothing throws: blobs of ip_tables and batches of nf_tables with bytes changed at random,
// and packets going through what was accepted of them.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { HEADER_MATCHES } from '../../../src/netfilter/xt/header-matches.js';
import { STATE_MATCHES } from '../../../src/netfilter/xt/state-matches.js';
import { TARGETS } from '../../../src/netfilter/xt/targets.js';
import type { XtTable } from '../../../src/netfilter/xt/xt-tables.js';
import { MessageWriter } from '../../../src/netlink/message.js';
import { entry, filterTable, udpPort, verdict } from '../../support/blob.js';
import { FilterWorld, NOBODY } from '../../support/filter-world.js';

/** Places and values; places are taken modulo the size. */
const changes = fc.array(fc.tuple(fc.nat(1 << 16), fc.nat(255)), { maxLength: 12 });

function mutate(bytes: Uint8Array, edits: readonly (readonly [number, number])[]): Uint8Array {
  const copy = bytes.slice();
  for (const [at, value] of edits) copy[at % copy.length] = value;
  return copy;
}

const word = fc.nat(0xffffffff);

describe('blobs of ip_tables', () => {
  it('that were changed anywhere are taken or refused', () => {
    fc.assert(
      fc.property(
        changes,
        fc.array(word, { minLength: 5, maxLength: 5 }),
        fc.boolean(),
        (edits, words, wild) => {
          const world = new FilterWorld();
          const table = world.netfilter.v4.table('filter') as XtTable;
          const made = filterTable([
            entry(verdict(-1), [udpPort(5)], 17),
            entry({ name: 'REJECT', data: new Uint8Array([3, 0, 0, 0]) }),
            entry(verdict(152)),
          ]);
          const layout = wild ? { ...made.layout, entryPoints: words, underflows: words } : made.layout;
          const result = table.replace(mutate(made.bytes, edits), layout, 4);
          expect(result).toBeLessThanOrEqual(0);
          for (const port of [5, 6]) world.passes(port);
          expect(table.snapshot().length).toBe(table.blob.bytes.length);
        },
      ),
      { numRuns: 400 },
    );
  });

  it('with any match and target of any content give a rule or an errno', () => {
    const extensions = [...HEADER_MATCHES, ...STATE_MATCHES];
    const content = fc.uint8Array({ minLength: 256, maxLength: 256 });
    fc.assert(
      fc.property(
        fc.nat(extensions.length - 1),
        fc.nat(TARGETS.length - 1),
        content,
        fc.nat(20),
        (m, t, data, protocol) => {
          const world = new FilterWorld();
          const match = extensions[m] as (typeof extensions)[number];
          const target = TARGETS[t] as (typeof TARGETS)[number];
          const name = target.tables?.[0] ?? 'mangle';
          const rule = entry(
            { ...target, data: data.slice(0, target.size) },
            [{ ...match, data: data.slice(0, match.size) }],
            protocol === 20 ? (match.protocols?.[0] ?? 17) : protocol,
          );
          const table = world.netfilter.v4.table('filter') as XtTable;
          const made = filterTable([rule]);
          expect(table.replace(made.bytes, made.layout, 4)).toBeLessThanOrEqual(0);
          expect(name).not.toBe('');
          world.passes(53);
        },
      ),
      { numRuns: 600 },
    );
  });
});

// ── nf_tables ──

const SUBSYSTEM = 10 << 8;
const be32 = (value: number): Uint8Array => {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, value);
  return bytes;
};

function message(writer: MessageWriter, type: number, flags: number, fill: () => void): void {
  writer.begin(type, flags | 1, 1, 0).u8(2, 0, 0, type < 32 ? 10 : 0);
  fill();
  writer.end();
}

/** `[attribute, data or what is nested]`. */
type Tree = readonly (readonly [number, Uint8Array | string | Tree])[];

function attributes(writer: MessageWriter, tree: Tree): void {
  for (const [type, content] of tree) {
    if (typeof content === 'string') writer.attributeText(type, content);
    else if (content instanceof Uint8Array) writer.attribute(type, content);
    else {
      const at = writer.nest(type);
      attributes(writer, content);
      writer.endNest(at);
    }
  }
}

const expression = (name: string, data: Tree): readonly [number, Tree] => [
  1,
  [
    [1, name],
    [2, data],
  ],
];

const EXPRESSIONS: Tree = [
  expression('meta', [
    [2, be32(16)],
    [1, be32(1)],
  ]),
  expression('cmp', [
    [1, be32(1)],
    [2, be32(0)],
    [3, [[1, Uint8Array.of(17)]]],
  ]),
  expression('payload', [
    [1, be32(1)],
    [2, be32(2)],
    [3, be32(2)],
    [4, be32(2)],
  ]),
  expression('bitwise', [
    [1, be32(1)],
    [2, be32(1)],
    [3, be32(2)],
    [4, [[1, Uint8Array.of(255, 255)]]],
    [5, [[1, Uint8Array.of(0, 0)]]],
  ]),
  expression('lookup', [
    [1, 's'],
    [2, be32(1)],
    [5, be32(0)],
  ]),
  expression('ct', [
    [2, be32(0)],
    [1, be32(2)],
  ]),
  expression('limit', [
    [1, new Uint8Array([0, 0, 0, 0, 0, 0, 0, 9])],
    [2, new Uint8Array([0, 0, 0, 0, 0, 0, 0, 1])],
    [3, be32(5)],
  ]),
  expression('counter', []),
  expression('immediate', [
    [1, be32(0)],
    [2, [[2, [[1, be32(0)]]]]],
  ]),
];

/** Table, chain, set, element, rule: it drops UDP to port 53. */
function batch(): Uint8Array {
  const writer = new MessageWriter();
  message(writer, 16, 0, () => undefined);
  message(writer, SUBSYSTEM, 0x400, () => attributes(writer, [[1, 't']]));
  message(writer, SUBSYSTEM | 3, 0x400, () =>
    attributes(writer, [
      [1, 't'],
      [3, 'c'],
      [
        4,
        [
          [1, be32(1)],
          [2, be32(0)],
        ],
      ],
      [7, 'filter'],
      [5, be32(1)],
    ]),
  );
  message(writer, SUBSYSTEM | 9, 0x400, () =>
    attributes(writer, [
      [1, 't'],
      [2, 's'],
      [3, be32(0)],
      [4, be32(13)],
      [5, be32(2)],
      [10, be32(1)],
    ]),
  );
  message(writer, SUBSYSTEM | 12, 0x400, () =>
    attributes(writer, [
      [1, 't'],
      [2, 's'],
      [3, [[1, [[1, [[1, Uint8Array.of(0, 53)]]]]]]],
    ]),
  );
  message(writer, SUBSYSTEM | 6, 0xc00, () =>
    attributes(writer, [
      [1, 't'],
      [2, 'c'],
      [4, EXPRESSIONS],
    ]),
  );
  message(writer, 17, 0, () => undefined);
  return writer.take();
}

describe('batches of nf_tables', () => {
  it('are taken whole', () => {
    const world = new FilterWorld();
    world.send(batch());
    expect(world.acknowledged).toEqual([]);
    expect([world.passes(53), world.passes(54)]).toEqual([0, 54]);
    expect(world.netfilter.nft.generation).toBe(2);
  });

  it('are for the network administrator only', () => {
    const world = new FilterWorld();
    world.send(batch(), NOBODY);
    expect(world.acknowledged).toEqual([-1]);
    expect(world.passes(53)).toBe(53);
  });

  it('with a mistake leave nothing behind', () => {
    const world = new FilterWorld();
    const writer = new MessageWriter();
    message(writer, 16, 0, () => undefined);
    message(writer, SUBSYSTEM, 0x400, () => attributes(writer, [[1, 't']]));
    message(writer, SUBSYSTEM | 6, 0xc00, () =>
      attributes(writer, [
        [1, 't'],
        [2, 'nope'],
        [4, EXPRESSIONS],
      ]),
    );
    message(writer, 17, 0, () => undefined);
    world.send(writer.take());
    expect(world.acknowledged).toEqual([-2]);
    expect(world.netfilter.nft.ofFamily(0)).toEqual([]);
    expect(world.netfilter.nft.generation).toBe(1);
  });

  it('that were changed anywhere are taken or refused, and can be listed', () => {
    const good = batch();
    fc.assert(
      fc.property(changes, changes, (edits, again) => {
        const world = new FilterWorld();
        world.send(mutate(good, edits));
        world.send(mutate(good, again));
        for (const port of [53, 54]) world.passes(port);
        for (const kind of [1, 4, 7, 10, 13, 16, 19, 22]) {
          const writer = new MessageWriter();
          message(writer, SUBSYSTEM | kind, 0x300, () =>
            attributes(writer, [
              [1, 't'],
              [2, 's'],
            ]),
          );
          world.send(writer.take());
        }
        for (const error of world.acknowledged) expect(error).toBeLessThanOrEqual(0);
      }),
      { numRuns: 800 },
    );
  });

  it('of arbitrary bytes are survived', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
        new FilterWorld().send(bytes);
      }),
    );
  });
});
