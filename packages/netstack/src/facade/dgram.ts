// node:dgram over this stack: createSocket and its Socket. Not there: handle passing, clusters, AbortSignal.

import { Address } from '../address.js';
import { EAGAIN, EINVAL } from '../errno.js';
import type { ReadinessOwner } from '../roles.js';
import { UdpEndpoint } from '../transport/udp/endpoint.js';
import { UdpMessage } from '../transport/udp/message.js';
import type { UdpSettings } from '../transport/udp/settings.js';
import type { Udp } from '../transport/udp/udp.js';
import { netError, notFound } from './errors.js';
import { type AddressInfo, addressInfo, bindAddress, resolveHost } from './names.js';
import { type EmitterLike, type FacadeRuntime, type Listener, later } from './runtime.js';

export interface RemoteInfo {
  address: string;
  family: 'IPv4' | 'IPv6';
  port: number;
  size: number;
}

export interface DgramOptions {
  type: 'udp4' | 'udp6';
  reuseAddr?: boolean;
  reusePort?: boolean;
  ipv6Only?: boolean;
  recvBufferSize?: number;
  sendBufferSize?: number;
}

export interface BindOptions {
  port?: number;
  address?: string;
}

export type SendCallback = (error: Error | null, bytes: number) => void;

export interface DgramModule {
  createSocket(options: DgramOptions | 'udp4' | 'udp6', listener?: Listener): DgramSocket;
}

/** A `dgram` module whose sockets live in the stack of `udp`. */
export function createDgram(udp: Udp, runtime: FacadeRuntime): DgramModule {
  return {
    createSocket: (options, listener) => {
      const wanted = typeof options === 'string' ? { type: options } : options;
      const socket = new DgramSocket(udp, runtime, wanted);
      if (listener !== undefined) socket.on('message', listener);
      return socket;
    },
  };
}

/** Emits 'message', 'listening', 'connect', 'error' and 'close'. */
export class DgramSocket implements ReadinessOwner {
  private readonly runtime: FacadeRuntime;
  private readonly emitter: EmitterLike;
  private readonly endpoint: UdpEndpoint;
  private readonly message: UdpMessage;
  private bound: boolean;
  private closed: boolean;

  constructor(udp: Udp, runtime: FacadeRuntime, options: DgramOptions) {
    this.runtime = runtime;
    this.emitter = new runtime.EventEmitter();
    this.endpoint = new UdpEndpoint(udp, options.type === 'udp6');
    this.endpoint.setOwner(this, 0);
    this.message = new UdpMessage();
    this.bound = false;
    this.closed = false;
    this.change((settings) => {
      settings.reuseAddress = options.reuseAddr === true;
      settings.reusePort = options.reusePort === true;
      settings.v6Only = options.ipv6Only === true;
      if (options.recvBufferSize !== undefined) settings.receiveBuffer = options.recvBufferSize * 2;
      if (options.sendBufferSize !== undefined) settings.sendBuffer = options.sendBufferSize * 2;
    });
  }

  on(event: string, listener: Listener): this {
    this.emitter.on(event, listener);
    return this;
  }

  once(event: string, listener: Listener): this {
    this.emitter.once(event, listener);
    return this;
  }

  off(event: string, listener: Listener): this {
    this.emitter.off(event, listener);
    return this;
  }

  bind(where: BindOptions | number = {}, listener?: Listener): this {
    const options = typeof where === 'number' ? { port: where } : where;
    if (listener !== undefined) this.emitter.once('listening', listener);
    const address = bindAddress(options.address);
    const result = address === undefined ? -EINVAL : this.endpoint.bind(address, options.port ?? 0);
    this.bound = result === 0;
    later(() => {
      if (result < 0) this.emitter.emit('error', netError(-result, 'bind', options.address, options.port));
      else this.emitter.emit('listening');
    });
    return this;
  }

  connect(port: number, host?: string, listener?: Listener): void {
    if (listener !== undefined) this.emitter.once('connect', listener);
    resolveHost(this.runtime, host, (address) => {
      const result = address === null ? -EINVAL : this.endpoint.connect(address, port);
      later(() => {
        if (address === null) this.emitter.emit('error', notFound(host ?? ''));
        else if (result < 0) this.emitter.emit('error', netError(-result, 'connect', host, port));
        else this.emitter.emit('connect');
      });
    });
  }

