// Named exports only; `index.ts` is the only barrel and lists its names one by one.
import ts from 'typescript';
import { type Finding, finding, type SourceFile } from './source.js';

export function checkExports(file: SourceFile): Finding[] {
  const findings: Finding[] = [];
  const add = (node: ts.Node, text: string) => findings.push(finding(file, node, 'exports', text));
  for (const statement of file.ast.statements) {
    if (ts.isExportAssignment(statement))
      add(statement, 'default export; importers would pick names: export by name.');
    if (hasDefault(statement)) add(statement, 'default export; importers would pick names: export by name.');
    if (!ts.isExportDeclaration(statement) || statement.moduleSpecifier === undefined) continue;
    if (statement.exportClause === undefined)
      add(statement, '`export *` hides what is public: list the names one by one.');
    else if (!file.path.endsWith('/index.ts'))
      add(statement, 're-exports from another module; index.ts is the only barrel: export it there.');
  }
  return findings;
}

function hasDefault(node: ts.Statement): boolean {
  const modifiers = ts.canHaveModifiers(node) ? ts.getModifiers(node) : undefined;
  return modifiers?.some(({ kind }) => kind === ts.SyntaxKind.DefaultKeyword) ?? false;
}
