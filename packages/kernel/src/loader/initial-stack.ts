// The stack of a fresh program (System V AMD64 ABI, "Process initialization"; getauxval(3)): strings at the top, then the platform name,
// random bytes, and from the stack pointer up argc, argv, envp and the auxiliary vector.
import { EFAULT, set64 } from '@sandbox-kernel/abi';
import type { RandomSource } from '@sandbox-kernel/contracts';
import type { MemoryManager } from '@sandbox-kernel/mm';

export interface StackContent {
  readonly argv: readonly string[];
  readonly envp: readonly string[];
  /** AT_EXECFN. */
  readonly path: string;
  /** Pairs (type, value); the addresses of strings on the stack are added here. */
  readonly auxv: readonly number[];
  readonly random: RandomSource;
  /** Where the strings end: 8 bytes below the top of the stack. */
  readonly top: number;
  /** Shift of the stack pointer below the strings (ASLR). */
  readonly shift: number;
}

/** Types whose values point into the block written here. */
const AT_RANDOM = 25;
const AT_EXECFN = 31;
const AT_PLATFORM = 15;
const PLATFORM_NAME = 'x86_64';

/** Writes the block. The stack pointer, or -EFAULT. Fills the manager's argument bounds. `auxv` receives the final vector's bytes. */
export function writeInitialStack(
  memory: MemoryManager,
  content: StackContent,
  auxv: { bytes: Uint8Array },
): number {
  const writer = new StackWriter(content);
  const sp = writer.layOut();
  auxv.bytes = writer.auxv;
  memory.startStack = sp;
  memory.argStart = writer.argStart;
  memory.argEnd = writer.argEnd;
  memory.envStart = writer.argEnd;
  memory.envEnd = writer.envEnd;
  const size = writer.block.length;
  return memory.copyOut(sp, writer.block, 0, size) === size ? sp : -EFAULT;
}

class StackWriter {
  private readonly content: StackContent;
  block: Uint8Array;
  auxv: Uint8Array;
  argStart: number;
  argEnd: number;
  envEnd: number;

  constructor(content: StackContent) {
    this.content = content;
    this.block = new Uint8Array(0);
    this.auxv = new Uint8Array(0);
    this.argStart = 0;
    this.argEnd = 0;
    this.envEnd = 0;
  }

  /** From the top down; returns the stack pointer. */
  layOut(): number {
    const { argv, envp, path, top } = this.content;
    const execfn = top - 8 - (path.length + 1);
    this.envEnd = execfn;
    this.argEnd = execfn - total(envp);
    this.argStart = this.argEnd - total(argv);
    let below = this.argStart - this.content.shift;
    below -= below % 16;
    const platform = below - (PLATFORM_NAME.length + 1);
    const random = platform - 16;
    const words = 1 + argv.length + 1 + envp.length + 1 + this.content.auxv.length + 8;
    let sp = random - words * 8;
    sp -= sp % 16;
    this.block = new Uint8Array(top - sp);
    this.content.random.fill(this.block, random - sp, 16);
    this.text(PLATFORM_NAME, platform - sp);
    this.text(path, execfn - sp);
    this.writeVectors(sp, random, execfn, platform);
    return sp;
  }

  private writeVectors(sp: number, random: number, execfn: number, platform: number): void {
    const view = new DataView(this.block.buffer);
    const { argv, envp } = this.content;
    set64(view, 0, argv.length);
    let at = this.strings(view, 8, argv, this.argStart, sp);
    at = this.strings(view, at, envp, this.argEnd, sp);
    const start = at;
    const vector = [...this.content.auxv, AT_RANDOM, random, AT_EXECFN, execfn, AT_PLATFORM, platform, 0, 0];
    for (const word of vector) {
      set64(view, at, word);
      at += 8;
    }
    this.auxv = this.block.slice(start, at);
  }

  /** Pointers at `at` and their strings from `address` up; a NULL ends them. Returns the place after it. */
  private strings(view: DataView, at: number, list: readonly string[], address: number, sp: number): number {
    for (const text of list) {
      set64(view, at, address);
      this.text(text, address - sp);
      address += text.length + 1;
      at += 8;
    }
    return at + 8;
  }

  private text(text: string, at: number): void {
    for (let i = 0; i < text.length; i++) this.block[at + i] = text.charCodeAt(i);
  }
}

function total(list: readonly string[]): number {
  let sum = 0;
  for (const text of list) sum += text.length + 1;
  return sum;
}
