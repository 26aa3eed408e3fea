// Between a stream and an endpoint: moves bytes when either side is ready. The stream class itself (net.ts) only forwards
// to this, so that it can extend whatever Duplex the runtime brings.

import type { Address } from '../address.js';
import { EAGAIN, ECONNRESET, EINPROGRESS } from '../errno.js';
import {
  READY_ERROR,
  READY_HANGUP,
  READY_READ,
  READY_READ_HANGUP,
  READY_WRITE,
  type ReadinessOwner,
} from '../roles.js';
import { Timer, type TimerOwner } from '../storage/timer-wheel.js';
import { TcpEndpoint } from '../transport/tcp/endpoint.js';
import { TCP_CLOSE, TCP_SYN_RECV, TCP_SYN_SENT } from '../transport/tcp/state.js';
import { SHUTDOWN_SEND } from '../transport/tcp/tcb.js';
import type { Tcp } from '../transport/tcp/tcp.js';
import { netError } from './errors.js';
import { type DuplexLike, type FacadeRuntime, later, type StreamCallback } from './runtime.js';

const CHUNK = 65536;

function isOpen(state: number): boolean {
  return state !== TCP_CLOSE && state !== TCP_SYN_SENT && state !== TCP_SYN_RECV;
}

export class SocketDriver implements ReadinessOwner, TimerOwner {
  readonly tcp: Tcp;
  readonly runtime: FacadeRuntime;
  readonly stream: DuplexLike;
  endpoint: TcpEndpoint | null;
  connecting: boolean;
  bytesRead: number;
  bytesWritten: number;
  private reading: boolean;
  private pending: Uint8Array | null;
  private pendingOffset: number;
  private pendingDone: StreamCallback | null;
  private finishing: StreamCallback | null;
  private readonly idle: Timer;
  private idleTime: number;

  constructor(tcp: Tcp, runtime: FacadeRuntime, stream: DuplexLike) {
    this.tcp = tcp;
    this.runtime = runtime;
    this.stream = stream;
    this.endpoint = null;
    this.connecting = false;
    this.bytesRead = 0;
    this.bytesWritten = 0;
    this.reading = false;
    this.pending = null;
    this.pendingOffset = 0;
    this.pendingDone = null;
    this.finishing = null;
    this.idle = new Timer(this, 0);
    this.idleTime = 0;
  }

  attach(endpoint: TcpEndpoint): void {
    this.endpoint = endpoint;
    endpoint.setOwner(this, 0);
  }

  connect(address: Address, port: number): void {
    const endpoint = new TcpEndpoint(this.tcp, !address.isV4);
    this.attach(endpoint);
    const result = endpoint.connect(address, port);
    if (result === 0 || result === -EINPROGRESS) this.runtime.kick();
    else this.fail(-result, 'connect');
  }

  fail(error: number, syscall: string): void {
    const remote = this.endpoint?.remoteAddress;
    const port = this.endpoint?.remotePort;
    this.stream.destroy(netError(error, syscall, remote?.toString(), remote == null ? undefined : port));
  }

  endpointReady(_token: number, events: number): void {
    const endpoint = this.endpoint;
    if (endpoint === null) return;
    this.touch();
    if (this.connecting && isOpen(endpoint.state)) this.connected();
    if ((events & (READY_READ | READY_READ_HANGUP)) !== 0) this.pump();
    if ((events & READY_ERROR) !== 0) {
      const error = endpoint.takeError();
      if (error !== 0) this.fail(error, this.connecting ? 'connect' : 'read');
      return;
    }
    if ((events & READY_WRITE) !== 0) this.flush();
    if ((events & READY_HANGUP) !== 0) this.runtime.kick();
  }

  private connected(): void {
    if (this.endpoint!.remoteAddress === null) return;
    this.connecting = false;
    this.stream.emit('connect');
    this.stream.emit('ready');
    if (this.pending !== null) this.flush();
    if (this.finishing !== null) this.finish(this.finishing);
  }

  /** The stream wants bytes. */
  read(): void {
    this.reading = true;
    this.pump();
  }

  /** Hands over what has arrived while the stream wants it. */
  private pump(): void {
    const endpoint = this.endpoint;
    while (this.reading && endpoint !== null && this.endpoint === endpoint) {
      const into = new Uint8Array(Math.max(1, Math.min(CHUNK, endpoint.readable)));
      const count = endpoint.read(into, 0, into.length);
      if (count === -EAGAIN) return;
      if (count <= 0) {
        this.endRead(count);
        return;
      }
      this.bytesRead += count;
      const bytes = count === into.length ? into : into.subarray(0, count);
      this.reading = this.stream.push(this.runtime.wrap === undefined ? bytes : this.runtime.wrap(bytes));
      this.runtime.kick();
    }
  }

  private endRead(result: number): void {
    this.reading = false;
    if (result === 0) this.stream.push(null);
    else if (!this.connecting) this.fail(-result === 107 ? ECONNRESET : -result, 'read');
    // Reading takes the error of a refused connection: it must not be lost.
    else if (result !== -107) this.fail(-result, 'connect');
  }

  write(chunk: Uint8Array, done: StreamCallback): void {
    this.pending = chunk;
    this.pendingOffset = 0;
    this.pendingDone = done;
    this.touch();
    if (!this.connecting) this.flush();
  }

  private flush(): void {
    const endpoint = this.endpoint;
    const chunk = this.pending;
    if (endpoint === null || chunk === null || this.connecting) return;
    const left = chunk.length - this.pendingOffset;
    const count = left === 0 ? 0 : endpoint.write(chunk, this.pendingOffset, left);
    this.runtime.kick();
    if (count < 0 && count !== -EAGAIN) {
      this.settle(netError(-count, 'write'));
      return;
    }
    if (count > 0) {
      this.pendingOffset += count;
      this.bytesWritten += count;
    }
    if (this.pendingOffset === chunk.length) this.settle(null);
  }

  private settle(error: Error | null): void {
    const done = this.pendingDone;
    this.pending = null;
    this.pendingDone = null;
    if (done !== null) later(() => done(error));
  }

  /** The program has written all. */
  finish(done: StreamCallback): void {
    if (this.connecting) {
      this.finishing = done;
      return;
    }
    this.finishing = null;
    this.endpoint?.shutdown(SHUTDOWN_SEND);
    this.runtime.kick();
    done(null);
  }

  close(reset: boolean): void {
    const endpoint = this.endpoint;
    this.endpoint = null;
    this.tcp.timers.cancel(this.idle);
    if (endpoint === null) return;
    if (reset) endpoint.abort();
    endpoint.close();
    this.runtime.kick();
  }

  /** Milliseconds without traffic after which 'timeout' is emitted; 0: never. */
  setIdleTimeout(milliseconds: number): void {
    this.idleTime = milliseconds * 1000;
    this.touch();
  }

  private touch(): void {
    if (this.idleTime === 0) this.tcp.timers.cancel(this.idle);
    else this.tcp.timers.arm(this.idle, this.tcp.host.now() + this.idleTime);
  }

  timerExpired(): void {
    if (this.endpoint !== null) this.stream.emit('timeout');
  }
}
