// poll(2), ppoll(2). Epoll's event bits (epoll.ts) are the same numbers.
import { i16, i32, struct } from './layout.js';

export const POLLIN = 0x0001;
export const POLLPRI = 0x0002;
export const POLLOUT = 0x0004;
export const POLLERR = 0x0008;
export const POLLHUP = 0x0010;
export const POLLNVAL = 0x0020;
export const POLLRDNORM = 0x0040;
export const POLLRDBAND = 0x0080;
export const POLLWRNORM = 0x0100;
export const POLLWRBAND = 0x0200;
export const POLLMSG = 0x0400;
export const POLLREMOVE = 0x1000;
export const POLLRDHUP = 0x2000;

// struct pollfd
export const POLLFD_SIZE = 8;
export const POLLFD_FD = 0;
export const POLLFD_EVENTS = 4;
export const POLLFD_REVENTS = 6;
export const POLLFD_LAYOUT = /* @__PURE__ */ struct('struct pollfd', POLLFD_SIZE, {
  fd: i32(POLLFD_FD),
  events: i16(POLLFD_EVENTS),
  revents: i16(POLLFD_REVENTS),
});
