import { Address, DNS_A, DNS_AAAA, type DnsReply } from '@sandbox-kernel/netstack';
import { describe, expect, it } from 'vitest';
import { FRAME_HEADER, FrameSplitter } from '../../../src/link/frame-splitter.js';
import { SwitchCore, type SwitchPort } from '../../../src/link/switch-core.js';

function frame(to: number, from: number, length = 60): Uint8Array {
  const bytes = new Uint8Array(length);
  for (let i = 0; i < 6; i++) {
    bytes[i] = Math.floor(to / 2 ** (8 * (5 - i))) & 255;
    bytes[6 + i] = Math.floor(from / 2 ** (8 * (5 - i))) & 255;
  }
  bytes[12] = 0x88;
  bytes[13] = 0xb5;
  return bytes;
}

function network(...names: string[]): { core: SwitchCore; ports: SwitchPort[]; got: string[] } {
  const core = new SwitchCore({ next32: () => 7 }, 1500);
  const got: string[] = [];
  const ports = names.map((name) => core.plug(name, () => void got.push(name)) as SwitchPort);
  return { core, ports, got };
}

describe('a switch', () => {
  it('floods what it does not know and then sends to the right port only', () => {
    const { core, ports, got } = network('a', 'b', 'c');
    const [a, b] = ports as [SwitchPort, SwitchPort];
    core.frameIn(a, frame(b.mac, a.mac));
    expect(got.splice(0)).toEqual(['b', 'c']);
    core.frameIn(b, frame(a.mac, b.mac));
    expect(got.splice(0)).toEqual(['a']);
    core.frameIn(a, frame(b.mac, a.mac));
    expect(got.splice(0)).toEqual(['b']);
    core.unplug(b);
    core.frameIn(a, frame(b.mac, a.mac));
    expect(got).toEqual(['c']);
  });

  it("lets nobody take another member's address, or its own", () => {
    const { core, ports, got } = network('a', 'b', 'thief');
    const [a, b, thief] = ports as [SwitchPort, SwitchPort, SwitchPort];
    core.frameIn(b, frame(a.mac, b.mac));
    core.frameIn(thief, frame(a.mac, b.mac));
    got.length = 0;
    core.frameIn(a, frame(b.mac, a.mac));
    expect(got).toEqual(['b']);
  });

  it('gives each name once, and answers for it', () => {
    const { core, ports } = network('web', 'db');
    expect(core.plug('WEB', () => {})).toBeNull();
    const ask = (name: string, type = DNS_A): DnsReply => {
      let answer: DnsReply = { code: -1 };
      core.answer({ name, type, class: 1 }, Address.of('10.0.3.2'), (reply) => {
        answer = reply;
      });
      return answer;
    };
    expect(ask('db').answers?.[0]?.data).toEqual({ kind: 'address', address: ports[1]?.address });
    expect(ask('db', DNS_AAAA).answers?.[0]?.data).toEqual({ kind: 'address', address: ports[1]?.address6 });
    expect(`${ports[1]?.address} ${ports[1]?.address6}`).toBe('10.0.3.3 fd00:736b:3::3');
    expect([ask('db', 15).code, ask('db', 15).answers]).toEqual([0, []]);
    expect(ask('nobody').code).toBe(3);
  });

  it('has a bounded number of ports and of stations', () => {
    const { core, ports } = network('flooder');
    let names = 1;
    while (core.plug(`m${names}`, () => {}) !== null) names++;
    expect(names).toBeLessThan(255);
    for (let i = 0; i < 5000; i++)
      core.frameIn(ports[0] as SwitchPort, frame(0xffffffffffff, 0x020000000000 + i));
    core.frameIn(ports[0] as SwitchPort, new Uint8Array(5));
  });
});

describe('frames in a stream', () => {
  it('come out whole, however the bytes arrive', () => {
    const stream: number[] = [];
    for (let i = 0; i < 20; i++) {
      const bytes = frame(1, 2, 14 + i * 7);
      stream.push(bytes.length & 255, bytes.length >>> 8, 0, 0, ...bytes);
    }
    for (const step of [1, 3, 50, stream.length]) {
      const splitter = new FrameSplitter();
      const lengths: number[] = [];
      for (let at = 0; at < stream.length; at += step) {
        expect(splitter.push(Uint8Array.from(stream.slice(at, at + step)))).toBe(true);
        for (let one = splitter.next(); one !== null; one = splitter.next()) lengths.push(one.length);
      }
      expect(lengths).toEqual(Array.from({ length: 20 }, (_, i) => 14 + i * 7));
    }
  });

  it.each([[[0, 0, 0, 0]], [[255, 255, 255, 255]], [[13, 0, 0, 0]]])(
    'that can be none are refused: %j',
    (bytes) => {
      expect(bytes.length).toBe(FRAME_HEADER);
      expect(new FrameSplitter().push(Uint8Array.from(bytes))).toBe(false);
    },
  );
});
