import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { answer } from '../examples/object-filesystem.js';

const example = readFileSync(new URL('../examples/object-filesystem.ts', import.meta.url), 'utf8');
const readme = readFileSync(new URL('../../README.md', import.meta.url), 'utf8');

describe('README', () => {
  it('shows the filesystem example as it runs here', () => {
    expect(answer).toBe('42');
    expect(readme).toContain(`\`\`\`ts\n${example}\`\`\``);
  });
});
