// What the facades need from the JavaScript around them: stream and emitter classes (node:stream's and node:events', or a
// browser's port of them), a way to have the stack driven soon, and name lookup. Types are structural, so that this package
// imports nothing.

import type { Address } from '../address.js';

export type Listener = (...args: never[]) => void;

export interface EmitterLike {
  on(event: string, listener: Listener): this;
  once(event: string, listener: Listener): this;
  off(event: string, listener: Listener): this;
  removeListener(event: string, listener: Listener): this;
  emit(event: string, ...args: unknown[]): boolean;
  listenerCount(event: string): number;
}

export type StreamCallback = (error?: Error | null) => void;

/** As much of stream.Duplex as a socket uses and shows. */
export interface DuplexLike extends EmitterLike {
  push(chunk: Uint8Array | null): boolean;
  write(chunk: Uint8Array | string, encoding?: string, callback?: StreamCallback): boolean;
  end(chunk?: Uint8Array | string, encoding?: string, callback?: () => void): this;
  destroy(error?: Error): this;
  pause(): this;
  resume(): this;
  readonly destroyed: boolean;
  readonly writableEnded: boolean;
  readonly readableEnded: boolean;
}

export type DuplexConstructor = new (options?: object) => DuplexLike;
export type EmitterConstructor = new () => EmitterLike;

export interface FacadeRuntime {
  readonly Duplex: DuplexConstructor;
  readonly EventEmitter: EmitterConstructor;
  /** Have Stack.poll called soon: something was written or closed. */
  readonly kick: () => void;
  /** Names that are no addresses. Without it they fail with ENOTFOUND. */
  readonly lookup?: (name: string, done: (addresses: readonly Address[]) => void) => void;
  /** Turns received bytes into what the program expects (node's Buffer). */
  readonly wrap?: (bytes: Uint8Array) => Uint8Array;
}

/** Runs `work` after the caller is done, as node defers its events. */
export function later(work: () => void): void {
  void Promise.resolve().then(work);
}
