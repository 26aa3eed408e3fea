// The fields of an ioctl(2) request number: number, type, size of the argument, direction (asm-generic/ioctl.h).

export const IOC_NONE = 0;
export const IOC_WRITE = 1;
export const IOC_READ = 2;

/** _IOC(direction, type, number, size), unsigned. */
export function ioctlRequest(direction: number, type: number, number: number, size: number): number {
  return ((direction << 30) | (size << 16) | (type << 8) | number) >>> 0;
}

export function ioctlDirection(request: number): number {
  return request >>> 30;
}

export function ioctlType(request: number): number {
  return (request >>> 8) & 0xff;
}

export function ioctlNumber(request: number): number {
  return request & 0xff;
}

/** Size of the argument in bytes, at most 16383. */
export function ioctlSize(request: number): number {
  return (request >>> 16) & 0x3fff;
}
