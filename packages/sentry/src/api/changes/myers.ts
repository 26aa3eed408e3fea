// Shortest edit between two lists of lines: E. Myers, "An O(ND) Difference Algorithm and Its Variations" (1986), the greedy form with
// common ends cut off first. Past a bound of edits the middle counts as replaced.

/** Lines `oldFrom..oldTo` became `newFrom..newTo` (either may be empty). */
export interface Edit {
  readonly oldFrom: number;
  readonly oldTo: number;
  readonly newFrom: number;
  readonly newTo: number;
}

const MAX_EDITS = 2000;

/** Edits in order, maximal and apart from each other. Lines are compared by their numbers. */
export function shortestEdit(before: Int32Array, after: Int32Array): Edit[] {
  let start = 0;
  while (start < before.length && start < after.length && before[start] === after[start]) start++;
  let oldEnd = before.length;
  let newEnd = after.length;
  while (oldEnd > start && newEnd > start && before[oldEnd - 1] === after[newEnd - 1]) {
    oldEnd--;
    newEnd--;
  }
  const trace = search(before.subarray(start, oldEnd), after.subarray(start, newEnd));
  if (trace === null) return [{ oldFrom: start, oldTo: oldEnd, newFrom: start, newTo: newEnd }];
  return walkBack(trace, oldEnd - start, newEnd - start, start);
}

/** Furthest reaching positions after 0, 1, 2, … edits; null when there are too many. */
function search(before: Int32Array, after: Int32Array): Int32Array[] | null {
  const limit = Math.min(before.length + after.length, MAX_EDITS);
  const reach = new Int32Array(2 * limit + 3);
  const middle = limit + 1;
  const trace: Int32Array[] = [];
  for (let edits = 0; edits <= limit; edits++) {
    trace.push(reach.slice(middle - edits - 1, middle + edits + 2));
    for (let k = -edits; k <= edits; k += 2) {
      const down =
        k === -edits || (k !== edits && (reach[middle + k - 1] ?? 0) < (reach[middle + k + 1] ?? 0));
      let x = down ? (reach[middle + k + 1] ?? 0) : (reach[middle + k - 1] ?? 0) + 1;
      while (x < before.length && x - k < after.length && before[x] === after[x - k]) x++;
      reach[middle + k] = x;
      if (x >= before.length && x - k >= after.length) return trace;
    }
  }
  return null;
}

function walkBack(trace: readonly Int32Array[], oldLength: number, newLength: number, base: number): Edit[] {
  const edits: Edit[] = [];
  let x = oldLength;
  let y = newLength;
  for (let step = trace.length - 1; step > 0; step--) {
    const reach = trace[step] as Int32Array;
    const at = (k: number) => reach[k + step + 1] ?? 0;
    const k = x - y;
    const down = k === -step || (k !== step && at(k - 1) < at(k + 1));
    const previousK = down ? k + 1 : k - 1;
    const previousX = at(previousK);
    const previousY = previousX - previousK;
    push(
      edits,
      base + previousX,
      base + previousX + (down ? 0 : 1),
      base + previousY,
      base + previousY + (down ? 1 : 0),
    );
    x = previousX;
    y = previousY;
  }
  return edits.reverse();
}

/** Adds an edit in front of the ones found so far, as one with its neighbour where they touch. */
function push(edits: Edit[], oldFrom: number, oldTo: number, newFrom: number, newTo: number): void {
  const next = edits[edits.length - 1];
  if (next === undefined || next.oldFrom !== oldTo || next.newFrom !== newTo) {
    edits.push({ oldFrom, oldTo, newFrom, newTo });
    return;
  }
  edits[edits.length - 1] = { oldFrom, oldTo: next.oldTo, newFrom, newTo: next.newTo };
}
