// dev_t as stat(2) and mknod(2) have it (makedev(3)): 12 bits of major, 20 of minor in the low word, the rest above.

/** The 64-bit device number as a number; exact for majors below 2^12. */
export function makeDevice(major: number, minor: number): number {
  const low = (minor & 0xff) | ((major & 0xfff) << 8) | ((minor & 0xfff00) << 12);
  const high = (major >>> 12) * 4096;
  return (low >>> 0) + high * 1048576;
}

export function deviceMajor(device: number): number {
  const high = Math.floor(device / 4294967296) >>> 0;
  return (((device >>> 8) & 0xfff) | (high & ~0xfff)) >>> 0;
}

export function deviceMinor(device: number): number {
  return ((device & 0xff) | ((device >>> 12) & 0xfff00)) >>> 0;
}
