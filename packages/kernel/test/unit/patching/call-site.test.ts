import { jumpCode, SITE_WINDOW, siteKind, trampolineCode, trampolineHeader } from '@sandbox-kernel/kernel';
import { describe, expect, it } from 'vitest';

const SYSCALL = [0x0f, 0x05];

/** The window that ends with these bytes, after no-ops. */
function window(...bytes: number[]): Uint8Array {
  const all = new Uint8Array(SITE_WINDOW).fill(0x90);
  all.set(bytes.slice(-SITE_WINDOW), SITE_WINDOW - Math.min(bytes.length, SITE_WINDOW));
  return all;
}

describe('siteKind', () => {
  it('knows the three shapes', () => {
    expect(siteKind(window(0xb8, 39, 0, 0, 0, ...SYSCALL), 39)).toBe('eax');
    expect(siteKind(window(0x48, 0xc7, 0xc0, 39, 0, 0, 0, ...SYSCALL), 39)).toBe('rax');
    expect(siteKind(window(0x4c, 0x8b, 0x4c, 0x24, 0x08, ...SYSCALL), 12345)).toBe('register');
  });

  it('wants the number that was called', () => {
    expect(siteKind(window(0xb8, 39, 0, 0, 0, ...SYSCALL), 40)).toBeNull();
    expect(siteKind(window(0x48, 0xc7, 0xc0, 39, 0, 0, 0, ...SYSCALL), 40)).toBeNull();
    expect(siteKind(window(0xb8, 0xff, 0xff, 0xff, 0xff, ...SYSCALL), 2 ** 32 - 1)).toBe('eax');
  });

  it.each([
    ['mov $39, %r8d', [0x41, 0xb8]],
    ['mov $39, %rax with a prefix of size', [0x66, 0xb8]],
    ['movl $39, -0x48(%rbp)', [0xc7, 0x45, 0xb8]],
    ['movl $39, -0x48(%rsp)', [0xc7, 0x44, 0x24, 0xb8]],
    ['cmpl $39, -0x48(%rcx)', [0x81, 0x79, 0xb8]],
    ['imul $39, -0x48(%rdi), %eax', [0x69, 0x47, 0xb8]],
    ['int $0x80 instead', [0xb8]],
  ])('leaves %s alone', (name, bytes) => {
    const end = name.startsWith('int') ? [0xcd, 0x80] : SYSCALL;
    expect(siteKind(window(...bytes, 39, 0, 0, 0, ...end), 39)).toBeNull();
  });

  it('leaves a load with another segment alone', () => {
    expect(siteKind(window(0x64, 0x4c, 0x8b, 0x4c, 0x24, 0x08, ...SYSCALL), 1)).toBeNull();
  });
});

describe('code', () => {
  it('of a jump counts from its end, both ways', () => {
    expect([...jumpCode(0x1000, 0x2000)]).toEqual([0xe9, 0xfb, 0x0f, 0, 0]);
    expect([...jumpCode(0x2000, 0x1000)]).toEqual([0xe9, 0xfb, 0xef, 0xff, 0xff]);
  });

  it('of a page of trampolines begins with the two entries', () => {
    const view = new DataView(trampolineHeader(0x7fff_c000_0400).buffer);
    expect(view.getBigUint64(0, true)).toBe(0x7fff_c000_0400n);
    expect(view.getBigUint64(8, true)).toBe(0x7fff_c000_0408n);
  });

  it('of a trampoline points at its record and at the entry', () => {
    for (const kind of ['eax', 'register'] as const) {
      const at = 96;
      const code = trampolineCode(kind, at, 0x40_1234, 39);
      const view = new DataView(code.buffer);
      const lea = kind === 'register' ? 8 : 0;
      const record = lea + 7 + view.getInt32(lea + 3, true);
      expect(view.getBigUint64(record, true)).toBe(0x40_1234n);
      if (kind === 'eax') expect(view.getBigUint64(record + 8, true)).toBe(39n);
      // In the page's header.
      expect(at + lea + 13 + view.getInt32(lea + 9, true)).toBe(kind === 'register' ? 8 : 0);
    }
  });
});
