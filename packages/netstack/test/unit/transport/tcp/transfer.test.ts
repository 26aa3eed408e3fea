import { describe, expect, it } from 'vitest';
import { READY_PRIORITY, READY_READ, READY_WRITE } from '../../../../src/roles.js';
import { READ_PEEK, READ_URGENT, WRITE_MORE, WRITE_URGENT } from '../../../../src/transport/tcp/endpoint.js';
import { established, Script } from '../../../support/packet-script.js';
import { settingsWith } from '../../../support/tcp-pair.js';

const EAGAIN = -11;

describe('receiving', () => {
  it('delivers bytes in order and acknowledges the second full segment at once', () => {
    const script = established();
    script.endpoint.tcb!.quickAcks = 0;
    script.endpoint.tcb!.lastReceivedAt = script.network.time;
    script.inject({ flags: '.', seq: 1, ack: 1, length: 1000 }).quiet();
    script.inject({ flags: '.', seq: 1001, ack: 1, length: 1000 }).expect({ flags: '.', ack: 2001 }).quiet();
    script.read(2000);
  });

  it('delays the acknowledgement of a single segment by 40 ms', () => {
    const script = established();
    script.endpoint.tcb!.quickAcks = 0;
    script.endpoint.tcb!.lastReceivedAt = script.network.time;
    const start = script.network.time;
    script.inject({ flags: '.', seq: 1, ack: 1, length: 100 }).quiet();
    script.untilSent(500).expect({ flags: '.', ack: 101 });
    expect(Math.round((script.network.time - start) / 1000)).toBe(40);
  });

  it('holds data behind a hole, SACKs it, and delivers all when the hole is filled', () => {
    const script = established();
    script.inject({ flags: '.', seq: 1001, ack: 1, length: 1000 });
    script.expect({ flags: '.', ack: 1, sack: [[1001, 2001]] });
    script.inject({ flags: '.', seq: 3001, ack: 1, length: 1000 });
    script.expect({
      ack: 1,
      sack: [
        [3001, 4001],
        [1001, 2001],
      ],
    });
    expect(script.endpoint.read(new Uint8Array(9), 0, 9)).toBe(EAGAIN);
    script.inject({ flags: '.', seq: 1, ack: 1, length: 1000 }).expect({ ack: 2001, sack: [[3001, 4001]] });
    script.inject({ flags: '.', seq: 2001, ack: 1, length: 1000 }).expect({ ack: 4001 });
    const into = new Uint8Array(4000);
    expect(script.endpoint.read(into, 0, 4000)).toBe(4000);
    expect(into.every((byte, i) => byte === ((i + 1) & 0xff))).toBe(true);
  });

  it('reports a duplicate by D-SACK', () => {
    const script = established();
    script.inject({ flags: '.', seq: 1, ack: 1, length: 1000 }).after(100);
    script.sent.length = 0;
    script.inject({ flags: '.', seq: 1, ack: 1, length: 1000 }).expect({ ack: 1001, sack: [[1, 1001]] });
  });

  it('keeps overlapping retransmissions apart to the byte', () => {
    const script = established();
    script
      .inject({ flags: '.', seq: 101, ack: 1, length: 200 })
      .inject({ flags: '.', seq: 51, ack: 1, length: 100 });
    script.inject({ flags: '.', seq: 1, ack: 1, length: 75 });
    const into = new Uint8Array(400);
    expect(script.endpoint.read(into, 0, 400)).toBe(300);
    expect(into.subarray(0, 300).every((byte, i) => byte === ((i + 1) & 0xff))).toBe(true);
  });

  it('drops what lies beyond the window', () => {
    const script = established({}, {}, settingsWith({ receiveBuffer: 8192 }));
    script.inject({ flags: '.', seq: 1, ack: 1, length: 4096 });
    script.sent.length = 0;
    script.inject({ flags: '.', seq: 4097, ack: 1, length: 100 });
    expect(script.sent.pop()).toMatchObject({ ack: 4097, window: 0 });
    script.quiet().read(4096).expect({ ack: 4097, window: 4096 });
  });

  it('peeks without taking, and reads nothing twice', () => {
    const script = established();
    script.inject({ flags: 'P.', seq: 1, ack: 1, length: 10 });
    const into = new Uint8Array(10);
    expect(script.endpoint.read(into, 0, 4, READ_PEEK)).toBe(4);
    expect(script.endpoint.read(into, 0, 10)).toBe(10);
    expect(script.endpoint.read(into, 0, 10)).toBe(EAGAIN);
  });

  it('gives views of what arrived without copying', () => {
    const script = established();
    script.inject({ flags: 'P.', seq: 1, ack: 1, length: 10 });
    const { endpoint } = script;
    const view = endpoint
      .readView()
      .subarray(endpoint.readViewOffset, endpoint.readViewOffset + endpoint.readViewLength);
    expect([...view]).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
    endpoint.consume(10);
    expect(endpoint.readable).toBe(0);
  });
});

