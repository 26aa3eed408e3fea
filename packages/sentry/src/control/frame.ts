// Framing of the control channel: a 4-byte little-endian length, then that many bytes of UTF-8 JSON. Descriptors travel
// as SCM_RIGHTS beside the first byte of a frame and are numbered in the order of arrival. The peer is trusted by neither side.

/** A longer frame is refused: it can only be an error or an attack. */
export const MAX_FRAME = 16 * 1024 * 1024;
const HEADER = 4;

export function encodeFrame(message: object): Uint8Array {
  const body = Buffer.from(JSON.stringify(message), 'utf8');
  const frame = Buffer.allocUnsafe(HEADER + body.length);
  frame.writeUInt32LE(body.length, 0);
  body.copy(frame, HEADER);
  return frame;
}

/** Why a stream can't be read on. */
export class FrameError extends Error {
  readonly code = 'ERR_SANDBOX_PROTOCOL';
}

/** Collects bytes and hands out whole messages. */
export class FrameReader {
  #pending: Buffer = Buffer.alloc(0);

  push(bytes: Uint8Array): void {
    this.#pending = this.#pending.length === 0 ? Buffer.from(bytes) : Buffer.concat([this.#pending, bytes]);
  }

  /** The next message, or null when more bytes are needed. Throws FrameError on a frame that can't be one. */
  next(): Record<string, unknown> | null {
    if (this.#pending.length < HEADER) return null;
    const length = this.#pending.readUInt32LE(0);
    if (length > MAX_FRAME)
      throw new FrameError(`control frame of ${length} bytes is over the limit of ${MAX_FRAME}`);
    if (this.#pending.length < HEADER + length) return null;
    const body = this.#pending.toString('utf8', HEADER, HEADER + length);
    this.#pending = this.#pending.subarray(HEADER + length);
    return parseObject(body);
  }
}

function parseObject(body: string): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(body);
  } catch (cause) {
    throw new FrameError('control frame is not JSON', { cause });
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new FrameError('control frame is not a JSON object');
  }
  return value as Record<string, unknown>;
}
