// The only thing that this package throws: a rule of its own was broken. Nothing that a program does can cause it.

export class InvariantError extends Error {
  readonly code: string;

  constructor(message: string) {
    super(message);
    this.name = 'InvariantError';
    this.code = 'ERR_INVARIANT';
  }
}
