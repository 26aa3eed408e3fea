// readv(2): struct iovec.
import { struct, u64 } from './layout.js';

// struct iovec
export const IOVEC_SIZE = 16;
export const IOVEC_IOV_BASE = 0;
export const IOVEC_IOV_LEN = 8;
export const IOVEC_LAYOUT = /* @__PURE__ */ struct('struct iovec', IOVEC_SIZE, {
  iov_base: u64(IOVEC_IOV_BASE),
  iov_len: u64(IOVEC_IOV_LEN),
});
