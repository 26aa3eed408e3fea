// Checks that all options share: unknown names and values are refused with the nearest valid one.
import { SandboxOptionError } from './errors.js';
import { nearestName } from './nearest-name.js';

export function optionError(message: string, hint: string): SandboxOptionError {
  return new SandboxOptionError('ERR_SANDBOX_OPTION', message, { hint });
}

/** Refuses keys that are not in `known`. `where` names the call in the message. */
export function refuseUnknownKeys(options: object, known: readonly string[], where: string): void {
  for (const key of Object.keys(options)) {
    if (known.includes(key)) continue;
    throw optionError(`${where}: unknown option '${key}'`, didYouMean(key, known));
  }
}

/** Refuses a value that is not in `known`. */
export function refuseUnknownValue(what: string, value: string, known: readonly string[]): void {
  if (!known.includes(value)) throw optionError(`unknown ${what} '${value}'`, didYouMean(value, known));
}

function didYouMean(wrong: string, known: readonly string[]): string {
  const nearest = nearestName(wrong, known);
  return nearest ? `did you mean '${nearest}'?` : `valid: ${known.join(', ')}`;
}
