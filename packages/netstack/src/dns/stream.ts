// DNS over TCP: RFC 1035 section 4.2.2 and RFC 7766: messages behind a two-byte length, one after the other.

import type { Address } from '../address.js';
import { EAGAIN } from '../errno.js';
import { READY_WRITE, type ReadinessOwner } from '../roles.js';
import { TcpEndpoint } from '../transport/tcp/endpoint.js';
import type { Tcp } from '../transport/tcp/tcp.js';

const MAX_MESSAGE = 65535;
/** A peer that asks on without reading its answers is not heard further. */
const MAX_WAITING = 256;

export class DnsStream implements ReadinessOwner {
  private readonly endpoint: TcpEndpoint;
  private readonly onMessage: (bytes: Uint8Array, stream: DnsStream) => void;
  private readonly outgoing: Uint8Array[];
  private readonly input: Uint8Array;
  private have: number;
  private offset: number;
  closed: boolean;

  constructor(endpoint: TcpEndpoint, onMessage: (bytes: Uint8Array, stream: DnsStream) => void) {
    this.endpoint = endpoint;
    this.onMessage = onMessage;
    this.outgoing = [];
    this.input = new Uint8Array(MAX_MESSAGE + 2);
    this.have = 0;
    this.offset = 0;
    this.closed = false;
    endpoint.setOwner(this, 0);
  }

  /** Connects, sends one message, and hands over what comes back. */
  static ask(
    tcp: Tcp,
    server: Address,
    port: number,
    message: Uint8Array,
    onMessage: (bytes: Uint8Array) => void,
  ): DnsStream {
    const endpoint = new TcpEndpoint(tcp, !server.isV4);
    const stream = new DnsStream(endpoint, onMessage);
    stream.send(message);
    endpoint.connect(server, port);
    return stream;
  }

  send(message: Uint8Array): void {
    if (this.outgoing.length >= MAX_WAITING) {
      this.close();
      return;
    }
    const framed = new Uint8Array(message.length + 2);
    framed[0] = message.length >>> 8;
    framed[1] = message.length;
    framed.set(message, 2);
    this.outgoing.push(framed);
    this.flush();
  }

  endpointReady(_token: number, events: number): void {
    if ((events & READY_WRITE) !== 0) this.flush();
    this.receive();
  }

  /** Reads all that is there; called by whoever accepted the connection, too. */
  receive(): void {
    while (!this.closed) {
      const count = this.endpoint.read(this.input, this.have, this.input.length - this.have);
      if (count === -EAGAIN) return;
      if (count <= 0) {
        this.close();
        return;
      }
      this.have += count;
      this.split();
    }
  }

  private split(): void {
    while (this.have >= 2 && !this.closed) {
      const length = (this.input[0]! << 8) | this.input[1]!;
      if (this.have < length + 2) return;
      const message = this.input.slice(2, length + 2);
      this.input.copyWithin(0, length + 2, this.have);
      this.have -= length + 2;
      this.onMessage(message, this);
    }
  }

  private flush(): void {
    while (!this.closed && this.outgoing.length > 0) {
      const first = this.outgoing[0]!;
      const count = this.endpoint.write(first, this.offset, first.length - this.offset);
      if (count < 0) return;
      this.offset += count;
      if (this.offset < first.length) return;
      this.outgoing.shift();
      this.offset = 0;
    }
  }

  close(): void {
    if (this.closed) return;
    this.closed = true;
    this.endpoint.close();
  }
}
