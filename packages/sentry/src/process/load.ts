// What the host API starts: compiles the sentry's program, from V8's code cache where there is one, and runs it.
import { createRequire } from 'node:module';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { compileProgram, programPath, readCache, readProgram, runProgram } from './code-cache.js';

const folder = dirname(fileURLToPath(import.meta.url));
const program = readProgram(folder);
const script = compileProgram(folder, program, readCache(folder, program));
runProgram(folder, script, createRequire(programPath(folder)));
