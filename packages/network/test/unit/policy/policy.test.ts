import { Address } from '@sandbox-kernel/netstack';
import { describe, expect, it } from 'vitest';
import { type FlowQuery, Policy } from '../../../src/policy/policy.js';
import { parseRule, type Rule } from '../../../src/policy/rule.js';

/** `+rule` allows, `-rule` denies. */
function policy(...rules: string[]): Policy {
  return new Policy(
    rules.map((text) => parseRule(text[0] === '+' ? 'allow' : 'deny', text.slice(1)) as Rule),
  );
}

function flow(address: string, port = 443, names: string[] = [], more: Partial<FlowQuery> = {}): FlowQuery {
  return { direction: 'out', protocol: 'tcp', address: Address.of(address), port, names, ...more };
}

describe('a policy', () => {
  it('refuses what no rule allows, and says so', () => {
    const verdict = policy().judge(flow('1.1.1.1'));
    expect(verdict).toMatchObject({ allowed: false, rule: null });
    expect(verdict.reason).toBe('no rule allows tcp to 1.1.1.1 port 443');
  });

  it('lets the first rule that matches decide', () => {
    const rules = policy('-*.evil.com', '+*', '-1.1.1.1');
    expect(rules.judge(flow('1.1.1.1')).allowed).toBe(true);
    expect(rules.judge(flow('2.2.2.2', 443, ['x.evil.com'])).allowed).toBe(false);
    expect(policy('-1.1.1.1', '+*').judge(flow('1.1.1.1')).reason).toBe("rule 'deny 1.1.1.1'");
  });

  it('knows ports and protocols', () => {
    const rules = policy('+udp/1.1.1.1:53', '+example.com:443');
    expect(rules.judge(flow('1.1.1.1', 53)).allowed).toBe(false);
    expect(rules.judge(flow('1.1.1.1', 53, [], { protocol: 'udp' })).allowed).toBe(true);
    expect(rules.judge(flow('9.9.9.9', 443, ['example.com'])).allowed).toBe(true);
    expect(rules.judge(flow('9.9.9.9', 80, ['example.com'])).allowed).toBe(false);
  });

  it.each([
    ['10.1.2.3', 'private'],
    ['172.31.255.255', 'private'],
    ['192.168.1.1', 'private'],
    ['127.0.0.1', 'loopback'],
    ['127.255.255.254', 'loopback'],
    ['0.0.0.0', 'reserved'],
    ['169.254.169.254', 'metadata'],
    ['169.254.1.1', 'link-local'],
    ['100.64.0.1', 'cgnat'],
    ['100.100.100.200', 'metadata'],
    ['168.63.129.16', 'metadata'],
    ['224.0.0.1', 'multicast'],
    ['255.255.255.255', 'reserved'],
    ['198.18.0.1', 'reserved'],
    ['::', 'reserved'],
    ['::1', 'loopback'],
    ['fd00::1', 'private'],
    ['fd00:ec2::254', 'metadata'],
    ['fe80::1', 'link-local'],
    ['ff02::1', 'multicast'],
    ['::ffff:127.0.0.1', 'loopback'],
    ['::127.0.0.1', 'loopback'],
    ['2002:7f00:1::1', 'loopback'],
    ['2002:0a00:0001::', 'private'],
    ['2002:0808:0808::', 'tunnel'],
    ['64:ff9b::10.0.0.1', 'private'],
    ['64:ff9b::169.254.169.254', 'metadata'],
    ['64:ff9b::8.8.8.8', 'tunnel'],
    ['2001::1', 'tunnel'],
  ])('refuses %s as %s although everything is allowed', (address, kind) => {
    for (const rules of [policy('+*'), policy('+0.0.0.0/0', '+::/0'), policy('+x.com')]) {
      expect(rules.judge(flow(address, 443, ['x.com']))).toMatchObject({ allowed: false, range: kind });
    }
  });

  it.each([
    ['1.1.1.1'],
    ['172.15.255.255'],
    ['172.32.0.1'],
    ['100.128.0.1'],
    ['2606:4700::1111'],
    ['2001:4860:4860::8888'],
  ])('takes %s for public', (address) => expect(policy('+*').judge(flow(address)).allowed).toBe(true));

  it('opens a special range only by a rule inside of it', () => {
    expect(policy('+10.0.0.0/8').judge(flow('10.1.2.3')).allowed).toBe(true);
    expect(policy('+10.0.0.0/7').judge(flow('10.1.2.3')).allowed).toBe(false);
    expect(policy('+private').judge(flow('fd00::1')).allowed).toBe(true);
    expect(policy('+private').judge(flow('fd00:ec2::254')).allowed).toBe(false);
    expect(policy('+link-local').judge(flow('169.254.169.254')).allowed).toBe(false);
    expect(policy('+metadata').judge(flow('169.254.169.254')).allowed).toBe(true);
    expect(policy('+64:ff9b::/96').judge(flow('64:ff9b::8.8.8.8')).allowed).toBe(true);
    expect(policy('+64:ff9b::/96').judge(flow('64:ff9b::10.0.0.1')).allowed).toBe(false);
    expect(policy('+db.internal@10.0.0.0/8').judge(flow('10.0.0.9', 1, ['db.internal'])).allowed).toBe(true);
    expect(policy('+db.internal@10.0.0.0/8').judge(flow('10.0.0.9', 1)).allowed).toBe(false);
  });

  it('lets published ports in unless a rule for that direction says no', () => {
    const from = flow('192.168.0.7', 80, [], { direction: 'in' });
    expect(policy('-*').judge(from).allowed).toBe(true);
    expect(policy('+in/127.0.0.0/8', '-in/*').judge(from).allowed).toBe(false);
  });

  it('resolves only names that a rule could let through', () => {
    const rules = policy('-secret.example.com', '-mail.example.com:25', '+*.example.com:443', '+10.0.0.0/8');
    expect(rules.judgeName('a.example.com').allowed).toBe(true);
    expect(rules.judgeName('mail.example.com').allowed).toBe(true);
    expect(rules.judgeName('secret.example.com').allowed).toBe(false);
    expect(rules.judgeName('example.com').allowed).toBe(false);
    expect(rules.judgeName('example.com.evil.org').allowed).toBe(false);
    expect(policy('+*').judgeName('anything.org').allowed).toBe(true);
  });

  it('takes special addresses out of answers unless they are named', () => {
    const rules = policy('+rebind.example', '+db.internal@10.0.0.0/8');
    expect(rules.judgeAnswer('rebind.example', Address.of('93.184.216.34')).allowed).toBe(true);
    expect(rules.judgeAnswer('rebind.example', Address.of('127.0.0.1')).allowed).toBe(false);
    expect(rules.judgeAnswer('rebind.example', Address.of('10.0.0.1')).allowed).toBe(false);
    expect(rules.judgeAnswer('db.internal', Address.of('10.0.0.1')).allowed).toBe(true);
    expect(rules.judgeAnswer('db.internal', Address.of('192.168.0.1')).reason).toMatch(/which no rule names/);
  });
});
