// Signal names of the host API.
import { signalName as nameOf } from '@sandbox-kernel/abi';
import { SandboxOptionError } from './errors.js';
import { nearestName } from './nearest-name.js';

const LAST_SIGNAL = 64;

export function signalName(signal: number): string {
  return nameOf(signal);
}

/** `SIGTERM`, `TERM` or 15 to its number. Throws SandboxOptionError for what is no signal. */
export function signalNumber(signal: string | number): number {
  if (typeof signal === 'number') {
    if (Number.isInteger(signal) && signal >= 0 && signal <= LAST_SIGNAL) return signal;
    throw new SandboxOptionError('ERR_SANDBOX_OPTION', `there is no signal ${signal}`, {
      hint: `use 1 to ${LAST_SIGNAL}`,
    });
  }
  const wanted = signal.startsWith('SIG') ? signal : `SIG${signal}`;
  const names: string[] = [];
  for (let number = 1; number <= LAST_SIGNAL; number++) {
    if (nameOf(number) === wanted) return number;
    names.push(nameOf(number));
  }
  const nearest = nearestName(wanted, names);
  throw new SandboxOptionError('ERR_SANDBOX_OPTION', `there is no signal '${signal}'`, {
    hint: nearest ? `did you mean '${nearest}'?` : 'use a name such as SIGTERM',
  });
}
