// Makes V8's code cache of the sentry's program for the node that runs this: `node dist/make-code-cache.cjs`, which the build does for its own.
// The program runs once and starts one process, so that what every start needs is compiled and in the cache. On a machine that can't run
// sandboxes the cache has what was compiled until then; the build goes on whatever comes of it.
import { createHash } from 'node:crypto';
import { existsSync, renameSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ControlClient } from '../api/control-client.js';
import { processSpec, sandboxPlan } from '../api/options.js';
import { startSentry } from '../api/sentry-process.js';
import {
  cachePath,
  compileProgram,
  IDENTITY_LENGTH,
  identityOf,
  programPath,
  readProgram,
  runProgram,
} from './code-cache.js';

const HERE = fileURLToPath(import.meta.url);
const FOLDER = dirname(HERE);
const CHILD = 'child';

const DIGITS = `[0-9a-f]{${IDENTITY_LENGTH}}`;

/** Ends the program with the hash of the rest. */
function identify(): void {
  const text = readProgram(FOLDER).replace(new RegExp(`\n// ${DIGITS}$`), '');
  if (/[^\0-\x7f]/.test(text)) throw new Error(`${programPath(FOLDER)} is not ASCII`);
  replace(programPath(FOLDER), `${text}\n// ${createHash('sha256').update(text).digest('hex')}`);
}

/** At once: a sandbox may start meanwhile. */
function replace(path: string, content: string | Buffer): void {
  const next = `${path}.${process.pid}`;
  writeFileSync(next, content);
  renameSync(next, path);
}

/** The sentry; at its end, what it has compiled. */
function child(): void {
  const program = readProgram(FOLDER);
  const script = compileProgram(FOLDER, program, undefined);
  process.on('exit', () => {
    const identity = Buffer.from(identityOf(program), 'latin1');
    replace(cachePath(FOLDER), Buffer.concat([identity, script.createCachedData()]));
  });
  runProgram(FOLDER, script, createRequire(programPath(FOLDER)));
}

async function parent(): Promise<void> {
  identify();
  const sentry = startSentry([HERE, CHILD]);
  let ended = (): void => {};
  const exit = new Promise<void>((resolve) => {
    ended = resolve;
  });
  const client = new ControlClient(sentry.controlFd, ({ event }) => event === 'exit' && ended());
  try {
    await client.request({ call: 'boot', spec: sandboxPlan({}).spec });
    await client.request({ call: 'spawn', process: processSpec(['/bin/true'], {}, [-1, -1, -1]) });
    await exit;
  } catch (error) {
    process.stderr.write(`make-code-cache: no program could be run: ${(error as Error).message}\n`);
  }
  client.end();
  await sentry.ended;
  if (!existsSync(cachePath(FOLDER)))
    process.stderr.write('make-code-cache: there is none; sandboxes start without\n');
}

if (process.argv[2] === CHILD) child();
else void parent();
