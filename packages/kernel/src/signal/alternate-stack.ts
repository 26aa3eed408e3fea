// sigaltstack(2): the stack on which handlers with SA_ONSTACK run.
import { EINVAL, ENOMEM, EPERM, SS_AUTODISARM, SS_DISABLE, SS_ONSTACK } from '@sandbox-kernel/abi';

export class AlternateStack {
  base: number;
  size: number;
  /** As set: SS_ONSTACK is kept, SS_AUTODISARM counts. */
  flags: number;

  constructor() {
    this.base = 0;
    this.size = 0;
    this.flags = SS_DISABLE;
  }

  copy(from: AlternateStack): void {
    this.base = from.base;
    this.size = from.size;
    this.flags = from.flags;
  }

  reset(): void {
    this.base = 0;
    this.size = 0;
    this.flags = SS_DISABLE;
  }

  /** `sp` points into it, by addresses alone. */
  contains(sp: number): boolean {
    return sp > this.base && sp - this.base <= this.size;
  }

  /** The thread runs on it. With SS_AUTODISARM it never does: the stack is disarmed while a handler runs. */
  inUse(sp: number): boolean {
    return (this.flags & SS_AUTODISARM) === 0 && this.contains(sp);
  }

  /** ss_flags as a program sees them. */
  status(sp: number): number {
    const state = this.size === 0 ? SS_DISABLE : this.inUse(sp) ? SS_ONSTACK : 0;
    return (state | (this.flags & SS_AUTODISARM)) >>> 0;
  }

  /** sigaltstack(2) with a new stack of at least `least` bytes. 0 or -errno. */
  set(base: number, size: number, flags: number, sp: number, least: number): number {
    if (this.inUse(sp)) return -EPERM;
    const mode = (flags & ~SS_AUTODISARM) | 0;
    if (mode !== SS_DISABLE && mode !== SS_ONSTACK && mode !== 0) return -EINVAL;
    // The same place again is no change, whatever the flags say.
    if (base === this.base && size === this.size) return 0;
    if (mode === SS_DISABLE) {
      this.base = 0;
      this.size = 0;
      this.flags = flags >>> 0;
      return 0;
    }
    if (size < least) return -ENOMEM;
    this.base = base;
    this.size = size;
    this.flags = flags >>> 0;
    return 0;
  }
}
