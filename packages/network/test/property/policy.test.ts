import { Address } from '@sandbox-kernel/netstack';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { HELLO_LIMIT, sightServerName } from '../../src/policy/client-hello.js';
import { hostName, matchesDomain, parseDomain } from '../../src/policy/domain.js';
import { sightHost } from '../../src/policy/http-host.js';
import { Policy } from '../../src/policy/policy.js';
import { specialRange } from '../../src/policy/ranges.js';
import { parseRule, type Rule } from '../../src/policy/rule.js';
import { clientHello } from '../support/client-hello.js';

const label = fc.stringMatching(/^[a-z][a-z0-9]{0,8}$/);
const name = fc.array(label, { minLength: 1, maxLength: 5 }).map((labels) => labels.join('.'));
const v4 = fc.integer({ min: 0, max: 0xffffffff }).map((word) => Address.v4(word));
const v6 = fc
  .tuple(fc.integer(), fc.integer(), fc.integer(), fc.integer())
  .map(([a, b, c, d]) => new Address(a, b, c, d));
const address = fc.oneof(v4, v6);
const ruleText = fc.oneof(
  name,
  name.map((text) => `*.${text}`),
  fc.tuple(v4, fc.integer({ min: 0, max: 32 })).map(([base, length]) => `${base}/${length}`),
  fc.constantFrom('*', 'private', 'loopback', '::/0', 'fd00::/8'),
);
const rules = fc.array(
  fc
    .tuple(fc.constantFrom('allow' as const, 'deny' as const), ruleText)
    .map(([action, text]) => parseRule(action, text) as Rule),
  { maxLength: 6 },
);
const query = (to: Address, names: string[]) =>
  ({ direction: 'out', protocol: 'tcp', address: to, port: 443, names }) as const;

describe('policies', () => {
  it('never allow what a shorter list of allowances would not, when a denial is put in front', () => {
    fc.assert(
      fc.property(rules, ruleText, address, fc.array(name, { maxLength: 2 }), (list, text, to, names) => {
        const before = new Policy(list).judge(query(to, names));
        const after = new Policy([parseRule('deny', text) as Rule, ...list]).judge(query(to, names));
        return before.allowed || !after.allowed;
      }),
    );
  });

  it('never allow a special address by a rule that names none of its range', () => {
    fc.assert(
      fc.property(rules, address, fc.array(name, { maxLength: 2 }), (list, to, names) => {
        const range = specialRange(to);
        if (range === null || !new Policy(list).judge(query(to, names)).allowed) return true;
        return list.some((rule) => rule.prefixes?.some((p) => p.length >= range.length) === true);
      }),
    );
  });

  it('judge an IPv6 address that carries an IPv4 one no milder than that one', () => {
    fc.assert(
      fc.property(v4, (inner) => {
        const kind = specialRange(inner)?.kind;
        const carried = [
          new Address(0x0064ff9b, 0, 0, inner.w3),
          new Address(0x20020000 | (inner.w3 >>> 16), inner.w3 << 16, 0, 1),
        ];
        for (const outer of carried) expect(specialRange(outer)?.kind).toBe(kind ?? 'tunnel');
      }),
    );
  });
});

describe('names', () => {
  it('match themselves and the wildcards above them, and no longer name', () => {
    fc.assert(
      fc.property(name, label, (text, more) => {
        if (hostName(text) === null) return;
        const exact = parseDomain(text)!;
        const below = parseDomain(`*.${text}`)!;
        expect(matchesDomain(exact, text)).toBe(true);
        expect(matchesDomain(exact, `${more}.${text}`)).toBe(false);
        expect(matchesDomain(below, `${more}.${text}`)).toBe(true);
        expect(matchesDomain(below, text)).toBe(false);
        expect(matchesDomain(exact, `${text}.${more}`)).toBe(false);
      }),
    );
  });

  it('match a glob as a regular expression would', () => {
    const glob = fc.stringMatching(/^[ab*]{1,6}$/).filter((g) => !g.includes('**') && g !== '*');
    fc.assert(
      fc.property(glob, fc.stringMatching(/^[ab]{1,8}$/), (pattern, text) => {
        const parsed = parseDomain(`${pattern}.x`)!;
        const expected = new RegExp(`^${pattern.replaceAll('*', '.*')}$`).test(text);
        expect(matchesDomain(parsed, `${text}.x`)).toBe(expected);
      }),
    );
  });
});

describe('what a guest sends first', () => {
  it('never throws, whatever it is', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 600 }), (bytes) => {
        sightServerName(bytes);
        sightHost(bytes);
      }),
    );
  });

  it('never throws on a damaged ClientHello, nor gives two names for one', () => {
    fc.assert(
      fc.property(name, fc.nat(400), fc.nat(255), fc.nat(60), (text, at, byte, size) => {
        const hello = clientHello(text, size);
        if (at < hello.length) hello[at] = byte;
        const seen = sightServerName(hello);
        if (seen.kind === 'name') expect(seen.name.length).toBeLessThan(300);
      }),
    );
  });

  it('comes to a decision by the limit', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 64 }), (bytes) => {
        const filled = new Uint8Array(HELLO_LIMIT + 300);
        for (let at = 0; at < filled.length; at++) filled[at] = bytes[at % bytes.length] as number;
        expect(sightServerName(filled).kind).not.toBe('more');
        expect(sightHost(filled).kind).not.toBe('more');
      }),
      { numRuns: 50 },
    );
  });
});
