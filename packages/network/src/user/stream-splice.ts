// A guest's connection joined to a host's: bytes both ways with back-pressure, half-closing (RFC 9293, 3.6) and resets. What one side can't
// take stays in the other side's buffer, so a flow holds no memory of its own. Bytes go from the host's page into the connection's
// send buffer, and from its receive buffer to the host: one copy each.
import { EAGAIN, EPOLLERR, EPOLLHUP, EPOLLIN, EPOLLOUT, EPOLLRDHUP } from '@sandbox-kernel/abi';
import { DATA } from '@sandbox-kernel/host';
import { READY_ERROR, READY_READ_HANGUP, SHUTDOWN_SEND, type TcpEndpoint } from '@sandbox-kernel/netstack';
import type { FlowContext } from './context.js';

const SHUT_WR = 1;
/** Bytes that one connection may move in one turn, so that others get theirs. */
const SLICE = 1 << 20;
const CHUNK = 256 << 10;

export class StreamSplice {
  readonly #context: FlowContext;
  readonly endpoint: TcpEndpoint;
  readonly fd: number;
  #hostReadable = true;
  #hostWritable = true;
  /** The host's side has hung up: short reads do not mean that nothing follows. */
  #hostHangup = false;
  #hostEnded = false;
  #guestEnded = false;
  /** The host takes no more: what the guest still sends is dropped. */
  #deaf = false;
  /** Bytes from and to the guest. */
  sent = 0;
  received = 0;
  /** The errno with which the host's side failed; 0 while it has not. */
  failure = 0;

  constructor(context: FlowContext, endpoint: TcpEndpoint, fd: number) {
    this.#context = context;
    this.endpoint = endpoint;
    this.fd = fd;
  }

  /** Notes what the host's descriptor is ready for. */
  noteHost(events: number): void {
    if ((events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR)) !== 0) this.#hostReadable = true;
    if ((events & (EPOLLOUT | EPOLLERR | EPOLLHUP)) !== 0) this.#hostWritable = true;
    if ((events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) !== 0) this.#hostHangup = true;
  }

  /** Both directions have ended, and what the host sent is with the guest's connection. */
  get done(): boolean {
    return this.#hostEnded && this.#guestEnded;
  }

  /** All that the guest sent, and its end, is with the host. */
  get guestDone(): boolean {
    return this.#guestEnded;
  }

  /** The guest's side was reset. A connection that has closed in order has no error. */
  get guestBroken(): boolean {
    return (this.endpoint.ready & READY_ERROR) !== 0;
  }

  /** Everything that the host sent has reached the guest's buffers. */
  get drained(): boolean {
    return this.endpoint.unacknowledged === 0;
  }

  /** Moves at most `allowance` bytes each way; `forward`: also from the guest. True: more could be moved at once. */
  move(allowance: number, forward: boolean, now: number): boolean {
    const limit = Math.min(SLICE, allowance);
    const more = this.#toGuest(limit, now);
    return (forward && this.#toHost(limit, now)) || more;
  }

  #toGuest(limit: number, now: number): boolean {
    let left = limit;
    while (left > 0 && this.#hostReadable && !this.#hostEnded && this.failure === 0) {
      const room = this.endpoint.reserve(Math.min(left, CHUNK));
      if (room < 0) return false;
      const count = this.#context.net.calls.receive(this.fd, room);
      if (count <= 0) {
        this.#hostStopped(count);
        return false;
      }
      const { bytes } = this.#context.net.calls;
      this.endpoint.writeView().set(bytes.subarray(DATA, DATA + count), this.endpoint.writeViewOffset);
      this.endpoint.commit(count);
      this.received += count;
      left -= count;
      if (count < room && !this.#hostHangup) this.#hostReadable = false;
    }
    this.#context.meter.moved(limit - left, now);
    return left <= 0;
  }

  #hostStopped(result: number): void {
    if (result === -EAGAIN) this.#hostReadable = false;
    else if (result < 0) this.failure = -result;
    else {
      this.#hostEnded = true;
      this.endpoint.shutdown(SHUTDOWN_SEND);
    }
  }

  #toHost(limit: number, now: number): boolean {
    let left = limit;
    while (left > 0 && (this.#hostWritable || this.#deaf)) {
      const length = Math.min(this.endpoint.readViewLength, left);
      if (length === 0) break;
      const count = this.#deaf ? length : this.#send(length);
      if (count <= 0) break;
      this.endpoint.consume(count);
      this.sent += count;
      left -= count;
    }
    this.#context.meter.moved(limit - left, now);
    if (this.endpoint.readable === 0 && !this.#guestEnded) this.#passEnd();
    return left <= 0;
  }

  /** Bytes that the host took; 0 when it takes none now. */
  #send(length: number): number {
    const { calls } = this.#context.net;
    const count = calls.send(this.fd, this.endpoint.readView(), this.endpoint.readViewOffset, length);
    if (count >= 0) return count;
    if (count === -EAGAIN) this.#hostWritable = false;
    else {
      // What the host sent before it went deaf still belongs to the guest.
      this.#deaf = true;
      this.#hostReadable = true;
      this.#hostHangup = true;
      return length;
    }
    return 0;
  }

  #passEnd(): void {
    if ((this.endpoint.ready & READY_READ_HANGUP) === 0) return;
    this.#guestEnded = true;
    this.#context.net.calls.shutdown(this.fd, SHUT_WR);
  }
}
