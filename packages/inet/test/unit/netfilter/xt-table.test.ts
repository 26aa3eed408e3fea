import { EAGAIN, EINVAL, ELOOP, ENOENT, EPROTOTYPE } from '@sandbox-kernel/abi';
import { beforeEach, describe, expect, it } from 'vitest';
import type { XtTable } from '../../../src/netfilter/xt/xt-tables.js';
import { END, entry, filterTable, udpPort, verdict } from '../../support/blob.js';
import { FilterWorld } from '../../support/filter-world.js';

const DROP = -1;
const ACCEPT = -2;
const RETURN = -5;
const UDP = 17;

describe('a table of ip_tables', () => {
  let world: FilterWorld;
  let table: XtTable;

  beforeEach(() => {
    world = new FilterWorld();
    table = world.netfilter.v4.table('filter') as XtTable;
  });

  const put = (made: ReturnType<typeof filterTable>, expected = table.blob.entries.length): number =>
    table.replace(made.bytes, made.layout, expected);

  it('lets everything pass while it is empty', () => {
    expect(world.passes(53)).toBe(53);
    expect(table.counters.map(({ packets }) => packets)).toEqual([1, 0, 1, 0]);
  });

  it('drops what a rule drops, and counts it', () => {
    expect(put(filterTable([entry(verdict(DROP), [udpPort(53)], UDP)]))).toBe(0);
    expect(world.passes(53)).toBe(0);
    expect(world.passes(54)).toBe(54);
    expect(table.counters[0]).toMatchObject({ packets: 1, bytes: 48 });
  });

  it('calls chains and comes back', () => {
    const chain = [entry(verdict(DROP), [udpPort(7)], UDP), entry(verdict(RETURN))];
    const { restAt } = filterTable([entry(verdict(1))], [END, ...chain]);
    const made = filterTable([entry(verdict(restAt + END.length))], [END, ...chain]);
    expect(put(made)).toBe(0);
    expect([world.passes(7), world.passes(8)]).toEqual([0, 8]);
  });

  it('refuses a chain that leads to itself', () => {
    const { restAt } = filterTable([entry(verdict(1))], [END]);
    const at = restAt + END.length;
    const made = filterTable(
      [entry(verdict(at))],
      [END, entry(verdict(at), [udpPort(1)], UDP), entry(verdict(RETURN))],
    );
    expect(put(made)).toBe(-ELOOP);
    expect(put(filterTable([entry(verdict(0x7ff0))]))).toBe(-ELOOP);
  });

  it('refuses what Linux refuses, and keeps what was there', () => {
    const good = filterTable([entry(verdict(DROP), [udpPort(53)], UDP)]);
    expect(put(good)).toBe(0);
    const size = table.blob.bytes.length;
    expect(put(good, 99)).toBe(-EAGAIN);
    expect(put({ ...good, layout: { ...good.layout, count: 4 } })).toBe(-EINVAL);
    expect(put({ ...good, layout: { ...good.layout, validHooks: 0b1111 } })).toBe(-EINVAL);
    expect(put({ ...good, layout: { ...good.layout, entryPoints: [0, 8, 0, 0, 0] } })).toBe(-EINVAL);
    expect(put({ ...good, layout: { ...good.layout, underflows: [0, 0, 0, 0, 0] } })).toBe(-EINVAL);
    expect(put({ ...good, bytes: good.bytes.slice(0, -8) })).toBe(-EINVAL);
    expect(put(filterTable([entry(verdict(0))]))).toBe(-EINVAL);
    expect(put(filterTable([entry(verdict(DROP), [udpPort(53)])]))).toBe(-EINVAL);
    expect(put(filterTable([entry(verdict(DROP), [{ name: 'nosuch', data: new Uint8Array(8) }])]))).toBe(
      -ENOENT,
    );
    expect(put(filterTable([entry(verdict(DROP), [{ ...udpPort(1), revision: 9 }], UDP)]))).toBe(-EPROTOTYPE);
    expect(put(filterTable([entry({ name: 'DNAT', revision: 2, data: new Uint8Array(44) })]))).toBe(-EINVAL);
    expect(table.blob.bytes.length).toBe(size);
    expect(world.passes(53)).toBe(0);
  });

  it('adds counters that a program brings back', () => {
    expect(table.addCounters([[1, 2]])).toBe(-EINVAL);
    expect(table.addCounters(Array.from({ length: 4 }, () => [5, 2 ** 40] as const))).toBe(0);
    const view = new DataView(table.snapshot().buffer);
    expect([view.getBigUint64(96, true), view.getBigUint64(104, true)]).toEqual([5n, 2n ** 40n]);
  });

  it('goes by the policy where a chain returns at the top', () => {
    const made = filterTable([entry(verdict(RETURN)), entry(verdict(DROP))]);
    expect(put(made)).toBe(0);
    expect(world.passes(1)).toBe(1);
    expect(table.counters.map(({ packets }) => packets)).toEqual([1, 0, 1, 0, 1, 0]);
    expect(put(filterTable([entry(verdict(ACCEPT))]))).toBe(0);
  });
});
