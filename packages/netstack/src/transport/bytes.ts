// Copying between byte arrays by (array, offset, length). Small pieces go by a loop, which makes no view;
// above, `set` over a view or `copyWithin` run at memory speed.

export const COPY_LOOP_LIMIT = 128;

export function copyBytes(
  to: Uint8Array,
  toOffset: number,
  from: Uint8Array,
  fromOffset: number,
  length: number,
): void {
  if (length <= COPY_LOOP_LIMIT) {
    for (let i = 0; i < length; i++) to[toOffset + i] = from[fromOffset + i]!;
  } else if (to === from) {
    to.copyWithin(toOffset, fromOffset, fromOffset + length);
  } else if (fromOffset === 0 && length === from.length) {
    to.set(from, toOffset);
  } else {
    to.set(from.subarray(fromOffset, fromOffset + length), toOffset);
  }
}
