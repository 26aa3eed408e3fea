// The whole diff of a list of changes. What git's format has no word for (owners, special files, directories, other permission bits)
// stands in lines starting with `#`, which git apply(1) and patch(1) skip.
import { S_IFDIR, S_IFLNK, S_IFMT, S_IFREG } from '@sandbox-kernel/abi';
import type { ChangeSide, WireAttributes, WireChange } from '../../changes/messages.js';
import type { ChangeSnapshot } from './change-snapshot.js';
import { type DiffSide, fileDiff, quoted } from './unified-diff.js';

/** Larger files are only said to differ. */
const CONTENT_LIMIT = 16 * 1024 * 1024;

/** `base`: names are relative to it (one character per byte, '' for the root). Pieces of the diff, in order. */
export async function* diffOf(snapshot: ChangeSnapshot, base: string): AsyncGenerator<Buffer> {
  for (let index = 0; index < snapshot.changes.length; index++) {
    const change = snapshot.changes[index] as WireChange;
    const name = change.path.slice(base.length + 1);
    const notes = notesOf(change, name);
    if (notes.length > 0) yield Buffer.from(notes, 'latin1');
    const before = await sideOf(snapshot, index, 'before', change.before);
    const after = await sideOf(snapshot, index, 'after', change.after);
    if (before === null && after === null) continue;
    if (change.kind === 'modified' && isSame(before, after)) continue;
    yield fileDiff(name, before, after);
  }
}

function isSame(before: DiffSide | null, after: DiffSide | null): boolean {
  if (before === null || after === null || before.mode !== after.mode) return false;
  return before.content !== null && after.content !== null && before.content.equals(after.content);
}

async function sideOf(
  snapshot: ChangeSnapshot,
  index: number,
  side: ChangeSide,
  attributes: WireAttributes | null,
): Promise<DiffSide | null> {
  if (attributes === null) return null;
  const type = attributes.mode & S_IFMT;
  if (type === S_IFLNK) return { mode: '120000', content: Buffer.from(attributes.target, 'latin1') };
  if (type !== S_IFREG) return null;
  const mode = (attributes.mode & 0o100) !== 0 ? '100755' : '100644';
  if (attributes.size > CONTENT_LIMIT) return { mode, content: null };
  return { mode, content: await snapshot.content(index, side, CONTENT_LIMIT) };
}

function notesOf(change: WireChange, name: string): string {
  const { before, after } = change;
  let text = '';
  const shown = quoted(name);
  if (isSpecial(before) && (after === null || change.changed.includes('type')))
    text += `# ${shown}: ${typeName(before)} removed\n`;
  if (isSpecial(after) && (before === null || change.changed.includes('type')))
    text += `# ${shown}: ${typeName(after)} added, mode ${bits(after)}\n`;
  if (before === null || after === null) return text;
  if (change.changed.includes('mode') && !isExecutableChange(before, after))
    text += `# ${shown}: mode ${bits(before)} -> ${bits(after)}\n`;
  if (change.changed.includes('owner'))
    text += `# ${shown}: owner ${before.uid}:${before.gid} -> ${after.uid}:${after.gid}\n`;
  if (change.changed.includes('xattrs')) text += `# ${shown}: extended attributes differ\n`;
  return text;
}

/** The only change of permissions that git's modes can say, and all of it. */
function isExecutableChange(before: WireAttributes, after: WireAttributes): boolean {
  const difference = (before.mode ^ after.mode) & 0o7777;
  return (after.mode & S_IFMT) === S_IFREG && difference !== 0 && (difference & ~0o111) === 0;
}

function isSpecial(attributes: WireAttributes | null): boolean {
  const type = (attributes?.mode ?? S_IFREG) & S_IFMT;
  return type !== S_IFREG && type !== S_IFLNK;
}

function bits(attributes: WireAttributes | null): string {
  return ((attributes?.mode ?? 0) & 0o7777).toString(8).padStart(3, '0');
}

function typeName(attributes: WireAttributes | null): string {
  return ((attributes?.mode ?? 0) & S_IFMT) === S_IFDIR ? 'directory' : 'special file';
}
