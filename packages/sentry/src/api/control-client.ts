// The host application's end of the control channel: requests with their replies, and notices.
import { Socket as NetSocket, type Socket } from 'node:net';
import { sendDescriptors } from '@sandbox-kernel/host';
import { encodeFrame, FrameReader } from '../control/frame.js';
import type { Notice, Reply, Request } from '../control/messages.js';
import { errorFromWire, SandboxClosedError, type SandboxError } from './errors.js';

interface Pending {
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: SandboxError) => void;
}

type RequestBody = Request extends infer R ? (R extends Request ? Omit<R, 'id'> : never) : never;

/** One socket, many requests in flight. Ends with the sentry; every open request then rejects. */
export class ControlClient {
  readonly #fd: number;
  readonly #socket: Socket;
  readonly #reader = new FrameReader();
  readonly #pending = new Map<number, Pending>();
  readonly #onNotice: (notice: Notice) => void;
  #sending: Promise<void> = Promise.resolve();
  #nextId = 1;
  #closed: SandboxClosedError | null = null;

  constructor(fd: number, onNotice: (notice: Notice) => void) {
    this.#fd = fd;
    this.#onNotice = onNotice;
    this.#socket = new NetSocket({ fd, readable: true, writable: true });
    this.#socket.on('data', (bytes) => this.#receive(bytes));
    this.#socket.on('close', () => this.fail(closedError()));
    this.#socket.on('error', (cause) => this.fail(closedError(cause)));
  }

  /** Sends a request; `fds` are duplicated to the sentry and stay the caller's. */
  request(body: RequestBody, fds: readonly number[] = []): Promise<unknown> {
    if (this.#closed) return Promise.reject(this.#closed);
    const id = this.#nextId++;
    const frame = encodeFrame({ ...body, id });
    const reply = new Promise<unknown>((resolve, reject) => this.#pending.set(id, { resolve, reject }));
    this.#sending = this.#sending
      .then(() => this.#send(frame, fds))
      .catch((cause) => this.fail(closedError(cause)));
    return reply;
  }

  /** Resolves when everything sent so far has left with its descriptors. */
  flushed(): Promise<void> {
    return this.#sending;
  }

  /** Lets the host process exit while a sandbox is idle, or not. */
  setRef(on: boolean): void {
    if (on) this.#socket.ref();
    else this.#socket.unref();
  }

  /** Closes this end, which ends the sentry. */
  end(): void {
    this.fail(closedError());
  }

  /** Rejects all that is open, and everything later, with `error`. */
  fail(error: SandboxClosedError): void {
    if (this.#closed) return;
    this.#closed = error;
    for (const pending of this.#pending.values()) pending.reject(error);
    this.#pending.clear();
    this.#socket.destroy();
  }

  async #send(frame: Uint8Array, fds: readonly number[]): Promise<void> {
    if (fds.length === 0) return this.#write(frame);
    let sent = sendDescriptors(this.#fd, frame, fds);
    while (sent === 0) {
      await new Promise((resolve) => setTimeout(resolve, 1));
      sent = sendDescriptors(this.#fd, frame, fds);
    }
    if (sent < frame.length) await this.#write(frame.subarray(sent));
  }

  #write(bytes: Uint8Array): Promise<void> {
    return new Promise((resolve, reject) =>
      this.#socket.write(bytes, (error) => (error ? reject(error) : resolve())),
    );
  }

  #receive(bytes: Uint8Array): void {
    this.#reader.push(bytes);
    try {
      for (let message = this.#reader.next(); message; message = this.#reader.next()) this.#dispatch(message);
    } catch (cause) {
      this.fail(closedError(cause));
    }
  }

  #dispatch(message: Record<string, unknown>): void {
    if ('event' in message) {
      this.#onNotice(message as unknown as Notice);
      return;
    }
    const reply = message as unknown as Reply;
    const pending = this.#pending.get(reply.id);
    if (!pending) return;
    this.#pending.delete(reply.id);
    if ('error' in reply) pending.reject(errorFromWire(reply.error));
    else pending.resolve(reply.ok);
  }
}

function closedError(cause?: unknown): SandboxClosedError {
  return new SandboxClosedError('ERR_SANDBOX_CLOSED', 'the sandbox has ended', {
    hint: 'create a new one; if you did not close it, its last report says why',
    cause,
  });
}
