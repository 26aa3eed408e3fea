// node:net over this stack: Socket, Server, connect, createServer. Built on the Duplex that the runtime brings, so that
// what expects a net.Socket (node's HTTP server and client, a WebSocket library) works on it unchanged.
// Not there: Unix domain sockets, handles, BlockList, SocketAddress.

import type { ReadinessOwner } from '../roles.js';
import type { TcpSettings } from '../transport/tcp/config.js';
import { TcpEndpoint } from '../transport/tcp/endpoint.js';
import type { Tcp } from '../transport/tcp/tcp.js';
import { netError, notFound } from './errors.js';
import { type AddressInfo, addressInfo, bindAddress, isIP, resolveHost } from './names.js';
import {
  type DuplexLike,
  type EmitterLike,
  type FacadeRuntime,
  type Listener,
  later,
  type StreamCallback,
} from './runtime.js';
import { SocketDriver } from './socket-driver.js';

export interface ConnectOptions {
  port: number;
  host?: string;
  noDelay?: boolean;
  keepAlive?: boolean;
  allowHalfOpen?: boolean;
}

/** What can be seen of a socket. */
interface SocketState extends DuplexLike {
  readonly connecting: boolean;
  readonly pending: boolean;
  readonly bytesRead: number;
  readonly bytesWritten: number;
  readonly localAddress: string | undefined;
  readonly localPort: number | undefined;
  readonly remoteAddress: string | undefined;
  readonly remotePort: number | undefined;
  readonly remoteFamily: string | undefined;
  address(): AddressInfo | Record<string, never>;
}

/** What a socket has beyond a Duplex. */
export interface NetSocket extends SocketState {
  connect(options: ConnectOptions, listener?: Listener): this;
  setNoDelay(on?: boolean): this;
  setKeepAlive(on?: boolean, initialDelay?: number): this;
  setTimeout(milliseconds: number, listener?: Listener): this;
  resetAndDestroy(): this;
  ref(): this;
  unref(): this;
}

export interface ListenOptions {
  port?: number;
  host?: string;
  backlog?: number;
  reusePort?: boolean;
  ipv6Only?: boolean;
}

export interface NetServer extends EmitterLike {
  readonly listening: boolean;
  listen(options: ListenOptions | number, listener?: Listener): this;
  close(done?: (error?: Error) => void): this;
  address(): AddressInfo | null;
  getConnections(done: (error: Error | null, count: number) => void): this;
  ref(): this;
  unref(): this;
}

export interface NetModule {
  connect(options: ConnectOptions, listener?: Listener): NetSocket;
  createConnection(options: ConnectOptions, listener?: Listener): NetSocket;
  createServer(listener?: (socket: NetSocket) => void): NetServer;
  isIP(text: string): 0 | 4 | 6;
  isIPv4(text: string): boolean;
  isIPv6(text: string): boolean;
}

/** A `net` module whose sockets live in the stack of `tcp`. */
export function createNet(tcp: Tcp, runtime: FacadeRuntime): NetModule {
  const Socket = socketClass(tcp, runtime);
  const connect = (options: ConnectOptions, listener?: Listener): NetSocket =>
    new Socket(options.allowHalfOpen === true).connect(options, listener);
  return {
    connect,
    createConnection: connect,
    createServer: (listener) => {
      const server = new (serverClass(tcp, runtime, Socket))();
      if (listener !== undefined) server.on('connection', listener as Listener);
      return server;
    },
    isIP,
    isIPv4: (text) => isIP(text) === 4,
    isIPv6: (text) => isIP(text) === 6,
  };
}

interface DrivenSocket extends NetSocket {
  readonly driver: SocketDriver;
}

interface VisibleSocketLike extends SocketState {
  readonly driver: SocketDriver;
}

type VisibleConstructor = new (allowHalfOpen: boolean) => VisibleSocketLike;
type SocketConstructor = new (allowHalfOpen: boolean) => DrivenSocket;

/** What can be seen of a socket; split from the verbs below only for length. */
function visibleSocketClass(tcp: Tcp, runtime: FacadeRuntime): VisibleConstructor {
  return class VisibleSocket extends runtime.Duplex implements VisibleSocketLike {
    readonly driver: SocketDriver;

    constructor(allowHalfOpen: boolean) {
      super({ allowHalfOpen, autoDestroy: true, emitClose: true, decodeStrings: true });
      this.driver = new SocketDriver(tcp, runtime, this);
    }
    get connecting(): boolean {
      return this.driver.connecting;
    }
    get pending(): boolean {
      return this.driver.connecting || this.driver.endpoint === null;
    }
    get bytesRead(): number {
      return this.driver.bytesRead;
    }
    get bytesWritten(): number {
      return this.driver.bytesWritten;
    }
    get localAddress(): string | undefined {
      return this.driver.endpoint?.localAddress.toString();
    }
    get localPort(): number | undefined {
      return this.driver.endpoint?.localPort;
    }
    get remoteAddress(): string | undefined {
      return this.driver.endpoint?.remoteAddress?.toString();
    }
    get remotePort(): number | undefined {
      return this.driver.endpoint?.remotePort;
    }
    get remoteFamily(): string | undefined {
      const address = this.driver.endpoint?.remoteAddress;
      return address == null ? undefined : address.isV4 ? 'IPv4' : 'IPv6';
    }
    address(): AddressInfo | Record<string, never> {
      const endpoint = this.driver.endpoint;
      return endpoint === null ? {} : addressInfo(endpoint.localAddress, endpoint.localPort);
    }
  };
}

