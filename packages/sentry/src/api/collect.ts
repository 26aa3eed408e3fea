// Reads a stream to its end, up to a limit.
import type { Readable } from 'node:stream';
import { SandboxError } from './errors.js';

/** The stream as UTF-8 text. Rejects with ERR_SANDBOX_OUTPUT_LIMIT past `limit` bytes, and stops reading. */
export async function collect(stream: Readable, limit: number, name: string): Promise<string> {
  const parts: Buffer[] = [];
  let size = 0;
  for await (const part of stream as AsyncIterable<Buffer>) {
    size += part.length;
    if (size > limit) {
      stream.destroy();
      throw new SandboxError('ERR_SANDBOX_OUTPUT_LIMIT', `${name} is longer than ${limit} bytes`, {
        hint: 'raise maxBuffer, or use spawn() and read the stream',
      });
    }
    parts.push(part);
  }
  return Buffer.concat(parts).toString('utf8');
}