describe('sequence numbers', () => {
  it('wrap in both directions without a seam', () => {
    const script = new Script().connect();
    script.sent.length = 0;
    script.peerIsn = 0xfffffe00 | 0;
    script.after(10).inject({ flags: 'S.', seq: 0, ack: 1, mss: 1000, sackOk: true });
    script.sent.length = 0;
    script.inject({ flags: '.', seq: 1001, ack: 1, length: 1000 }).expect({ ack: 1, sack: [[1001, 2001]] });
    script.inject({ flags: '.', seq: 1, ack: 1, length: 1000 }).expect({ ack: 2001 });
    script.read(2000);
  });
});

describe('sending', () => {
  it('holds a small segment back while one is in flight (Nagle)', () => {
    const script = established();
    script.write(10).expect({ length: 10 });
    script.write(10).quiet();
    script.inject({ flags: '.', seq: 1, ack: 11 }).expect({ seq: 11, length: 10 });
  });

  it('sends it at once with TCP_NODELAY', () => {
    const script = established({}, {}, settingsWith({ noDelay: true }));
    script.write(10).expect({ length: 10 }).write(10).expect({ length: 10 });
  });

  it('collects with MSG_MORE and TCP_CORK until a full segment or the cork is drawn', () => {
    const script = established({}, {}, settingsWith({ cork: true }));
    script.write(10).quiet().write(995).expect({ length: 1000 }).quiet();
    script.endpoint.configure(settingsWith({ cork: false }));
    script.expect({ length: 5 });
    script.inject({ flags: '.', seq: 1, ack: 1006 });
    script.write(10, WRITE_MORE).quiet().write(10).expect({ length: 20 });
  });

  it('never exceeds the peer’s window and probes it when it is shut', () => {
    const script = established({ window: 2500 });
    script.write(5000).expect({ length: 1000 }).expect({ length: 1000 }).quiet();
    script.inject({ flags: '.', seq: 1, ack: 2001, window: 0 }).quiet();
    script.untilSent(2000).expect({ flags: '.', seq: 2000, length: 0 });
    script.inject({ flags: '.', seq: 1, ack: 2001, window: 0 });
    script.untilSent(2000).expect({ flags: '.', seq: 2000, length: 0 });
    script.inject({ flags: '.', seq: 1, ack: 2001, window: 5000 }).expect({ seq: 2001, length: 1000 });
  });

  it('keeps probing as long as it is answered', () => {
    const script = established({ window: 0 });
    script.write(10).quiet();
    for (let i = 0; i < 40; i++) {
      script.untilSent(200_000).expect({ length: 0 });
      script.inject({ flags: '.', seq: 1, ack: 1, window: 0 });
    }
    expect(script.endpoint.takeError()).toBe(0);
  });

  it('is writable again when a third of the buffer is free', () => {
    const script = established({}, {}, settingsWith({ sendBuffer: 9000 }));
    expect(script.endpoint.write(new Uint8Array(20_000), 0, 20_000)).toBe(9000);
    expect(script.endpoint.write(new Uint8Array(1), 0, 1)).toBe(EAGAIN);
    expect(script.endpoint.ready & READY_WRITE).toBe(0);
    script.inject({ flags: '.', seq: 1, ack: 6001 });
    expect(script.endpoint.ready & READY_WRITE).toBe(READY_WRITE);
  });

  it('writes into reserved room without copying', () => {
    const script = established();
    const { endpoint } = script;
    const room = endpoint.reserve(100);
    endpoint.writeView().fill(5, endpoint.writeViewOffset, endpoint.writeViewOffset + room);
    endpoint.commit(room);
    script.expect({ length: 100 });
  });

  it('starts over in slow start after an idle time (RFC 5681, 4.1)', () => {
    const script = established();
    script.write(20_000).after(10).inject({ flags: '.', seq: 1, ack: 10_001 });
    script.after(10).inject({ flags: '.', seq: 1, ack: 20_001 });
    script.sent.length = 0;
    script.after(60_000).write(20_000);
    expect(script.sent.length).toBe(10);
  });
});

