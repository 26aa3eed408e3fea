// Portable packages get time, randomness and I/O as arguments, keep no state in modules, and throw only for broken invariants.
import ts from 'typescript';
import { type Finding, finding, importsOf, type SourceFile, walk } from './source.js';

const PORTABLE = new Set(['abi', 'contracts', 'mm', 'vfs', 'netstack', 'kernel', 'inet']);
const NO_THROW = new Set(['abi', 'mm', 'vfs', 'netstack', 'kernel', 'inet']);
const BANNED = new Set([
  'process',
  'Buffer',
  'console',
  'setTimeout',
  'setInterval',
  'setImmediate',
  'queueMicrotask',
  'performance',
  'fetch',
  'TextDecoder',
  'TextEncoder',
  'require',
  'globalThis',
  'crypto',
  '__dirname',
  '__filename',
]);
const BANNED_MEMBERS = new Set(['Date.now', 'Math.random']);
const MUTABLE = new Set([
  'Map',
  'Set',
  'WeakMap',
  'WeakSet',
  'Array',
  'Uint8Array',
  'Uint32Array',
  'Int32Array',
  'Float64Array',
  'ArrayBuffer',
]);

export function isPortable(file: SourceFile): boolean {
  return PORTABLE.has(file.pkg) && file.path.startsWith(`packages/${file.pkg}/src/`);
}

export function checkGlobals(file: SourceFile): Finding[] {
  const findings: Finding[] = [];
  for (const { node, target } of importsOf(file)) {
    if (target.startsWith('.') || target.startsWith('@sandbox-kernel/')) continue;
    findings.push(
      finding(
        file,
        node,
        'portable',
        `imports ${target}; this package runs in a browser: take a role as an argument.`,
      ),
    );
  }
  walk(file.ast, (node) => {
    const name = bannedName(node);
    if (name === undefined) return;
    const text = `uses ${name}; time, randomness and I/O are arguments here, so that tests are deterministic.`;
    findings.push(finding(file, node, 'portable', text));
  });
  return findings;
}

function bannedName(node: ts.Node): string | undefined {
  if (ts.isPropertyAccessExpression(node)) {
    const name = node.getText();
    return BANNED_MEMBERS.has(name) ? name : undefined;
  }
  if (ts.isNewExpression(node) && node.expression.getText() === 'Date' && !node.arguments?.length)
    return 'new Date()';
  if (!ts.isIdentifier(node) || !BANNED.has(node.text)) return undefined;
  return isReference(node) ? node.text : undefined;
}

/** False for declarations, property names and types: `entry.process`, `{process: 1}`, `process(): void`. */
function isReference(node: ts.Identifier): boolean {
  const parent = node.parent;
  if (ts.isPropertyAccessExpression(parent)) return parent.expression === node;
  if (ts.isPropertyAssignment(parent)) return parent.initializer === node;
  if (ts.isVariableDeclaration(parent) || ts.isPropertyDeclaration(parent))
    return parent.initializer === node;
  if (ts.isShorthandPropertyAssignment(parent)) return !isDeclaredLocally(node);
  const isExpression =
    ts.isCallExpression(parent) || ts.isNewExpression(parent) || ts.isBinaryExpression(parent);
  return isExpression && !isDeclaredLocally(node);
}

function isDeclaredLocally(node: ts.Identifier): boolean {
  let declared = false;
  walk(node.getSourceFile(), (other) => {
    const isDeclaration =
      ts.isParameter(other) || ts.isVariableDeclaration(other) || ts.isImportSpecifier(other);
    if ((isDeclaration || ts.isFunctionDeclaration(other)) && other.name?.getText() === node.text)
      declared = true;
  });
  return declared;
}

/** `let` at the top of a module, or a top-level container that something in the module writes to. */
export function checkModuleState(file: SourceFile): Finding[] {
  const findings: Finding[] = [];
  for (const statement of file.ast.statements) {
    if (!ts.isVariableStatement(statement)) continue;
    const isConst = (statement.declarationList.flags & ts.NodeFlags.Const) !== 0;
    for (const declaration of statement.declarationList.declarations) {
      if (isConst && !isWrittenContainer(file, declaration)) continue;
      const text = `module state in ${declaration.name.getText()}: two sandboxes would share it; move it into the object that owns it.`;
      findings.push(finding(file, declaration, 'module-state', text));
    }
  }
  return findings;
}

function isWrittenContainer(file: SourceFile, declaration: ts.VariableDeclaration): boolean {
  const value = declaration.initializer;
  if (value === undefined || !ts.isNewExpression(value) || !MUTABLE.has(value.expression.getText()))
    return false;
  const name = declaration.name.getText();
  let written = false;
  for (const statement of file.ast.statements) {
    if (!ts.isFunctionDeclaration(statement) && !ts.isClassDeclaration(statement)) continue;
    walk(statement, (node) => {
      if (isWriteTo(node, name)) written = true;
    });
  }
  return written;
}

const WRITERS = new Set([
  'set',
  'add',
  'delete',
  'clear',
  'push',
  'pop',
  'shift',
  'unshift',
  'fill',
  'splice',
]);

function isWriteTo(node: ts.Node, name: string): boolean {
  if (ts.isCallExpression(node) && ts.isPropertyAccessExpression(node.expression))
    return node.expression.expression.getText() === name && WRITERS.has(node.expression.name.text);
  if (!ts.isBinaryExpression(node) || !ts.isElementAccessExpression(node.left)) return false;
  return node.operatorToken.kind === ts.SyntaxKind.EqualsToken && node.left.expression.getText() === name;
}

// A facade is an interface for host programs in the manner of node:net and node:fs: there errors are thrown, as its callers expect.
const isHostFacing = (path: string): boolean => /^packages\/[^/]+\/src\/facade\//.test(path);

export function checkThrow(file: SourceFile): Finding[] {
  if (!NO_THROW.has(file.pkg) || isHostFacing(file.path)) return [];
  const findings: Finding[] = [];
  walk(file.ast, (node) => {
    if (!ts.isThrowStatement(node)) return;
    const thrown = node.expression;
    if (ts.isNewExpression(thrown) && /Invariant/.test(thrown.expression.getText())) return;
    const text =
      'throws; guest data must never raise here: return a negative errno, or call invariant() for our own mistake.';
    findings.push(finding(file, node, 'throw', text));
  });
  return findings;
}
