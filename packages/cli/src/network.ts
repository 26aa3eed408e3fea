// The network flags: --network, rules in the order in which they were written, published ports, caps; and how events are printed.
import { openSync } from 'node:fs';
import {
  type NetworkEvent,
  type NetworkMode,
  type NetworkOptions,
  type NetworkRule,
  nearestName,
  splitRules,
} from '@sandbox-kernel/sentry/run';
import type { ParsedOptions } from './parse-options.js';
import { parseSize } from './quantities.js';
import { UsageError } from './usage-error.js';

const MODES = ['none', 'user', 'tap', 'switch', 'host'] as const;
/** Flags that say that a network is wanted. */
const USER_FLAGS = [
  'allow-net',
  'deny-net',
  'publish',
  'upstream-proxy',
  'net-audit',
  'net-rate',
  'net-bytes',
];

/** undefined: no network flag at all. */
export function networkOf(options: ParsedOptions): NetworkOptions | undefined {
  const { values, lists } = options;
  const given = values.get('network');
  const wanted = USER_FLAGS.filter((name) => lists.has(name) || values.has(name) || options.flags.has(name));
  if (given === undefined && wanted.length === 0) return undefined;
  const [mode, detail, lan] = modeOf(given ?? 'user', wanted.length > 0);
  if (mode === 'none' && wanted[0] !== undefined)
    throw new UsageError(`--${wanted[0]} needs a network`, 'leave --network none out');
  const rules = rulesOf(options);
  return {
    mode,
    ...(rules.length > 0 ? { rules } : {}),
    ...(options.flags.has('net-audit') ? { audit: true } : {}),
    ...listed('publish', lists.get('publish')),
    ...listed('dns', lists.get('dns')),
    ...(values.has('upstream-proxy') ? { proxy: values.get('upstream-proxy') as string } : {}),
    ...limitsOf(values),
    ...(mode === 'tap' ? { tap: tapOf(detail, options) } : {}),
    ...(lan === null ? {} : switchOf(lan)),
    ...pcapOf(values.get('pcap')),
  };
}

/** The mode, its detail, and the path of a switch: `switch:PATH` with flags of mode `user`, or `user,switch:PATH`, is both. */
function modeOf(given: string, wantsUser: boolean): readonly [NetworkMode, string, string | null] {
  const text = given.startsWith('user,switch:') ? given.slice('user,'.length) : given;
  const [mode, detail] = singleMode(text);
  if (mode !== 'switch') return [mode, detail, null];
  return [text !== given || wantsUser ? 'user' : mode, '', detail];
}

function singleMode(text: string): readonly [NetworkMode, string] {
  const colon = text.indexOf(':');
  const mode = colon < 0 ? text : text.slice(0, colon);
  if ((MODES as readonly string[]).includes(mode))
    return [mode as NetworkMode, colon < 0 ? '' : text.slice(colon + 1)];
  const nearest = nearestName(mode, MODES);
  throw new UsageError(
    `--network: unknown mode '${mode}'`,
    nearest
      ? `did you mean '${nearest}'?`
      : 'valid: none, user, tap:NAME, switch:PATH, user,switch:PATH, host',
  );
}

function rulesOf({ sequence }: ParsedOptions): NetworkRule[] {
  return sequence.flatMap(([name, value]): NetworkRule[] => {
    if (name === 'allow-net') return splitRules(value).map((allow) => ({ allow }));
    return name === 'deny-net' ? splitRules(value).map((deny) => ({ deny })) : [];
  });
}

function listed<K extends string>(
  key: K,
  value: readonly string[] | undefined,
): { [P in K]?: readonly string[] } {
  return value === undefined ? {} : ({ [key]: value } as { [P in K]?: readonly string[] });
}

function limitsOf(values: ReadonlyMap<string, string>): Pick<NetworkOptions, 'limits'> {
  const rate = values.get('net-rate');
  const bytes = values.get('net-bytes');
  if (rate === undefined && bytes === undefined) return {};
  return {
    limits: {
      ...(rate === undefined ? {} : { byteRate: parseSize(rate, '--net-rate') }),
      ...(bytes === undefined ? {} : { bytes: parseSize(bytes, '--net-bytes') }),
    },
  };
}

function tapOf(detail: string, { lists }: ParsedOptions): NonNullable<NetworkOptions['tap']> {
  const fd = /^fd=([0-9]+)$/.exec(detail)?.[1];
  return {
    ...(fd === undefined ? { name: detail } : { fd: Number(fd) }),
    ...listed('addresses', lists.get('net-address')),
    ...listed('gateways', lists.get('net-gateway')),
  };
}

function switchOf(path: string): Pick<NetworkOptions, 'switch'> {
  if (path !== '') return { switch: path };
  throw new UsageError(
    '--network switch has no path',
    'write switch:PATH, where sandbox-cli switch PATH runs',
  );
}

function pcapOf(path: string | undefined): Pick<NetworkOptions, 'pcapFd'> {
  if (path === undefined) return {};
  try {
    return { pcapFd: openSync(path, 'w', 0o600) };
  } catch (cause) {
    throw new UsageError(
      `--pcap: can't write '${path}': ${(cause as NodeJS.ErrnoException).code}`,
      'choose another file',
    );
  }
}

/** One line of stderr for each event. */
export function printNetworkEvent(event: NetworkEvent): void {
  const { kind, protocol, direction, target, names, reason, count, sent, received } = event;
  const known = names.length === 0 || names[0] === target ? '' : ` (${names.join(', ')})`;
  const times = count === 1 ? '' : ` [${count} times]`;
  const bytes = sent === undefined ? '' : `, ${sent} bytes out, ${received} in`;
  const way = direction === 'in' ? ' from' : '';
  process.stderr.write(`net: ${kind} ${protocol}${way} ${target}${known}: ${reason}${bytes}${times}\n`);
}
