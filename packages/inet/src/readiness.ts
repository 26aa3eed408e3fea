// netstack's readiness as poll(2) tells it.
import {
  POLLERR,
  POLLHUP,
  POLLIN,
  POLLOUT,
  POLLPRI,
  POLLRDHUP,
  POLLRDNORM,
  POLLWRNORM,
} from '@sandbox-kernel/abi';
import {
  READY_ERROR,
  READY_HANGUP,
  READY_PRIORITY,
  READY_READ,
  READY_READ_HANGUP,
  READY_WRITE,
} from '@sandbox-kernel/netstack';

function eventsOf(ready: number): number {
  let events = 0;
  if ((ready & READY_READ) !== 0) events |= POLLIN | POLLRDNORM;
  if ((ready & READY_WRITE) !== 0) events |= POLLOUT | POLLWRNORM;
  if ((ready & READY_ERROR) !== 0) events |= POLLERR;
  if ((ready & READY_HANGUP) !== 0) events |= POLLHUP;
  if ((ready & READY_READ_HANGUP) !== 0) events |= POLLIN | POLLRDNORM | POLLRDHUP;
  if ((ready & READY_PRIORITY) !== 0) events |= POLLPRI;
  return events;
}

/** By READY_* bits. */
const TABLE: readonly number[] = Array.from({ length: 64 }, (_, ready) => eventsOf(ready));

export function pollEvents(ready: number): number {
  return TABLE[ready & 63] as number;
}
