// The `time` and `seed` options: where virtual time starts, how fast it runs, and the number that all randomness comes from.
import type { TimeSpec } from '../control/messages.js';
import { SandboxOptionError } from './errors.js';

export interface VirtualTime {
  /** What the wall clock starts at: a Date, an ISO 8601 text (UTC unless it names a zone), or `@` and seconds since the epoch. */
  readonly start: Date | string;
  /**
   * Runs at so many times the host's speed, 0.001 to 1000. Without it the clock takes steps: it moves by a microsecond when a program
   * reads it, and to the next timer when every program waits, so that runs can be repeated exactly.
   */
  readonly scale?: number;
}

export const TIME_KEYS = ['start', 'scale'] as const;

const SLOWEST = 0.001;
const FASTEST = 1000;
/** Nanoseconds since the epoch have 63 bits. */
const LATEST = 2 ** 33;
const ISO = /^\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?)?(Z|[+-]\d\d:?\d\d)?$/i;

function refused(message: string, hint: string): SandboxOptionError {
  return new SandboxOptionError('ERR_SANDBOX_OPTION', message, { hint });
}

/** Milliseconds since the epoch; NaN when it is no time. */
function parseStart(start: Date | string): number {
  if (start instanceof Date) return start.getTime();
  const text = start.trim();
  if (/^@\d+(\.\d{1,3})?$/.test(text)) return Math.round(Number(text.slice(1)) * 1000);
  const match = ISO.exec(text);
  if (match === null) return Number.NaN;
  const iso = text.replace(' ', 'T');
  return Date.parse(match[1] === undefined && iso.includes('T') ? `${iso}Z` : iso);
}

export function timeSpec(time: VirtualTime | undefined): TimeSpec | null {
  if (time === undefined) return null;
  const millis = parseStart(time.start);
  if (!(millis >= 0 && millis < LATEST * 1000)) {
    throw refused(
      `time.start is '${String(time.start)}'`,
      'write a date from 1970 on, such as 2024-02-29T12:00:00Z, or @ and seconds since the epoch',
    );
  }
  const scale = time.scale ?? 0;
  if (time.scale !== undefined && !(scale >= SLOWEST && scale <= FASTEST)) {
    throw refused(`time.scale is ${scale}`, `scale takes a number from ${SLOWEST} to ${FASTEST}`);
  }
  const seconds = Math.floor(millis / 1000);
  return { seconds, nanos: (millis - seconds * 1000) * 1_000_000, scale };
}

export function seedSpec(seed: number | undefined): number {
  if (seed === undefined) return -1;
  if (Number.isSafeInteger(seed) && seed >= 0) return seed;
  throw refused(`seed is ${seed}`, 'seed takes a whole number from 0 on');
}
