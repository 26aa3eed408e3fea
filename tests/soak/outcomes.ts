// What the soaks of other people's test suites share: a command is run natively and in the sandbox, each prints outcomes by test, and what
// differs is told. Natively as root it gets a network namespace with nothing but a loopback device, as the sandbox has by default.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

export const root = fileURLToPath(new URL('../../', import.meta.url));

export type Outcomes = Map<string, string>;

export interface Suite {
  /** Name of a test and how it ended, of one line of the output; null: the line tells of none. */
  readonly parse: (line: string) => readonly [name: string, outcome: string] | null;
  readonly env: Readonly<Record<string, string>>;
  readonly limitMs: number;
  /** A network of its own natively too. */
  readonly ownNetwork: boolean;
}

const NATIVE_NETWORK = ['unshare', '--net', '/bin/sh', '-c', 'ip link set lo up; exec "$@"', 'sh'];

/** Ends the run, successfully but aloud, where what it needs is not there. */
export function skipUnless(path: string, what: string): void {
  if (existsSync(path)) return;
  process.stdout.write(`SKIPPED: ${path} is missing; install ${what}\n`);
  process.exit(0);
}

export class Comparison {
  readonly names: readonly string[];
  private readonly suite: Suite;
  private readonly platform: string;
  private different: number;

  /** `names`: what to run where the command line names nothing. */
  constructor(suite: Suite, names: readonly string[]) {
    const { values, positionals } = parseArgs({
      allowPositionals: true,
      options: { platform: { type: 'string', default: 'auto' } },
    });
    this.suite = suite;
    this.platform = values.platform;
    this.names = positionals.length > 0 ? positionals : names;
    this.different = 0;
  }

  /** Runs `command` in `directory` both ways, says what differs, and remembers it in the exit status. */
  compare(title: string, command: readonly string[], directory = '/tmp'): void {
    const native = this.outcomes(this.nativePrefix(), command, directory);
    const sandboxed = this.outcomes(this.sandboxPrefix(), command, directory);
    const lines = [...new Set([...native.keys(), ...sandboxed.keys()])]
      .filter((name) => native.get(name) !== sandboxed.get(name))
      .map(
        (name) =>
          `  ${name}: native ${native.get(name) ?? 'absent'}, sandbox ${sandboxed.get(name) ?? 'absent'}\n`,
      );
    this.different += lines.length;
    process.stdout.write(`${title}: ${native.size} tests, ${lines.length} differ\n${lines.join('')}`);
    process.exitCode = this.different === 0 ? 0 : 1;
  }

  private nativePrefix(): readonly string[] {
    return this.suite.ownNetwork && process.getuid?.() === 0 ? NATIVE_NETWORK : [];
  }

  private sandboxPrefix(): readonly string[] {
    const variables = Object.entries(this.suite.env).flatMap(([name, value]) => ['-e', `${name}=${value}`]);
    const cli = [process.execPath, `${root}packages/cli/bin/sandbox-cli.cjs`];
    return [...cli, 'run', '--platform', this.platform, ...variables, '--'];
  }

  private outcomes(prefix: readonly string[], command: readonly string[], directory: string): Outcomes {
    // A shell leads the session: the suite opens terminals that must not become its own. The same limit on both sides: some tests look at it.
    const shell = ['/bin/sh', '-c', 'cd "$0" && ulimit -n 1024 && "$@"; exit $?', directory];
    const [program = '', ...args] = [...prefix, ...shell, ...command];
    const result = spawnSync(program, args, {
      encoding: 'utf8',
      env: this.suite.env,
      timeout: this.suite.limitMs,
      killSignal: 'SIGKILL',
      maxBuffer: 1 << 28,
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    const found: Outcomes = new Map();
    for (const line of (result.stdout ?? '').split('\n')) {
      const outcome = this.suite.parse(line);
      if (outcome !== null) found.set(outcome[0], outcome[1]);
    }
    if (result.status !== 0) found.set('the run itself', `status ${result.status ?? result.signal}`);
    return found;
  }
}
