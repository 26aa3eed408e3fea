// A lookup finds what a walk over the sorted list finds, in tables of both families and any lengths and metrics.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Address } from '../../../src/address.js';
import { makeRoute, type RouteQuery, RoutingTables } from '../../../src/network/routing.js';

const v4 = fc.integer({ min: 0, max: 0xff }).map((n) => Address.v4((10 << 24) | (n << 20) | n));
const v6 = fc
  .integer({ min: 0, max: 0xff })
  .map((n) => Address.of(`fd00:${n.toString(16)}::${n.toString(16)}`));
const address = fc.oneof(v4, v6);
const route = fc
  .tuple(address, fc.nat(128), fc.nat(3), fc.integer({ min: 1, max: 3 }))
  .map(([to, length, metric, interfaceIndex]) =>
    makeRoute(to, to.isV4 ? length % 33 : length, { metric, interfaceIndex }),
  );

function query(destination: Address, outInterface: number): RouteQuery {
  return {
    destination,
    source: null,
    inInterface: 0,
    outInterface,
    mark: 0,
    tos: 0,
    uid: 0,
    onLinkOnly: false,
  };
}

describe('a routing table', () => {
  it('gives the first route of its sorted list that matches, also after removals', () => {
    fc.assert(
      fc.property(
        fc.array(route, { maxLength: 60 }),
        address,
        fc.nat(3),
        fc.nat(3),
        (routes, to, out, gone) => {
          const tables = new RoutingTables();
          for (const entry of routes) tables.add(entry);
          tables.remove((entry) => entry.metric === gone && gone > 0);
          const fits = tables
            .list()
            .find(
              (r) => to.matches(r.destination, r.prefixLength) && (out === 0 || r.interfaceIndex === out),
            );
          expect(tables.lookup(query(to, out))).toBe(fits ?? null);
        },
      ),
    );
  });
});
