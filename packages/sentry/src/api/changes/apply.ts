// Takes changes to the host: new files are built beside their places under names nobody knows, conflicts are looked for, and only then
// each is put in place by one rename. A failure on the way takes everything back. Data is on the disk before its name is, and all is when the
// report comes.
import { randomBytes } from 'node:crypto';
import { EEXIST, EINVAL, ENOENT, ENOSYS, S_IFDIR, S_IFMT, S_IFREG, S_IFSOCK } from '@sandbox-kernel/abi';
import type { WireAttributes, WireChange } from '../../changes/messages.js';
import { SandboxError } from '../errors.js';
import type { ChangeSnapshot } from './change-snapshot.js';
import { conflictOf, sameFile } from './conflicts.js';
import { makeDurable } from './durable.js';
import { HostTree, hostError, nameOf, parentOf, readable } from './host-tree.js';
import { finishDirectory, isDevice, type StageOptions, stageEntry } from './stage.js';

/** Programs nest directories deeper than any path can say. */
const PATH_MAX = 4000;
const NOREPLACE = 1;
const EXCHANGE = 2;

export interface Conflict {
  readonly path: string;
  readonly reason: string;
}

export interface ApplyReport {
  /** Paths put in place (or, in a dry run, that would be), in order. */
  readonly applied: readonly string[];
  /** Left out, and why: sockets, device nodes without `privileged`. */
  readonly skipped: readonly Conflict[];
  /** Applied without a part: an owner or attribute that the host refused, set-id bits. */
  readonly incomplete: readonly Conflict[];
}

/** The host changed meanwhile; nothing was applied. */
export class SandboxConflictError extends SandboxError {
  readonly conflicts: readonly Conflict[];

  constructor(conflicts: readonly Conflict[]) {
    const [first] = conflicts;
    super('ERR_SANDBOX_CONFLICT', `nothing applied: '${first?.path}' ${first?.reason}${more(conflicts)}`, {
      hint: 'look at the diff, then apply with other paths, or overwrite on purpose',
      path: first?.path,
    });
    this.conflicts = conflicts;
  }
}

function more(conflicts: readonly Conflict[]): string {
  return conflicts.length > 1 ? ` (and ${conflicts.length - 1} more)` : '';
}

export interface ApplyPlan {
  readonly root: string;
  readonly dryRun: boolean;
  readonly overwrite: boolean;
  readonly privileged: boolean;
}

/** One rename (or change of attributes) to come, and how to take it back once done. */
interface Step {
  readonly index: number;
  readonly change: WireChange;
  /** The staged file's name, or where a removed one goes. Null: only attributes change. */
  readonly temporary: string | null;
  undo: (() => void) | null;
  /** After the rename the temporary name holds what stood there before. */
  holdsOld: boolean;
}

export async function applyChanges(snapshot: ChangeSnapshot, plan: ApplyPlan): Promise<ApplyReport> {
  const tree = new HostTree(plan.root);
  try {
    return await new Application(snapshot, plan, tree).run();
  } finally {
    tree.close();
  }
}

class Application {
  readonly #snapshot: ChangeSnapshot;
  readonly #plan: ApplyPlan;
  readonly #tree: HostTree;
  readonly #options: StageOptions;
  readonly #prefix = `.sandbox-${randomBytes(9).toString('base64url')}-`;
  readonly #steps: Step[] = [];
  /** Where staged directories are for now, by their path. */
  readonly #staged = new Map<string, string>();
  readonly #finish: { readonly at: string; readonly index: number }[] = [];
  /** Staged files that other names shall lead to, by index: path of the staged one. */
  readonly #linkable = new Map<number, string>();
  /** Staged files and directories whose data must be on the disk before they are put in place. */
  readonly #written: string[] = [];
  readonly #skipped: Conflict[] = [];
  readonly #incomplete: Conflict[] = [];
  readonly #applied: number[] = [];

