// `npm run soak:glib [-- PROGRAM…] [--platform P]`: GLib's installed tests (Debian's libglib2.0-tests), natively and in the sandbox; every
// test of every program must end the same way.
import { readdirSync, readFileSync } from 'node:fs';
import { Comparison, skipUnless } from './outcomes.js';

const folder = '/usr/libexec/installed-tests/glib';
const described = '/usr/share/installed-tests/glib';
const RESULT = /^(ok|not ok) \d+ (?:- )?(\S+)(.*# SKIP)?/;

skipUnless(described, 'libglib2.0-tests');

/** The programs that are tests: each has a file that says how to run it. Those that measure are left out. */
function programs(): string[] {
  return readdirSync(described)
    .filter((name) => name.endsWith('.test') && !/performance|slow|shell/.test(name))
    .filter((name) => readFileSync(`${described}/${name}`, 'utf8').includes('Output=TAP'))
    .map((name) => name.slice(0, -'.test'.length))
    .sort();
}

const comparison = new Comparison(
  {
    parse: (line) => {
      const match = RESULT.exec(line);
      if (match === null) return null;
      return [match[2] as string, match[3] === undefined ? (match[1] as string) : 'skipped'];
    },
    env: {
      PATH: '/usr/bin:/bin:/usr/sbin:/sbin',
      HOME: '/tmp',
      LANG: 'C.UTF-8',
      G_TEST_SRCDIR: folder,
      G_TEST_BUILDDIR: folder,
    },
    limitMs: 5 * 60_000,
    ownNetwork: true,
  },
  programs(),
);
for (const name of comparison.names) comparison.compare(name, [`${folder}/${name}`, '--tap']);