describe('urgent data', () => {
  it('sends a pointer to the byte behind the urgent one', () => {
    const script = established();
    script.write(3, WRITE_URGENT).expect({ flags: 'P.U', length: 3, urgent: 3 });
  });

  it('is read out of band, and the stream stops at the mark', () => {
    const script = established();
    script.inject({ flags: 'P.U', seq: 1, ack: 1, length: 5, urgent: 3 });
    const { endpoint } = script;
    expect(endpoint.ready & (READY_PRIORITY | READY_READ)).toBe(READY_PRIORITY | READY_READ);
    const into = new Uint8Array(9);
    expect(endpoint.read(into, 0, 9, READ_URGENT)).toBe(1);
    expect(into[0]).toBe(3);
    expect(endpoint.read(into, 0, 9, READ_URGENT)).toBe(-22);
    expect(endpoint.read(into, 0, 9)).toBe(2);
    expect(endpoint.atMark).toBe(true);
    expect(endpoint.read(into, 0, 9)).toBe(2);
    expect([...into.subarray(0, 2)]).toEqual([4, 5]);
  });

  it('stays in the stream with SO_OOBINLINE', () => {
    const script = established({}, {}, settingsWith({ oobInline: true }));
    script.inject({ flags: 'P.U', seq: 1, ack: 1, length: 5, urgent: 3 });
    script.read(2).read(3);
  });
});

describe('ECN (RFC 3168)', () => {
  it('echoes a mark until the sender says that it reduced', () => {
    const script = new Script({ ecn: 1 }).connect();
    script.expect({ flags: 'SEW' });
    script.after(10).inject({ flags: 'S.E', seq: 0, ack: 1, mss: 1000 });
    script.sent.length = 0;
    script.inject({ flags: '.', seq: 1, ack: 1, length: 10, ecn: 3 }).expect({ flags: '.E' });
    script.inject({ flags: '.W', seq: 11, ack: 1, length: 10, ecn: 2 });
    script.after(100);
    expect(script.sent.at(-1)?.flags).toBe('.');
  });

  it('marks data as ECN capable and halves the window once per round trip on an echo', () => {
    const script = new Script({ ecn: 1 }).connect();
    script.after(10).inject({ flags: 'S.E', seq: 0, ack: 1, mss: 1000 });
    script.sent.length = 0;
    script.write(20_000);
    expect(script.sent[0]).toMatchObject({ length: 1000, ecn: 2 });
    script.sent.length = 0;
    script.after(10).inject({ flags: '.E', seq: 1, ack: 5001 });
    expect(script.endpoint.tcb?.ssthresh).toBe(7000);
    script.inject({ flags: '.E', seq: 1, ack: 6001 });
    expect(script.endpoint.tcb?.ssthresh).toBe(7000);
    expect(script.sent[0]?.flags).toContain('W');
  });

  it('is not used if the peer did not agree', () => {
    const script = new Script({ ecn: 1 }).connect();
    script.after(10).inject({ flags: 'S.', seq: 0, ack: 1, mss: 1000 });
    expect(script.endpoint.tcb?.ecnOk).toBe(false);
  });
});