function socketClass(tcp: Tcp, runtime: FacadeRuntime): SocketConstructor {
  return class Socket extends visibleSocketClass(tcp, runtime) implements DrivenSocket {
    connect(options: ConnectOptions, listener?: Listener): this {
      return openSocket(this, runtime, options, listener);
    }
    setNoDelay(on = true): this {
      return changed(this, (settings) => {
        settings.noDelay = on;
      });
    }
    setKeepAlive(on = false, initialDelay = 0): this {
      return changed(this, (settings) => {
        settings.keepAlive = on;
        if (initialDelay > 0) settings.keepIdle = initialDelay * 1000;
      });
    }
    setTimeout(milliseconds: number, listener?: Listener): this {
      this.driver.setIdleTimeout(milliseconds);
      return listener === undefined ? this : this.once('timeout', listener);
    }
    resetAndDestroy(): this {
      this.driver.close(true);
      return this.destroy();
    }
    ref(): this {
      return this;
    }
    unref(): this {
      return this;
    }
    _read(): void {
      this.driver.read();
    }
    _write(chunk: Uint8Array, _encoding: string, done: StreamCallback): void {
      this.driver.write(chunk, done);
    }
    _final(done: StreamCallback): void {
      this.driver.finish(done);
    }
    _destroy(error: Error | null, done: StreamCallback): void {
      this.driver.close(error !== null);
      done(error);
    }
  };
}

function openSocket<T extends DrivenSocket>(
  socket: T,
  runtime: FacadeRuntime,
  options: ConnectOptions,
  listener?: Listener,
): T {
  const driver = socket.driver;
  driver.connecting = true;
  if (listener !== undefined) socket.once('connect', listener);
  resolveHost(runtime, options.host, (address) => {
    later(() => {
      if (socket.destroyed) return;
      if (address === null) socket.destroy(notFound(options.host ?? ''));
      else driver.connect(address, options.port);
      if (options.noDelay === true) socket.setNoDelay();
      if (options.keepAlive === true) socket.setKeepAlive(true);
    });
  });
  return socket;
}

function changed<T extends DrivenSocket>(socket: T, change: (settings: TcpSettings) => void): T {
  const endpoint = socket.driver.endpoint;
  if (endpoint === null) return socket;
  const settings = endpoint.settings.clone();
  change(settings);
  endpoint.configure(settings);
  return socket;
}

function serverClass(tcp: Tcp, runtime: FacadeRuntime, Socket: SocketConstructor): new () => NetServer {
  return class Server extends runtime.EventEmitter implements NetServer, ReadinessOwner {
    private endpoint: TcpEndpoint | null = null;
    private connections = 0;

    get listening(): boolean {
      return this.endpoint !== null;
    }
    listen(options: ListenOptions | number, listener?: Listener): this {
      const wanted = typeof options === 'number' ? { port: options } : options;
      if (listener !== undefined) this.once('listening', listener);
      const result = this.open(wanted);
      later(() => {
        if (result < 0) this.emit('error', netError(-result, 'listen', wanted.host, wanted.port));
        else this.emit('listening');
      });
      return this;
    }
    private open(options: ListenOptions): number {
      const address = bindAddress(options.host);
      if (address === undefined) return -99;
      const endpoint = new TcpEndpoint(tcp, address === null || !address.isV4);
      const settings = endpoint.settings.clone();
      settings.reuseAddress = true;
      settings.reusePort = options.reusePort === true;
      settings.v6Only = options.ipv6Only === true;
      endpoint.configure(settings);
      const bound = endpoint.bind(address, options.port ?? 0);
      const result = bound < 0 ? bound : endpoint.listen(options.backlog ?? 511);
      if (result < 0) endpoint.close();
      else {
        this.endpoint = endpoint;
        endpoint.setOwner(this, 0);
      }
      return result;
    }
    endpointReady(): void {
      for (
        let child = this.endpoint?.accept() ?? null;
        child !== null;
        child = this.endpoint?.accept() ?? null
      ) {
        const socket = new Socket(false);
        this.connections++;
        socket.once('close', () => this.gone());
        socket.driver.attach(child);
        this.emit('connection', socket);
      }
    }
    private gone(): void {
      this.connections--;
      if (this.connections === 0 && this.endpoint === null) this.emit('close');
    }
    close(done?: (error?: Error) => void): this {
      if (done !== undefined) this.once('close', done as Listener);
      this.endpoint?.close();
      this.endpoint = null;
      runtime.kick();
      if (this.connections === 0) later(() => this.emit('close'));
      return this;
    }
    address(): AddressInfo | null {
      return this.endpoint === null ? null : addressInfo(this.endpoint.localAddress, this.endpoint.localPort);
    }
    getConnections(done: (error: Error | null, count: number) => void): this {
      later(() => done(null, this.connections));
      return this;
    }
    ref(): this {
      return this;
    }
    unref(): this {
      return this;
    }
  };
}
