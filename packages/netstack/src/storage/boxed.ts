// A hint to V8 about fields that hold the time. A microsecond clock does not fit a small integer, and what does not is a box on the
// heap: a field that has only ever held numbers is unboxed, so that each load that is passed on makes a new box. A field that once
// held something else keeps the box it was given, and passing it on is free. On the way of a segment that is the difference
// between 170 bytes of garbage and none; `test/unit/allocation.test.ts` measures it.

/** First value of a field whose numbers are passed on more often than stored. */
export const KEEP_BOXED = null as unknown as number;
