// The package graph: who may import whom, only through the index, matching package.json, without cycles.
// The table is section 1 of the design; changing it is a decision that goes into docs/adr.
import { type Finding, finding, importsOf, type SourceFile } from './source.js';

const SCOPE = '@sandbox-kernel/';
const ALL = [
  'abi',
  'contracts',
  'mm',
  'vfs',
  'netstack',
  'kernel',
  'inet',
  'host',
  'network',
  'gofer',
  'platform-ptrace',
  'platform-systrap',
  'platform-kvm',
] as const;
const PLATFORM = ['abi', 'contracts', 'host', 'platform-stub'];

/** What a package's sources may import; its tests may import `testkit` too, and the `test/support` of these packages. */
export const ALLOWED: Readonly<Record<string, readonly string[]>> = {
  abi: [],
  contracts: ['abi'],
  mm: ['abi', 'contracts'],
  vfs: ['abi', 'contracts'],
  netstack: [],
  kernel: ['abi', 'contracts', 'mm', 'vfs'],
  inet: ['abi', 'contracts', 'vfs', 'kernel', 'netstack'],
  network: ['abi', 'contracts', 'netstack', 'host'],
  'platform-stub': ['abi', 'contracts', 'host'],
  'platform-ptrace': PLATFORM,
  'platform-systrap': PLATFORM,
  'platform-kvm': ['abi', 'contracts', 'host'],
  host: ['abi', 'contracts'],
  gofer: ['abi', 'contracts', 'vfs', 'host'],
  sentry: ALL,
  oci: ['abi', 'contracts', 'host'],
  cli: [...ALL, 'sentry', 'oci'],
  testkit: ['abi', 'contracts'],
};

export interface Manifest {
  readonly name: string;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly devDependencies?: Readonly<Record<string, string>>;
}

export function checkImports(file: SourceFile, manifest: Manifest): Finding[] {
  const findings: Finding[] = [];
  for (const { node, target } of importsOf(file)) {
    const text = target.startsWith(SCOPE)
      ? sibling(file, manifest, target.slice(SCOPE.length))
      : relative(file, target);
    if (text !== undefined) findings.push(finding(file, node, 'graph', text));
  }
  return findings;
}

/** What may stand behind a package's name. */
const ENTRIES: ReadonlySet<string> = new Set(['binding', 'package.json']);
/** The part of the host API that the command line starts with. */
const LIGHT_ENTRY = 'sentry/run';

function sibling(file: SourceFile, manifest: Manifest, rest: string): string | undefined {
  const [name = '', ...inner] = rest.split('/');
  const isOwnSource = file.path.startsWith(`packages/${file.pkg}/src/`);
  if (name === file.pkg && !isOwnSource) return undefined;
  if (name === file.pkg)
    return 'imports its own package by name: a cycle through the index; use a relative path.';
  if (isOwnSource && !ALLOWED[file.pkg]?.includes(name))
    return `${file.pkg} may not import ${name} (design, section 1); declare a role in contracts and let sentry supply it.`;
  if (inner.length > 0 && !ENTRIES.has(inner.join('/')) && `${name}/${inner.join('/')}` !== LIGHT_ENTRY)
    return `reaches into ${name}/${inner.join('/')}; a package is used only through its index: export the name there.`;
  if (!isOwnSource || manifest.dependencies?.[SCOPE + name] !== undefined) return undefined;
  return `imports ${name}, which package.json does not list in dependencies: add it, or the published package breaks.`;
}

function relative(file: SourceFile, target: string): string | undefined {
  if (!target.startsWith('.')) return undefined;
  const resolved = new URL(target, `file:///${file.path}`).pathname.slice(1);
  const isInside = resolved.startsWith(`packages/${file.pkg}/`);
  const isTest = /\/(test|bench)\//.test(file.path);
  const owner = /^packages\/([^/]+)\/test\/support\//.exec(resolved)?.[1];
  const isShared = /^(tests|scripts)\//.test(resolved) || ALLOWED[file.pkg]?.includes(owner ?? '');
  return isInside || (isTest && isShared)
    ? undefined
    : `leaves its package by ${target}; import the other package's index by name.`;
}

/** Dependencies that no source of the package imports. `used` holds the bare names of siblings. */
export function unusedDependencies(manifest: Manifest, used: ReadonlySet<string>): string[] {
  return Object.keys(manifest.dependencies ?? {})
    .filter((name) => name.startsWith(SCOPE))
    .map((name) => name.slice(SCOPE.length))
    .filter((name) => !used.has(name));
}

/** A cycle in the graph as a path of names, or undefined. */
export function findCycle(graph: ReadonlyMap<string, readonly string[]>): string[] | undefined {
  const done = new Set<string>();
  const visit = (name: string, path: readonly string[]): string[] | undefined => {
    if (path.includes(name)) return [...path.slice(path.indexOf(name)), name];
    if (done.has(name)) return undefined;
    for (const next of graph.get(name) ?? []) {
      const cycle = visit(next, [...path, name]);
      if (cycle !== undefined) return cycle;
    }
    done.add(name);
    return undefined;
  };
  for (const name of graph.keys()) {
    const cycle = visit(name, []);
    if (cycle !== undefined) return cycle;
  }
  return undefined;
}
