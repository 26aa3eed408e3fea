// The way out through another proxy: HTTP CONNECT (RFC 9110, 9.3.6) or SOCKS 5 (RFC 1928, with RFC 1929's passwords). The name that a flow's
// address was resolved for is handed on, so that the proxy sees names and not addresses.
import { EAGAIN, ECONNREFUSED, EHOSTUNREACH, EPROTO } from '@sandbox-kernel/abi';
import { DATA } from '@sandbox-kernel/host';
import type { Address } from '@sandbox-kernel/netstack';
import { endpointText } from '../gate.js';
import type { HostNet } from '../host-net.js';
import type { FlowQuery } from '../policy/policy.js';

const MAX_REPLY = 8192;
const SOCKS_REFUSED = 5;
const SOCKS_UNREACHABLE: readonly number[] = [3, 4, 6];

export interface UpstreamProxyOptions {
  readonly kind: 'http' | 'socks5';
  readonly address: Address;
  readonly port: number;
  readonly user?: string;
  readonly password?: string;
}

export class UpstreamProxy {
  readonly options: UpstreamProxyOptions;

  constructor(options: UpstreamProxyOptions) {
    this.options = options;
  }

  get address(): Address {
    return this.options.address;
  }

  get port(): number {
    return this.options.port;
  }

  dialogue(query: FlowQuery): ProxyDialogue {
    return this.options.kind === 'http'
      ? new ConnectDialogue(this.options, query)
      : new SocksDialogue(this.options, query);
  }
}

/** What is said on a new connection to the proxy before it is the flow's. */
export interface ProxyDialogue {
  /** 1: the way is open. 0: wait for the descriptor. Else -errno. */
  advance(net: HostNet, fd: number): number;
}

/** Bytes of a reply that are read without taking what follows them. */
class Reply {
  bytes = new Uint8Array(0);

  /** Adds at most `limit` bytes. >0, 0 when none are there, -errno. */
  take(net: HostNet, fd: number, limit: number): number {
    const count = net.calls.receive(fd, limit);
    if (count === -EAGAIN) return 0;
    if (count <= 0) return count === 0 ? -ECONNREFUSED : count;
    const joined = new Uint8Array(this.bytes.length + count);
    joined.set(this.bytes);
    joined.set(net.calls.bytes.subarray(DATA, DATA + count), this.bytes.length);
    this.bytes = joined;
    return count;
  }
}

class ConnectDialogue implements ProxyDialogue {
  readonly #request: string;
  readonly #reply = new Reply();
  #sent = false;

  constructor(options: UpstreamProxyOptions, query: FlowQuery) {
    const host = query.names[0] ?? null;
    const target = host === null ? endpointText(query.address, query.port) : `${host}:${query.port}`;
    const { user, password } = options;
    const credentials = user === undefined ? '' : Buffer.from(`${user}:${password ?? ''}`).toString('base64');
    const authorization = user === undefined ? '' : `Proxy-Authorization: Basic ${credentials}\r\n`;
    this.#request = `CONNECT ${target} HTTP/1.1\r\nHost: ${target}\r\n${authorization}\r\n`;
  }

  advance(net: HostNet, fd: number): number {
    if (!this.#sent) {
      const bytes = Buffer.from(this.#request, 'latin1');
      if (net.calls.send(fd, bytes, 0, bytes.length) !== bytes.length) return -EPROTO;
      this.#sent = true;
    }
    // One byte at a time: what follows the head belongs to the flow.
    for (;;) {
      const count = this.#reply.take(net, fd, 1);
      if (count <= 0) return count;
      const text = Buffer.from(this.#reply.bytes).toString('latin1');
      if (text.endsWith('\r\n\r\n')) return /^HTTP\/1\.[01] 2\d\d/.test(text) ? 1 : -ECONNREFUSED;
      if (text.length >= MAX_REPLY) return -EPROTO;
    }
  }
}

type SocksStep = 'hello' | 'method' | 'password' | 'reply';

class SocksDialogue implements ProxyDialogue {
  readonly #options: UpstreamProxyOptions;
  readonly #query: FlowQuery;
  #reply = new Reply();
  #step: SocksStep = 'hello';

  constructor(options: UpstreamProxyOptions, query: FlowQuery) {
    this.#options = options;
    this.#query = query;
  }

  advance(net: HostNet, fd: number): number {
    for (;;) {
      const before = this.#step;
      const result = this.#advanceStep(net, fd);
      if (result !== 0 || this.#step === before) return result;
    }
  }

  #advanceStep(net: HostNet, fd: number): number {
    switch (this.#step) {
      case 'hello':
        return this.#say(net, fd, Uint8Array.of(5, 1, this.#options.user === undefined ? 0 : 2), 'method');
      case 'method':
        return this.#hear(net, fd, 2, () => this.#methodChosen(net, fd));
      case 'password':
        return this.#hear(net, fd, 2, () =>
          this.#reply.bytes[1] === 0 ? this.#say(net, fd, this.#request(), 'reply') : -ECONNREFUSED,
        );
      default:
        return this.#hearReply(net, fd);
    }
  }

  #say(net: HostNet, fd: number, bytes: Uint8Array, next: SocksStep): number {
    if (net.calls.send(fd, bytes, 0, bytes.length) !== bytes.length) return -EPROTO;
    this.#step = next;
    this.#reply = new Reply();
    return 0;
  }

  /** Reads until `size` bytes are there, then goes on. */
  #hear(net: HostNet, fd: number, size: number, then: () => number): number {
    while (this.#reply.bytes.length < size) {
      const count = this.#reply.take(net, fd, size - this.#reply.bytes.length);
      if (count <= 0) return count;
    }
    return then();
  }

  #methodChosen(net: HostNet, fd: number): number {
    const [version, method] = this.#reply.bytes;
    if (version !== 5) return -EPROTO;
    if (method === 0) return this.#say(net, fd, this.#request(), 'reply');
    const { user = '', password = '' } = this.#options;
    if (method !== 2 || user === '') return -ECONNREFUSED;
    const name = Buffer.from(user).subarray(0, 255);
    const secret = Buffer.from(password).subarray(0, 255);
    const login = Uint8Array.of(1, name.length, ...name, secret.length, ...secret);
    return this.#say(net, fd, login, 'password');
  }

  #request(): Uint8Array {
    const { names, address, port } = this.#query;
    const name = names[0] === undefined ? null : Buffer.from(names[0], 'latin1');
    const target = name === null ? [address.isV4 ? 1 : 4, ...address.toBytes()] : [3, name.length, ...name];
    return Uint8Array.of(5, 1, 0, ...target, port >>> 8, port & 255);
  }

  #hearReply(net: HostNet, fd: number): number {
    return this.#hear(net, fd, 5, () => {
      const bytes = this.#reply.bytes;
      if (bytes[0] !== 5) return -EPROTO;
      if (bytes[1] !== 0) return socksError(bytes[1] as number);
      const kind = bytes[3];
      const length = kind === 1 ? 4 : kind === 4 ? 16 : kind === 3 ? 1 + (bytes[4] as number) : -1;
      return length < 0 ? -EPROTO : this.#hear(net, fd, 4 + length + 2, () => 1);
    });
  }
}

function socksError(code: number): number {
  if (code === SOCKS_REFUSED) return -ECONNREFUSED;
  return SOCKS_UNREACHABLE.includes(code) ? -EHOSTUNREACH : -ECONNREFUSED;
}
