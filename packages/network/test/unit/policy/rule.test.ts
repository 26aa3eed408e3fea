import { describe, expect, it } from 'vitest';
import { parseRule, type Rule, splitRules } from '../../../src/policy/rule.js';

function rule(text: string): Rule {
  const parsed = parseRule('allow', text);
  if ('message' in parsed) throw new Error(parsed.message);
  return parsed;
}

describe('the text of a rule', () => {
  it('gives a name with ports', () => {
    const { domain, prefixes, ports, protocol, direction } = rule('api.Example.com:443,8000-8100');
    expect(domain?.labels).toEqual(['com', 'example', 'api']);
    expect(prefixes).toBeNull();
    expect(ports).toEqual([
      { first: 443, last: 443 },
      { first: 8000, last: 8100 },
    ]);
    expect([protocol, direction]).toEqual([null, 'out']);
  });

  it('gives prefixes of both families, with and without ports', () => {
    expect(rule('10.1.2.3/8').prefixes?.[0]).toMatchObject({ length: 8 });
    expect(`${rule('10.1.2.3/8').prefixes?.[0]?.address}`).toBe('10.0.0.0');
    expect(rule('[fd00::1]:53').ports).toEqual([{ first: 53, last: 53 }]);
    expect(rule('fd00::/8').ports).toBeNull();
    expect(rule('[fd00::]/8:53').prefixes?.[0]?.length).toBe(8);
    expect(rule('[fd00::/8]:53').prefixes?.[0]?.length).toBe(8);
  });

  it('gives a protocol and a direction', () => {
    expect(rule('udp/1.1.1.1:53').protocol).toBe('udp');
    expect(rule('tcp://example.com:443').protocol).toBe('tcp');
    expect(rule('in/tcp/192.168.0.0/16').direction).toBe('in');
  });

  it('opens words and names bound to a prefix', () => {
    expect(rule('private').prefixes?.length).toBe(5);
    expect(rule('db.internal@10.0.0.0/8:5432')).toMatchObject({ ports: [{ first: 5432, last: 5432 }] });
    expect(rule('*')).toMatchObject({ domain: null, prefixes: null });
  });

  it.each([
    '2130706433',
    '0177.0.0.1',
    '0x7f.1',
    '127.1',
    '1.2.3.4.5',
    '1.2.3.4/33',
    '::1/129',
    'a b',
    '',
    'http://example.com/',
    'exa$mple',
    'münchen.de',
    'example.com:99999',
    'example.com:http',
    'example.com:90-80',
    '*.1',
    'constructor@',
  ])('refuses %j and says what to write', (text) => {
    const parsed = parseRule('deny', text);
    expect(parsed).toHaveProperty('message');
    expect(parsed).toHaveProperty('hint');
  });

  it('splits a comma list without splitting ports', () => {
    expect(splitRules('a.com:80,443,b.com,10.0.0.0/8:1-9,20')).toEqual([
      'a.com:80,443',
      'b.com',
      '10.0.0.0/8:1-9,20',
    ]);
  });
});
