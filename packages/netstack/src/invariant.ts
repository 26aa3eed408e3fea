// Broken invariants of this package's own, or of the program that calls it: the only thing that is thrown outside the facades.
// Nothing that a packet or a peer can do leads here.

/** A promise of this package's code was broken; `code` is stable, the message is not. */
export class InvariantError extends Error {
  readonly code: string;

  constructor(message: string) {
    super(message);
    this.name = 'InvariantError';
    this.code = 'ERR_NETSTACK_INVARIANT';
  }
}

/** Throws unless `condition` holds. On hot paths test first and pass `false`, so that no message is built. */
export function invariant(condition: boolean, message: string): asserts condition {
  if (!condition) throw new InvariantError(message);
}
