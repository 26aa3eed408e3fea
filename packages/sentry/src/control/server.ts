// The sentry's end of the control channel. Never blocks: what can't be sent now waits in a queue until the socket drains.
import { EAGAIN, POLLIN, SYS_poll } from '@sandbox-kernel/abi';
import { DATA, type Host } from '@sandbox-kernel/host';
import { encodeFrame, FrameReader } from './frame.js';
import type { Notice, Request, WireError } from './messages.js';

const READ_SIZE = 65536;

/** What answers requests. A reply is the value, or an error to send. */
export interface RequestHandler {
  handle(request: Request, fds: readonly number[]): unknown;
}

export class RequestError extends Error {
  readonly wire: WireError;

  constructor(wire: WireError) {
    super(wire.message);
    this.wire = wire;
  }
}

export class ControlServer {
  readonly #host: Host;
  readonly fd: number;
  readonly #reader = new FrameReader();
  readonly #input = new Uint8Array(READ_SIZE);
  readonly #outgoing: Uint8Array[] = [];
  #fds: number[] = [];
  /** The other side is gone. */
  closed = false;

  constructor(host: Host, fd: number) {
    this.#host = host;
    this.fd = fd;
  }

  /** Reads what has come and answers it. Called when the descriptor is readable. */
  receive(handler: RequestHandler): void {
    for (;;) {
      const count = this.#host.sockets.receive(this.fd, this.#input, 0, READ_SIZE);
      if (count === -EAGAIN) return;
      if (count <= 0) {
        this.closed = true;
        return;
      }
      this.#fds.push(...this.#host.sockets.received);
      this.#reader.push(this.#input.subarray(0, count));
      this.#answerAll(handler);
    }
  }

  /** Sleeps until the other side says something. For the time before there is a platform to wait with. */
  waitReadable(): void {
    const { door } = this.#host;
    door.view.setInt32(DATA, this.fd, true);
    door.view.setInt32(DATA + 4, POLLIN, true);
    door.call(SYS_poll, 1, DATA, 1, -1, 0, 0, 0);
  }

  /** Frames that the other side has not taken. */
  get waiting(): number {
    return this.#outgoing.length;
  }

  notify(notice: Notice): void {
    this.#send(notice);
  }

  /** Sends what waits. True when nothing is left. */
  flush(): boolean {
    while (this.#outgoing.length > 0) {
      const frame = this.#outgoing[0] as Uint8Array;
      const sent = this.#host.sockets.send(this.fd, frame, 0, Math.min(frame.length, READ_SIZE), []);
      if (sent === -EAGAIN) return false;
      if (sent < 0) {
        this.closed = true;
        this.#outgoing.length = 0;
        return true;
      }
      if (sent < frame.length) this.#outgoing[0] = frame.subarray(sent);
      else this.#outgoing.shift();
    }
    return true;
  }

  #answerAll(handler: RequestHandler): void {
    for (let message = this.#reader.next(); message; message = this.#reader.next()) {
      // Descriptors arrive with the first byte of their frame; requests that carry some wait for their reply before the next.
      const fds = this.#fds;
      this.#fds = [];
      this.#answer(message as unknown as Request, fds, handler);
    }
  }

  #answer(request: Request, fds: readonly number[], handler: RequestHandler): void {
    try {
      this.#send({ id: request.id, ok: handler.handle(request, fds) ?? null });
    } catch (error) {
      if (!(error instanceof RequestError)) throw error;
      this.#send({ id: request.id, error: error.wire });
    }
  }

  #send(message: object): void {
    this.#outgoing.push(encodeFrame(message));
    this.flush();
  }
}
