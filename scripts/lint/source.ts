// What every rule works on: the parsed files of one package, and the shape of a finding.
import ts from 'typescript';

export interface Finding {
  readonly file: string;
  readonly line: number;
  readonly rule: string;
  /** What is wrong, why it matters, what to do. */
  readonly text: string;
}

export interface SourceFile {
  /** Path from the root of the repository, with forward slashes. */
  readonly path: string;
  /** Folder name of the package below packages/, or '' for scripts, tests and benchmarks. */
  readonly pkg: string;
  readonly ast: ts.SourceFile;
}

export function parse(path: string, text: string): SourceFile {
  const pkg = /^packages\/([^/]+)\//.exec(path)?.[1] ?? '';
  return { path, pkg, ast: ts.createSourceFile(path, text, ts.ScriptTarget.ES2022, true) };
}

export function lineOf(file: SourceFile, node: ts.Node): number {
  return file.ast.getLineAndCharacterOfPosition(node.getStart(file.ast)).line + 1;
}

export function finding(file: SourceFile, node: ts.Node, rule: string, text: string): Finding {
  return { file: file.path, line: lineOf(file, node), rule, text };
}

export function walk(node: ts.Node, visit: (node: ts.Node) => void): void {
  visit(node);
  ts.forEachChild(node, (child) => walk(child, visit));
}

export interface Import {
  readonly node: ts.Node;
  readonly target: string;
}

/** Every module that a file names: import, export from, import(), require(). */
export function importsOf(file: SourceFile): Import[] {
  const found: Import[] = [];
  walk(file.ast, (node) => {
    const target = moduleOf(node);
    if (target !== undefined) found.push({ node, target });
  });
  return found;
}

function moduleOf(node: ts.Node): string | undefined {
  if (ts.isImportDeclaration(node) || ts.isExportDeclaration(node)) return literal(node.moduleSpecifier);
  if (!ts.isCallExpression(node)) return undefined;
  const isImport = node.expression.kind === ts.SyntaxKind.ImportKeyword;
  const isRequire = ts.isIdentifier(node.expression) && node.expression.text === 'require';
  return isImport || isRequire ? literal(node.arguments[0]) : undefined;
}

function literal(node: ts.Node | undefined): string | undefined {
  return node !== undefined && ts.isStringLiteralLike(node) ? node.text : undefined;
}
