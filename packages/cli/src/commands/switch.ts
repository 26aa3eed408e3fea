// `sandbox-cli switch PATH`: a virtual switch that sandboxes of other runs are plugged into by `--network switch:PATH`, until it is told to stop.
import { Switch } from '@sandbox-kernel/sentry';
import { optionHelp } from '../help.js';
import { SWITCH_OPTIONS } from '../option-table.js';
import { parseOptions } from '../parse-options.js';
import { UsageError } from '../usage-error.js';

/** Resolves with 0 on SIGINT, SIGTERM or SIGHUP. */
export async function runSwitch(words: readonly string[]): Promise<number> {
  const { flags, values, operands } = parseOptions(words, SWITCH_OPTIONS);
  if (flags.has('help')) {
    process.stdout.write(`Usage: sandbox-cli switch [options] PATH\n\n${optionHelp(SWITCH_OPTIONS)}\n`);
    return 0;
  }
  const [path] = operands;
  if (path === undefined || operands.length > 1)
    throw new UsageError('switch takes one path', 'write sandbox-cli switch PATH');
  const lan = new Switch({
    ...wholeNumber('mtu', values, 1280, 65535),
    ...wholeNumber('seed', values, 0, 2 ** 32 - 1),
  });
  await lan.listen(path);
  process.stderr.write(`switch: listening at ${path}\n`);
  await stopped();
  lan.close();
  return 0;
}

function wholeNumber<K extends string>(
  name: K,
  values: ReadonlyMap<string, string>,
  low: number,
  high: number,
): { [P in K]?: number } {
  const text = values.get(name);
  if (text === undefined) return {};
  const value = Number(text);
  if (!/^[0-9]+$/.test(text) || value < low || value > high)
    throw new UsageError(`--${name} is '${text}'`, `it takes a whole number from ${low} to ${high}`);
  return { [name]: value } as { [P in K]?: number };
}

function stopped(): Promise<void> {
  return new Promise((resolve) => {
    // The sockets alone keep no process alive.
    const alive = setInterval(() => {}, 2 ** 30);
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
      process.once(signal, () => {
        clearInterval(alive);
        resolve();
      });
    }
  });
}
