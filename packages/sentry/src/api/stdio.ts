// The three standard streams of a spawned process: which descriptors go to the sentry, and which ends stay here.
import { closeSync } from 'node:fs';
import { Socket } from 'node:net';
import type { Readable, Writable } from 'node:stream';
import { makePipe } from '@sandbox-kernel/host';
import { SandboxOptionError } from './errors.js';
import type { StdioOption } from './options.js';

export interface StdioPlan {
  /** Descriptors to send, in order. */
  readonly fds: number[];
  /** Index in `fds` for each stream, -1 for /dev/null. */
  readonly indexes: [number, number, number];
  readonly streams: [Writable | null, Readable | null, Readable | null];
  /** Guest ends of pipes: close them once they have been sent. */
  readonly toClose: number[];
}

/** Opens what the options ask for. Pipes are real host pipes, so that data never passes through the control channel. */
export function planStdio(option: StdioOption | readonly StdioOption[] | undefined): StdioPlan {
  const choices = Array.isArray(option) ? option : [option ?? 'pipe', option ?? 'pipe', option ?? 'pipe'];
  const plan: StdioPlan = { fds: [], indexes: [-1, -1, -1], streams: [null, null, null], toClose: [] };
  for (let stream = 0; stream < 3; stream++) addStream(plan, stream as 0 | 1 | 2, choices[stream]);
  return plan;
}

function addStream(plan: StdioPlan, stream: 0 | 1 | 2, choice: StdioOption): void {
  if (choice === 'ignore') return;
  if (choice === 'pipe') {
    addPipe(plan, stream);
    return;
  }
  const fd = choice === 'inherit' ? stream : choice;
  if (typeof fd !== 'number' || !Number.isInteger(fd) || fd < 0) {
    throw new SandboxOptionError('ERR_SANDBOX_OPTION', `stdio can't be '${String(choice)}'`, {
      hint: "use 'pipe', 'inherit', 'ignore' or a descriptor number",
    });
  }
  plan.indexes[stream] = plan.fds.push(fd) - 1;
}

function addPipe(plan: StdioPlan, stream: 0 | 1 | 2): void {
  const [readEnd, writeEnd] = makePipe();
  const guestEnd = stream === 0 ? readEnd : writeEnd;
  plan.indexes[stream] = plan.fds.push(guestEnd) - 1;
  plan.toClose.push(guestEnd);
  if (stream === 0) plan.streams[0] = new Socket({ fd: writeEnd, readable: false, writable: true });
  else plan.streams[stream] = new Socket({ fd: readEnd, readable: true, writable: false });
}

/** After the descriptors were sent (or could not be). */
export function closeGuestEnds(plan: StdioPlan): void {
  for (const fd of plan.toClose.splice(0)) closeSync(fd);
}
