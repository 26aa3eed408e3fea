// Behaviours that hang on options of the SYN: Fast Open at the server and at a client whose data is refused, the user timeout,
// and the reuse of a TIME-WAIT flow by the side that holds it.
import { describe, expect, it } from 'vitest';
import { READY_WRITE } from '../../../../src/roles.js';
import { TCP_CLOSE, TCP_ESTABLISHED } from '../../../../src/transport/tcp/state.js';
import { established, PEER, Script } from '../../../support/packet-script.js';
import { settingsWith } from '../../../support/tcp-pair.js';

describe('Fast Open at the server (RFC 7413)', () => {
  const server = (): Script => new Script({ fastOpen: 3 }, settingsWith({ fastOpenQueue: 4 })).listen();
  const cookieOf = (script: Script): Uint8Array => {
    const cookie = new Uint8Array(16);
    script.tcp.sequences.fastOpenCookie(cookie, PEER);
    return cookie.slice(0, 8);
  };

  it('gives a cookie to who asks, and no connection yet', () => {
    const script = server().inject({ flags: 'S', seq: 0, mss: 1000, cookie: 0 });
    script.expect({ flags: 'S.', ack: 1, cookie: 8 });
    expect(script.listener!.accept()).toBeNull();
  });

  it('takes the data of a SYN with a good cookie before the handshake is through', () => {
    const script = server();
    script.inject({ flags: 'S', seq: 0, mss: 1000, cookieBytes: cookieOf(script), length: 5 });
    script.expect({ flags: 'S.', ack: 6 }).accept().read(5);
  });

  const early = (script: Script): Script => {
    script.inject({ flags: 'S', seq: 0, mss: 1000, cookieBytes: cookieOf(script), length: 5 });
    return script.expect({ flags: 'S.', ack: 6 }).accept();
  };

  it('answers data before the third segment', () => {
    const script = early(server()).write(10);
    script.expect({ flags: 'P.', seq: 1, ack: 6, length: 10 }).quiet();
    script.inject({ flags: '.', seq: 6, ack: 11 }).quiet();
    expect(script.endpoint.state).toBe(TCP_ESTABLISHED);
    expect(script.endpoint.unacknowledged).toBe(0);
  });

  it('sends early data again behind a lost SYN-ACK', () => {
    const script = early(server()).write(10);
    script.expect({ flags: 'P.', seq: 1, length: 10 }).untilSent(2000).expect({ flags: 'S.', ack: 6 });
    script.inject({ flags: '.', seq: 6, ack: 1 }).expect({ seq: 1, length: 10 });
    script.inject({ flags: '.', seq: 6, ack: 11 }).after(5000).quiet();
    expect(script.endpoint.unacknowledged).toBe(0);
  });

  it('finishes what was closed before the third segment', () => {
    const script = early(server()).read(5).write(10);
    script.expect({ flags: 'P.', seq: 1, length: 10 });
    script.endpoint.close();
    script.expect({ flags: 'F.', seq: 11 });
    script.inject({ flags: '.', seq: 6, ack: 12 }).inject({ flags: 'F.', seq: 6, ack: 12 });
    script.expect({ flags: '.', seq: 12, ack: 7 });
    expect(script.tcp.flows.count).toBe(1);
  });

  it('has room in its queue again once a handshake is through, accepted or not', () => {
    const script = server();
    for (let i = 0; i < 9; i++) {
      script.peerPort = 4000 + i;
      early(script).inject({ flags: '.', seq: 6, ack: 1 });
    }
  });

  it('acknowledges the SYN alone if the cookie is wrong, and offers a right one', () => {
    const script = server();
    script.inject({ flags: 'S', seq: 0, mss: 1000, cookieBytes: new Uint8Array(8), length: 5 });
    script.expect({ flags: 'S.', ack: 1, cookie: 8 });
    expect(script.listener!.accept()).toBeNull();
  });

  it('is an ordinary server without a Fast Open queue', () => {
    const script = new Script({ fastOpen: 3 }).listen().inject({ flags: 'S', seq: 0, mss: 1000, cookie: 0 });
    expect(script.sent.shift()?.cookie).toBeUndefined();
  });
});

