// xattr(7): flags, name prefixes and limits.

// flags
export const XATTR_CREATE = 0x1;
export const XATTR_REPLACE = 0x2;

// limits
export const XATTR_NAME_MAX = 255;
export const XATTR_SIZE_MAX = 65536;
export const XATTR_LIST_MAX = 65536;
