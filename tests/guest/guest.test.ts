// Every program under tests/guest/<family>: native output and sandbox output are the same, per platform and user.
import { readdirSync } from 'node:fs';
import { networkInterfaces, release } from 'node:os';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import {
  compileGuest,
  describeDifference,
  guestOptions,
  type Outcome,
  platforms,
  runNative,
  runSandboxed,
  type User,
  users,
  versionOf,
} from '../support/native.js';

const here = fileURLToPath(new URL('./', import.meta.url));
const hasIpv6 = (networkInterfaces()['lo'] ?? []).some((held) => held.address === '::1');
const programs = readdirSync(here, { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.c'))
  .sort();

/** What a program prints natively is the same for every platform. */
const natively = new Map<string, Promise<Outcome>>();

function native(program: string, args: readonly string[], user: User): Promise<Outcome> {
  const key = [user, program, ...args].join(' ');
  const known = natively.get(key) ?? runNative(program, args, user);
  natively.set(key, known);
  return known;
}

describe.each(platforms())('%s', (platform) => {
  describe.each(users())('as %s', (user) => {
    it.concurrent.for(programs)('%s', async (name, { skip }) => {
      const source = here + name;
      const { args, ipv6, linux } = guestOptions(source);
      skip(ipv6 && !hasIpv6, 'this host has no ::1 to compare with');
      skip(versionOf(release()) < linux, 'this kernel is too old to compare with');
      const program = compileGuest(source);
      const expected = await native(program, args, user);
      const sandboxed = await runSandboxed(program, args, user, platform);
      expect(describeDifference(expected, sandboxed)).toBe('');
      expect(expected.stdout).toMatch(/^done$/m);
    });
  });
});
