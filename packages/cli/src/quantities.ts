// Sizes and times as people write them.
import { UsageError } from './usage-error.js';

const SIZE_UNITS: Readonly<Record<string, number>> = {
  '': 1,
  b: 1,
  k: 2 ** 10,
  m: 2 ** 20,
  g: 2 ** 30,
  t: 2 ** 40,
};
const TIME_UNITS: Readonly<Record<string, number>> = { ms: 1, '': 1000, s: 1000, m: 60_000, h: 3_600_000 };

/** `512m`, `2g`, `1048576` in bytes. */
export function parseSize(text: string, flag: string): number {
  const match = /^(\d+(?:\.\d+)?)([bkmgt]?)(?:i?b)?$/i.exec(text);
  const bytes = match ? Number(match[1]) * (SIZE_UNITS[(match[2] as string).toLowerCase()] as number) : 0;
  if (Number.isSafeInteger(Math.round(bytes)) && bytes >= 1) return Math.round(bytes);
  throw new UsageError(
    `${flag}: '${text}' is not a size`,
    'write bytes, or a number with k, m or g, such as 512m',
  );
}

/** `30s`, `500ms`, `2m`, `1h`, `30` (seconds) in milliseconds. */
export function parseTime(text: string, flag: string): number {
  const match = /^(\d+(?:\.\d+)?)(ms|s|m|h|)$/.exec(text);
  const ms = match ? Number(match[1]) * (TIME_UNITS[match[2] as string] as number) : 0;
  if (ms >= 1 && ms <= 2 ** 31 - 1) return ms;
  throw new UsageError(`${flag}: '${text}' is not a time`, 'write a number with ms, s, m or h, such as 30s');
}

/** A whole number above zero. */
export function parseCount(text: string, flag: string): number {
  const value = Number(text);
  if (/^\d+$/.test(text) && value >= 1 && Number.isSafeInteger(value)) return value;
  throw new UsageError(`${flag}: '${text}' is not a count`, 'write a whole number above 0');
}

/** `START` or `START,xN`: the start is for the sandbox to read. */
export function parseVirtualTime(text: string): { start: string; scale?: number } {
  const comma = text.lastIndexOf(',');
  if (comma < 0) return { start: text };
  const match = /^x(\d+(?:\.\d+)?)$/.exec(text.slice(comma + 1));
  if (match) return { start: text.slice(0, comma), scale: Number(match[1]) };
  throw new UsageError(
    `--time: '${text.slice(comma + 1)}' is not a speed`,
    'write x and a number, such as 2024-02-29T12:00:00Z,x10',
  );
}

/** A whole number from zero on. */
export function parseSeed(text: string): number {
  const value = Number(text);
  if (/^\d+$/.test(text) && Number.isSafeInteger(value)) return value;
  throw new UsageError(`--seed: '${text}' is not a seed`, 'write a whole number from 0 on');
}
