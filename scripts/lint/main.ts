// `npm run lint`, second half: the rules of the style guide that biome can't express. Prints file:line, the rule, what and why.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { checkExports } from './exports.js';
import { checkImports, findCycle, type Manifest, unusedDependencies } from './graph.js';
import { checkGlobals, checkModuleState, checkThrow, isPortable } from './portable.js';
import { checkDistribution, measure, quantile } from './size.js';
import { type Finding, importsOf, parse, type SourceFile } from './source.js';

const SCOPE = '@sandbox-kernel/';

function typescriptFiles(folder: string): string[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts') && !name.includes('node_modules') && !name.startsWith('dist'))
    .map((name) => `${folder}/${name}`);
}

function read(path: string): SourceFile {
  return parse(path, readFileSync(path, 'utf8'));
}

function siblingsOf(files: readonly SourceFile[]): Set<string> {
  const targets = files.flatMap((file) => importsOf(file).map(({ target }) => target));
  const names = targets
    .filter((target) => target.startsWith(SCOPE))
    .map((target) => target.split('/')[1] ?? '');
  return new Set(names);
}

function checkFile(file: SourceFile): Finding[] {
  const portable = isPortable(file) ? [...checkGlobals(file), ...checkThrow(file)] : [];
  return [...checkExports(file), ...checkModuleState(file), ...portable];
}

const findings: Finding[] = [];
const sources: SourceFile[] = [];
const graph = new Map<string, readonly string[]>();

for (const pkg of readdirSync('packages')) {
  const manifestPath = `packages/${pkg}/package.json`;
  if (!existsSync(manifestPath)) continue;
  const manifest = JSON.parse(readFileSync(manifestPath, 'utf8')) as Manifest;
  const own = typescriptFiles(`packages/${pkg}/src`).map(read);
  const tests = typescriptFiles(`packages/${pkg}/test`).map(read);
  const used = siblingsOf(own);
  graph.set(pkg, [...used]);
  sources.push(...own);
  for (const file of own) findings.push(...checkFile(file));
  for (const file of [...own, ...tests]) findings.push(...checkImports(file, manifest));
  for (const name of unusedDependencies(manifest, used)) {
    const text = `depends on ${name}, which no source imports: remove it, or users install it for nothing.`;
    findings.push({ file: manifestPath, line: 1, rule: 'graph', text });
  }
  if (!existsSync(`packages/${pkg}/README.md`)) {
    const text = 'has no README.md: say what it is, a runnable ten-line example, and what is not supported.';
    findings.push({ file: `packages/${pkg}`, line: 1, rule: 'readme', text });
  }
}

const cycle = findCycle(graph);
if (cycle !== undefined)
  findings.push({
    file: 'packages',
    line: 1,
    rule: 'graph',
    text: `cycle ${cycle.join(' → ')}: invert one of them.`,
  });
const sizes = measure(sources);
findings.push(...sizes.findings, ...checkDistribution(sizes));

for (const { file, line, rule, text } of findings)
  process.stdout.write(`${file}:${line}: ${rule}: ${text}\n`);
const summary = (values: readonly number[]) =>
  `median ${quantile(values, 0.5)}, p95 ${quantile(values, 0.95)}, max ${quantile(values, 1)}`;
process.stdout.write(
  `lint: ${sources.length} files (${summary(sizes.files)}), ${sizes.functions.length} functions (${summary(sizes.functions)}); ` +
    `${findings.length} findings\n`,
);
process.exitCode = findings.length === 0 ? 0 : 1;
