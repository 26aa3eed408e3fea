// A command line that can't be carried out as written.

/** `message` says what is wrong, `hint` what to write instead. Ends the tool with exit code 125. */
export class UsageError extends Error {
  readonly hint: string;

  constructor(message: string, hint: string) {
    super(message);
    this.hint = hint;
  }
}