  constructor(snapshot: ChangeSnapshot, plan: ApplyPlan, tree: HostTree) {
    this.#snapshot = snapshot;
    this.#plan = plan;
    this.#tree = tree;
    this.#options = {
      privileged: plan.privileged,
      warn: (path, what) => this.#incomplete.push({ path: readable(path), reason: what }),
    };
  }

  async run(): Promise<ApplyReport> {
    const wanted = this.#wanted();
    if (!this.#plan.overwrite) this.#refuseConflicts(wanted);
    if (!this.#plan.dryRun) await this.#carryOut(wanted);
    const applied = this.#plan.dryRun ? wanted : this.#applied;
    return {
      applied: applied.map((index) => readable(this.#change(index).path)),
      skipped: this.#skipped,
      incomplete: this.#incomplete,
    };
  }

  #change(index: number): WireChange {
    return this.#snapshot.changes[index] as WireChange;
  }

  #wanted(): number[] {
    const wanted: number[] = [];
    this.#snapshot.changes.forEach(({ path, after }, index) => {
      const reason = path.length > PATH_MAX ? 'its path is too long' : after && this.#refusal(after);
      if (reason === null) wanted.push(index);
      else this.#skipped.push({ path: readable(path), reason });
    });
    return wanted;
  }

  #refusal(after: WireAttributes): string | null {
    if ((after.mode & S_IFMT) === S_IFSOCK) return 'a socket means nothing without its process';
    if (isDevice(after.mode) && !this.#plan.privileged) return 'a device node';
    return null;
  }

  #refuseConflicts(wanted: readonly number[]): void {
    const conflicts: Conflict[] = [];
    const fresh = new Set<string>();
    for (const index of wanted) {
      const change = this.#change(index);
      // Below a directory that is not on the host yet there is nothing to compare with.
      if (fresh.has(parentOf(change.path))) {
        fresh.add(change.path);
        continue;
      }
      const reason = conflictOf(this.#tree, change);
      if (reason !== null) conflicts.push({ path: readable(change.path), reason });
      if (isDirectory(change.after) && !this.#standsOnHost(change.path)) fresh.add(change.path);
    }
    if (conflicts.length > 0) throw new SandboxConflictError(conflicts);
  }

  #standsOnHost(path: string): boolean {
    const now = this.#tree.stat(path);
    return typeof now !== 'number' && (now.mode & S_IFMT) === S_IFDIR;
  }

  async #carryOut(wanted: readonly number[]): Promise<void> {
    try {
      for (const index of wanted) await this.#stage(index);
      for (const { at, index } of this.#finish.reverse()) this.#finishStaged(at, index);
      makeDurable(this.#tree, this.#written);
      for (const step of this.#steps) this.#commit(step);
    } catch (error) {
      this.#takeBack();
      throw error;
    }
    for (const step of this.#steps) this.#clean(step);
    this.#syncNames();
    // Parents first, as they were listed: what was staged inside of others comes earlier otherwise.
    this.#applied.sort((one, other) => one - other);
    await this.#snapshot.applied(this.#applied);
  }

  // ── building ──

  async #stage(index: number): Promise<void> {
    const change = this.#change(index);
    const parent = this.#staged.get(parentOf(change.path));
    if (parent !== undefined) return this.#stageAt(index, `${parent}/${nameOf(change.path)}`, null);
    if (change.after === null) {
      this.#addStep(index, this.#temporaryName());
      return;
    }
    if (isDirectory(change.after) && this.#standsOnHost(change.path)) {
      this.#addStep(index, null);
      return;
    }
    const temporary = this.#temporaryName();
    await this.#stageAt(index, `${parentOf(change.path)}/${temporary}`, this.#addStep(index, temporary));
  }

  async #stageAt(index: number, at: string, step: Step | null): Promise<void> {
    const change = this.#change(index);
    if (change.after === null) return;
    const directory = this.#tree.directory(parentOf(at));
    if (directory < 0)
      throw hostError(`can't reach the directory of '${readable(change.path)}'`, directory, at);
    if (!this.#linkTo(change, directory, at))
      await stageEntry(this.#tree, directory, nameOf(at), this.#snapshot, index, this.#options);
    this.#linkable.set(index, at);
    const type = change.after.mode & S_IFMT;
    if (type === S_IFREG || type === S_IFDIR) this.#written.push(at);
    if (isDirectory(change.after)) {
      this.#staged.set(change.path, at);
      this.#finish.push({ at, index });
    }
    if (step === null) this.#applied.push(index);
  }

  /** Another name of a file that is staged already. */
  #linkTo(change: WireChange, directory: number, at: string): boolean {
    const first = this.#linkable.get(change.linkOf);
    if (first === undefined) return false;
    const from = this.#tree.directory(parentOf(first));
    if (from < 0) return false;
    return this.#tree.host.paths.link(from, nameOf(first), directory, nameOf(at), 0) === 0;
  }

  #temporaryName(): string {
    return `${this.#prefix}${this.#steps.length}`;
  }

  #addStep(index: number, temporary: string | null): Step {
    const step: Step = { index, change: this.#change(index), temporary, undo: null, holdsOld: false };
    this.#steps.push(step);
    return step;
  }

  #finishStaged(at: string, index: number): void {
    const change = this.#change(index);
    const parent = this.#tree.directory(parentOf(at));
    if (parent < 0) throw hostError(`can't finish '${readable(change.path)}'`, parent, at);
    const attributes = change.after as WireAttributes;
    finishDirectory(this.#tree, parent, nameOf(at), attributes, change.path, this.#options);
  }

  // ── putting in place ──

  #commit(step: Step): void {
    const { change, temporary } = step;
    const parent = this.#tree.directory(parentOf(change.path));
    if (parent === -ENOENT && change.after === null) return;
    if (parent < 0) throw hostError(`can't reach the directory of '${readable(change.path)}'`, parent, '');
    if (temporary === null) this.#commitAttributes(step, parent);
    else if (change.after === null) this.#commitRemoval(step, parent, temporary);
    else this.#commitFile(step, parent, temporary);
    this.#tree.moved(change.path);
    this.#applied.push(step.index);
  }

  #commitAttributes(step: Step, parent: number): void {
    const { change } = step;
    const name = nameOf(change.path);
    const { before } = change;
    finishDirectory(this.#tree, parent, name, change.after as WireAttributes, change.path, this.#options);
    step.undo = () => {
      const again = this.#tree.directory(parentOf(change.path));
      if (before !== null && again >= 0)
        finishDirectory(this.#tree, again, name, before, change.path, this.#options);
    };
  }

  #commitRemoval(step: Step, parent: number, temporary: string): void {
    const result = this.#rename(parent, nameOf(step.change.path), temporary, NOREPLACE);
    if (result === -ENOENT) return;
    if (result < 0) throw hostError(`can't remove '${readable(step.change.path)}'`, result, step.change.path);
    step.holdsOld = true;
    step.undo = () => this.#renameIn(step.change.path, temporary, nameOf(step.change.path), NOREPLACE);
    this.#refuseRace(step, parent, temporary);
  }

  #commitFile(step: Step, parent: number, temporary: string): void {
    const { path } = step.change;
    const name = nameOf(path);
    const stands = typeof this.#tree.statIn(parent, name) !== 'number';
    if (!stands && step.change.kind === 'modified' && !this.#plan.overwrite)
      throw this.#conflict(path, 'was removed on the host');
    const result = this.#rename(parent, temporary, name, stands ? EXCHANGE : NOREPLACE);
    if (result === -EEXIST) throw this.#conflict(path, 'was made on the host as well');
    if (result < 0) throw hostError(`can't put '${readable(path)}' in place`, result, path);
    step.holdsOld = stands;
    step.undo = () => {
      if (stands) this.#renameIn(path, temporary, name, EXCHANGE);
      else this.#renameIn(path, name, temporary, NOREPLACE);
    };
    if (stands) this.#refuseRace(step, parent, temporary);
  }

  /** What was moved away must be what the sandbox saw: somebody may have written in the last moment. */
  #refuseRace(step: Step, parent: number, temporary: string): void {
    const { origin, path } = step.change;
    if (this.#plan.overwrite) return;
    const old = this.#tree.statIn(parent, temporary);
    if (origin === null) throw this.#conflict(path, 'was made on the host as well');
    if (typeof old === 'number' || !sameFile(old, origin, false))
      throw this.#conflict(path, 'was changed on the host');
  }

  #conflict(path: string, reason: string): SandboxConflictError {
    return new SandboxConflictError([{ path: readable(path), reason }]);
  }

  #renameIn(path: string, from: string, to: string, flags: number): void {
    const parent = this.#tree.directory(parentOf(path));
    if (parent >= 0) this.#rename(parent, from, to, flags);
  }

  /** Filesystems without exchange get two renames: the name is gone for a moment. */
  #rename(directory: number, from: string, to: string, flags: number): number {
    const { paths } = this.#tree.host;
    const result = paths.rename(directory, from, directory, to, flags);
    if (result !== -EINVAL && result !== -ENOSYS) return result;
    if (flags === NOREPLACE) {
      if (typeof this.#tree.statIn(directory, to) !== 'number') return -EEXIST;
      return paths.rename(directory, from, directory, to, 0);
    }
    const aside = `${this.#prefix}aside`;
    const moved = paths.rename(directory, to, directory, aside, 0);
    if (moved < 0) return moved;
    const placed = paths.rename(directory, from, directory, to, 0);
    paths.rename(directory, aside, directory, placed === 0 ? from : to, 0);
    return placed;
  }

  // ── afterwards ──

  /** Everything is in place: a failure now can't be taken back, only told. */
  #syncNames(): void {
    const changed = new Set<string>();
    for (const { change, temporary } of this.#steps)
      changed.add(temporary === null ? change.path : parentOf(change.path));
    try {
      makeDurable(this.#tree, [...changed]);
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      this.#incomplete.push({ path: this.#plan.root, reason });
    }
  }

  #takeBack(): void {
    for (const step of [...this.#steps].reverse()) {
      this.#tree.moved(step.change.path);
      step.undo?.();
      step.holdsOld = false;
    }
    for (const { change, temporary } of this.#steps)
      if (temporary !== null && change.after !== null) this.#removeTemporary(change.path, temporary);
  }

  #clean(step: Step): void {
    if (step.holdsOld && step.temporary !== null) this.#removeTemporary(step.change.path, step.temporary);
  }

  #removeTemporary(path: string, temporary: string): void {
    this.#tree.moved(`${parentOf(path)}/${temporary}`);
    const parent = this.#tree.directory(parentOf(path));
    if (parent >= 0) this.#tree.removeAll(parent, temporary);
  }
}

function isDirectory(attributes: WireAttributes | null): boolean {
  return attributes !== null && (attributes.mode & S_IFMT) === S_IFDIR;
}
