// A pseudo file whose text comes from a function of one subject (a task, the kernel): the shape of nearly every file under /proc.
import { PseudoFile } from '@sandbox-kernel/vfs';

export class GeneratedFile<T> extends PseudoFile {
  readonly #subject: T;
  readonly #generate: (subject: T) => string | number;

  /** `generate`: the contents, one character per byte, or -errno. */
  constructor(subject: T, generate: (subject: T) => string | number, permissions = 0o444) {
    super(permissions);
    this.#subject = subject;
    this.#generate = generate;
  }

  text(): string | number {
    return this.#generate(this.#subject);
  }
}
