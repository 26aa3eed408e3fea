// Two hosts with TCP, and a transfer between them that checks every byte.

import { type TcpConfig, TcpSettings } from '../../src/transport/tcp/config.js';
import { TcpEndpoint } from '../../src/transport/tcp/endpoint.js';
import { TCP_ESTABLISHED } from '../../src/transport/tcp/state.js';
import { SHUTDOWN_SEND } from '../../src/transport/tcp/tcb.js';
import { Tcp } from '../../src/transport/tcp/tcp.js';
import { type PathFaults, type TestHost, TestNetwork } from './network.js';

export interface Pair {
  network: TestNetwork;
  clientHost: TestHost;
  serverHost: TestHost;
  client: Tcp;
  server: Tcp;
}

export function makePair(faults: PathFaults = {}, seed = 1, config: Partial<TcpConfig> = {}): Pair {
  const network = new TestNetwork(seed, faults);
  const clientHost = network.host('10.0.0.1');
  const serverHost = network.host('10.0.0.2');
  const client = new Tcp(clientHost, config);
  const server = new Tcp(serverHost, config);
  clientHost.attach(client);
  serverHost.attach(server);
  return { network, clientHost, serverHost, client, server };
}

export interface Connected extends Pair {
  listener: TcpEndpoint;
  a: TcpEndpoint;
  b: TcpEndpoint;
}

export function settingsWith(changes: Partial<TcpSettings>): TcpSettings {
  return Object.assign(new TcpSettings(), changes);
}

/** A listener on port 80 and a connection to it, handshake done. */
export function connectPair(pair: Pair, client?: TcpSettings, server?: TcpSettings): Connected {
  const listener = new TcpEndpoint(pair.server, false, server);
  listener.bind(null, 80);
  listener.listen(16);
  const a = new TcpEndpoint(pair.client, false, client);
  a.connect(pair.serverHost.address, 80);
  let b: TcpEndpoint | null = null;
  pair.network.run(300_000_000, () => {
    if (b === null && listener.backlogLength > 0) b = listener.accept();
    return b !== null && a.state === TCP_ESTABLISHED;
  });
  if (b === null) throw new Error('no connection came about');
  return { ...pair, listener, a, b };
}

/** Byte `i` of the test stream. */
export function patternByte(i: number): number {
  return (i * 31 + (i >>> 8) * 17 + (i >>> 16) * 7) & 0xff;
}

export function pattern(offset: number, length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  for (let i = 0; i < length; i++) bytes[i] = patternByte(offset + i);
  return bytes;
}

export interface TransferResult {
  complete: boolean;
  received: number;
  wrong: number;
  /** Virtual microseconds from the first byte to the end of the stream. */
  time: number;
}

/** Sends `total` bytes from one endpoint to the other, then FIN; reads and checks as it goes. */
export function transfer(
  pair: Connected,
  total: number,
  options: {
    from?: TcpEndpoint;
    to?: TcpEndpoint;
    limit?: number;
    writeSize?: number;
    readSize?: number;
  } = {},
): TransferResult {
  const from = options.from ?? pair.a;
  const to = options.to ?? pair.b;
  const writeSize = options.writeSize ?? 65536;
  const buffer = new Uint8Array(options.readSize ?? 262144);
  const result: TransferResult = { complete: false, received: 0, wrong: 0, time: 0 };
  const start = pair.network.time;
  let written = 0;
  let finished = false;
  result.complete = pair.network.run(options.limit ?? 3_600_000_000, () => {
    while (written < total) {
      const size = Math.min(writeSize, total - written);
      const n = from.write(pattern(written, size), 0, size);
      if (n <= 0) break;
      written += n;
    }
    if (written === total && !finished) {
      finished = true;
      from.shutdown(SHUTDOWN_SEND);
    }
    for (;;) {
      const n = to.read(buffer, 0, buffer.length);
      if (n < 0) return false;
      if (n === 0) return true;
      for (let i = 0; i < n; i++) if (buffer[i] !== patternByte(result.received + i)) result.wrong++;
      result.received += n;
    }
  });
  result.time = pair.network.time - start;
  return result;
}