  disconnect(): void {
    this.endpoint.disconnect();
  }

  /** Sends to `address`, or to the connected peer if no port is given. */
  send(message: Uint8Array, port?: number, address?: string, done?: SendCallback): void {
    if (!this.bound && port !== undefined && this.endpoint.localPort === 0) this.bind();
    if (port === undefined) {
      this.report(this.endpoint.send(message, 0, message.length), done);
      return;
    }
    resolveHost(this.runtime, address, (target) => {
      if (target === null) this.report(-EINVAL, done);
      else this.report(this.endpoint.send(message, 0, message.length, target, port), done);
    });
  }

  private report(result: number, done?: SendCallback): void {
    this.runtime.kick();
    const error = result < 0 ? netError(-result, 'send') : null;
    later(() => {
      if (done !== undefined) done(error, Math.max(0, result));
      else if (error !== null) this.emitter.emit('error', error);
    });
  }

  endpointReady(): void {
    while (!this.closed) {
      const size = Math.max(0, this.endpoint.nextLength);
      const bytes = new Uint8Array(size);
      const count = this.endpoint.receive(bytes, 0, size, 0, this.message);
      if (count === -EAGAIN) return;
      if (count < 0) this.emitter.emit('error', netError(-count, 'recvmsg'));
      else this.deliver(bytes);
    }
  }

  private deliver(bytes: Uint8Array): void {
    const source = this.message.source!;
    const info: RemoteInfo = {
      address: source.toString(),
      family: source.isV4 ? 'IPv4' : 'IPv6',
      port: this.message.sourcePort,
      size: bytes.length,
    };
    this.emitter.emit('message', this.runtime.wrap === undefined ? bytes : this.runtime.wrap(bytes), info);
  }

  close(listener?: Listener): this {
    if (listener !== undefined) this.emitter.once('close', listener);
    if (this.closed) return this;
    this.closed = true;
    this.endpoint.close();
    later(() => this.emitter.emit('close'));
    return this;
  }

  address(): AddressInfo {
    return addressInfo(this.endpoint.localAddress, this.endpoint.localPort);
  }

  remoteAddress(): AddressInfo | null {
    const address = this.endpoint.remoteAddress;
    return address === null ? null : addressInfo(address, this.endpoint.remotePort);
  }

  addMembership(group: string, interfaceIndex = 0): void {
    this.must(this.endpoint.memberships.join(Address.of(group), interfaceIndex), 'addMembership');
  }

  dropMembership(group: string, interfaceIndex = 0): void {
    this.must(this.endpoint.memberships.leave(Address.of(group), interfaceIndex), 'dropMembership');
  }

  setBroadcast(on: boolean): void {
    this.change((settings) => {
      settings.broadcast = on;
    });
  }

  setTTL(hops: number): void {
    this.change((settings) => {
      settings.hopLimit = hops;
    });
  }

  setMulticastTTL(hops: number): void {
    this.change((settings) => {
      settings.multicastHopLimit = hops;
    });
  }

  setMulticastLoopback(on: boolean): void {
    this.change((settings) => {
      settings.multicastLoop = on;
    });
  }

  setMulticastInterface(interfaceIndex: number): void {
    this.change((settings) => {
      settings.multicastInterface = interfaceIndex;
    });
  }

  setRecvBufferSize(bytes: number): void {
    this.change((settings) => {
      settings.receiveBuffer = bytes * 2;
    });
  }

  getRecvBufferSize(): number {
    return this.endpoint.settings.receiveBuffer;
  }

  ref(): this {
    return this;
  }

  unref(): this {
    return this;
  }

  private must(result: number, syscall: string): void {
    if (result < 0) throw netError(-result, syscall);
  }

  private change(change: (settings: UdpSettings) => void): void {
    const settings = this.endpoint.settings.clone();
    change(settings);
    this.endpoint.configure(settings);
  }
}
