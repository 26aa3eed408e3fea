import { beforeEach, describe, expect, it } from 'vitest';
import { Address } from '../../../src/address.js';
import { Conntrack } from '../../../src/filter/conntrack.js';
import {
  type Evaluation,
  type RuleStep,
  STEP_BREAK,
  STEP_GOTO,
  STEP_JUMP,
  STEP_NEXT,
  STEP_RETURN,
} from '../../../src/filter/evaluation.js';
import { Nat } from '../../../src/filter/nat.js';
import { rejectReset } from '../../../src/filter/reject.js';
import { Chain, Rule } from '../../../src/filter/rules.js';
import { HOOK_OUTPUT, VERDICT_ACCEPT, VERDICT_DROP } from '../../../src/network/hooks.js';
import { Stack } from '../../../src/stack.js';
import { UdpProbe } from '../../support/udp-probe.js';

const LOOPBACK = Address.of('127.0.0.1');

/** Writes its name down and gives a verdict. */
class Trace implements RuleStep {
  readonly log: string[];
  readonly name: string;
  readonly verdict: number;
  readonly target: Chain | null;

  constructor(log: string[], name: string, verdict: number, target: Chain | null = null) {
    this.log = log;
    this.name = name;
    this.verdict = verdict;
    this.target = target;
  }

  evaluate(look: Evaluation): number {
    this.log.push(this.name);
    look.target = this.target;
    return this.verdict;
  }
}

describe('chains of steps', () => {
  let stack: Stack;
  let probe: UdpProbe;
  let log: string[];
  let now: number;
  const chain = (name: string, first = 0): Chain => new Chain({ network: stack.network, name, first });
  const rule = (name: string, verdict: number, target: Chain | null = null): Rule =>
    new Rule([new Trace(log, name, verdict, target)]);
  const send = (port: number, sourcePort = 5000): number => {
    const sent = probe.send(LOOPBACK, port, 10, sourcePort);
    now += 1000;
    stack.poll(now);
    return sent;
  };

  beforeEach(() => {
    let number = 1;
    stack = new Stack({ random: { next32: () => (number = Math.imul(number, 48271) >>> 0) } });
    probe = new UdpProbe(stack);
    log = [];
    now = 0;
  });

  it('ask steps until one does not say "next"', () => {
    const output = chain('OUTPUT');
    output.append(
      new Rule([
        new Trace(log, 'a', STEP_NEXT),
        new Trace(log, 'b', STEP_BREAK),
        new Trace(log, 'c', VERDICT_DROP),
      ]),
    );
    output.append(new Rule([]));
    output.append(rule('d', VERDICT_ACCEPT));
    output.append(rule('e', VERDICT_DROP));
    stack.network.hooks.add(HOOK_OUTPUT, output);
    expect(send(1)).toBe(0);
    expect(log).toEqual(['a', 'b', 'd']);
  });

  it('come back from a jump behind it, from a goto behind the jump before', () => {
    const output = chain('OUTPUT');
    const [outer, inner] = [chain('outer'), chain('inner')];
    output
      .append(rule('jump', STEP_JUMP, outer))
      .append(rule('end', STEP_RETURN))
      .append(rule('never', VERDICT_DROP));
    outer.append(rule('goto', STEP_GOTO, inner)).append(rule('skipped', VERDICT_DROP));
    inner.append(rule('inner', STEP_RETURN));
    stack.network.hooks.add(HOOK_OUTPUT, output);
    expect(send(1)).toBe(0);
    expect(log).toEqual(['jump', 'goto', 'inner', 'end']);
    expect(output.policyCounter).toMatchObject({ packets: 1, bytes: 38 });
    output.policy = 'drop';
    expect(send(1)).toBe(-1);
  });

  it('may share one list of rules and begin at different places of it', () => {
    const rules = [rule('a', STEP_NEXT), rule('b', STEP_RETURN), rule('c', VERDICT_DROP)];
    const [whole, tail] = [chain('whole'), chain('tail', 2)];
    whole.rules = rules;
    tail.rules = rules;
    stack.network.hooks.add(HOOK_OUTPUT, whole);
    stack.network.hooks.add(HOOK_OUTPUT, tail);
    expect(send(1)).toBe(-1);
    expect(log).toEqual(['a', 'b', 'c']);
  });

  it('look at one family only when they are told to', () => {
    const six = new Chain({ network: stack.network, name: 'six', policy: 'drop', family: 'v6' });
    stack.network.hooks.add(HOOK_OUTPUT, six);
    expect(send(1)).toBe(0);
    expect(probe.send(Address.of('::1'), 1)).toBe(-1);
  });

  it('end a chain that calls itself', () => {
    const output = chain('OUTPUT');
    output.append(rule('again', STEP_JUMP, output));
    stack.network.hooks.add(HOOK_OUTPUT, output);
    expect(send(1)).toBe(-1);
  });

  it('of translation are asked by priority until one has decided', () => {
    const nat = new Nat(stack.network, new Conntrack(stack.network));
    const to = (port: number, priority: number): Chain => {
      const made = new Chain({ network: stack.network, name: `${port}`, nat, priority });
      made.append(Rule.when({}, { kind: 'dnat', range: { address: null, ports: { from: port, to: port } } }));
      nat.attach(HOOK_OUTPUT, made);
      return made;
    };
    const late = to(8, 5);
    const early = to(9, -5);
    send(1, 5001);
    nat.detach(HOOK_OUTPUT, early);
    send(1, 5002);
    nat.detach(HOOK_OUTPUT, late);
    send(1, 5003);
    expect(probe.got.map((each) => each.to)).toEqual(['127.0.0.1:9', '127.0.0.1:8', '127.0.0.1:1']);
  });

  it('give a redirected flow another source port when it would look like one that is there', () => {
    const nat = new Nat(stack.network, new Conntrack(stack.network));
    nat.output.append(
      Rule.when({ destinationPort: { from: 1, to: 1 } }, { kind: 'redirect', ports: { from: 9, to: 9 } }),
    );
    send(9, 5000);
    send(1, 5000);
    expect(probe.got.map((each) => each.to)).toEqual(['127.0.0.1:9', '127.0.0.1:9']);
    expect(new Set(probe.got.map((each) => each.from)).size).toBe(2);
  });

  it('answer nothing but TCP segments with a reset', () => {
    const before = stack.network.counters.outRequests;
    const packet = stack.pool.allocate(40);
    packet.append(40);
    packet.networkOffset = packet.start;
    packet.transportOffset = packet.start + 20;
    packet.source = LOOPBACK;
    packet.destination = LOOPBACK;
    packet.protocol = 17;
    rejectReset(stack.network, packet);
    packet.protocol = 6;
    packet.view.setUint8(packet.transportOffset + 13, 4);
    rejectReset(stack.network, packet);
    expect(stack.network.counters.outRequests).toBe(before);
    packet.view.setUint8(packet.transportOffset + 12, 0x50);
    packet.view.setUint8(packet.transportOffset + 13, 2);
    rejectReset(stack.network, packet);
    expect(stack.network.counters.outRequests).toBe(before + 1);
    packet.release();
  });
});
