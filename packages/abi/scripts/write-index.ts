// Writes src/index.ts: every export of every file in src, by name. Run after adding a name:
// `npx tsx packages/abi/scripts/write-index.ts`. A unit test fails when the index is behind.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const source = fileURLToPath(new URL('../src/', import.meta.url));
const declaration = /^export (?:declare )?(const|function|class|type|interface) (\w+)/gm;

const blocks: string[] = [];
for (const file of readdirSync(source).sort()) {
  if (file === 'index.ts' || !file.endsWith('.ts')) continue;
  const names: string[] = [];
  for (const match of readFileSync(source + file, 'utf8').matchAll(declaration)) {
    const [, kind, name] = match;
    const isType = kind === 'type' || kind === 'interface';
    names.push(isType ? `type ${name}` : `${name}`);
  }
  if (names.length > 0) blocks.push(`export { ${names.join(', ')} } from './${file.replace('.ts', '.js')}';`);
}
const head = '// Every public name, one by one; written by scripts/write-index.ts.\n';
writeFileSync(`${source}index.ts`, `${head}${blocks.join('\n')}\n`);