describe('Fast Open at the client', () => {
  const client = (): Script => {
    const script = new Script({ fastOpen: 1 }, settingsWith({ fastOpenConnect: true }));
    script.tcp.fastOpenCache.set(PEER, new Uint8Array(8).fill(1), 1000);
    expect(script.endpoint.connect(PEER, script.peerPort)).toBe(0);
    expect(script.endpoint.ready & READY_WRITE).toBe(READY_WRITE);
    script.quiet();
    script.write(5).expect({ flags: 'S', length: 5, cookie: 8 });
    return script;
  };

  it('sends again what the server did not take from the SYN', () => {
    const script = client().after(10).inject({ flags: 'S.', seq: 0, ack: 1, mss: 1000 });
    expect(script.sent.some((s) => s.seq === 1 && s.length === 5)).toBe(true);
  });

  it('sends nothing again if the server took it', () => {
    const script = client().after(10).inject({ flags: 'S.', seq: 0, ack: 6, mss: 1000 });
    expect(script.sent.every((s) => s.length === 0)).toBe(true);
  });

  it('repeats a lost SYN without the data', () => {
    client().untilSent(5000).expect({ flags: 'S', length: 0 });
  });
});

describe('the user timeout option (RFC 5482)', () => {
  it('is offered on the SYN if the program wants it', () => {
    const settings = settingsWith({ userTimeoutOption: true, userTimeout: 90_000 });
    new Script({}, settings).connect().expect({ flags: 'S', userTimeout: 90 });
  });

  it('ends the connection by the time that the peer asked for', () => {
    const script = new Script({}, settingsWith({ userTimeoutOption: true })).connect();
    script.after(10).inject({ flags: 'S.', seq: 0, ack: 1, mss: 1000, userTimeout: 4 });
    script.write(10).after(3000);
    expect(script.endpoint.state).toBe(TCP_ESTABLISHED);
    script.after(10_000);
    expect(script.endpoint.state).toBe(TCP_CLOSE);
    expect(script.endpoint.takeError()).toBe(110);
  });

  it('is not heeded if the program does not want it', () => {
    const script = new Script().connect();
    script.after(10).inject({ flags: 'S.', seq: 0, ack: 1, mss: 1000, userTimeout: 4 });
    script.write(10).after(13_000);
    expect(script.endpoint.state).toBe(TCP_ESTABLISHED);
  });

  it('bounds how long a shut window is probed', () => {
    const script = established({ window: 0 }, {}, settingsWith({ userTimeout: 5000 }));
    script.write(10);
    for (let i = 0; i < 20 && script.endpoint.state === TCP_ESTABLISHED; i++) {
      script.untilSent(10_000);
      script.sent.length = 0;
      if (script.endpoint.state === TCP_ESTABLISHED) script.inject({ flags: '.', seq: 1, ack: 1, window: 0 });
    }
    expect(script.endpoint.takeError()).toBe(110);
  });
});

describe('blind attacks on other states (RFC 5961)', () => {
  it('a SYN-ACK for an established connection is answered with an acknowledgement, not believed', () => {
    const script = established();
    script.inject({ flags: 'S.', seq: 0, ack: 1, mss: 1000 }).expect({ flags: '.', seq: 1, ack: 1 });
    expect(script.endpoint.state).toBe(TCP_ESTABLISHED);
  });

  it('a reset one byte beside the exact number leaves a listener’s child alive', () => {
    const script = new Script().listen();
    script.inject({ flags: 'S', seq: 0, mss: 1000 }).inject({ flags: '.', seq: 1, ack: 1 }).accept();
    script.inject({ flags: 'R', seq: 2 });
    expect(script.endpoint.state).toBe(TCP_ESTABLISHED);
    script.inject({ flags: 'R', seq: 1 });
    expect(script.endpoint.state).toBe(TCP_CLOSE);
  });
});

describe('a path MTU black hole (RFC 4821)', () => {
  it('makes segments small once full ones have vanished often enough', () => {
    const script = established({ mss: 1460 }, { tailLossProbe: false });
    script.write(1460);
    script.sent.length = 0;
    for (let i = 0; i < 6; i++) script.untilSent(60_000);
    script.after(30_000);
    expect(script.sent.at(-1)?.length).toBeLessThanOrEqual(1024);
  });

  it('is not suspected with tcp_mtu_probing 0', () => {
    const script = established({ mss: 1460 }, { tailLossProbe: false, mtuProbing: 0 });
    script.write(1460);
    script.sent.length = 0;
    script.after(30_000);
    expect(script.sent.at(-1)?.length).toBe(1460);
  });
});
