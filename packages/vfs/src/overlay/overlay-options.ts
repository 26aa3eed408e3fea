// Options of an overlay that a program mounts (Linux's overlayfs documentation), collected one by one: what each may say, what they imply
// and exclude, and how /proc/mounts shows them. metacopy and verity change nothing here: data comes up with its attributes.
import { EINVAL } from '@sandbox-kernel/abi';

/** How directories are renamed whose contents lie below. */
export const REDIRECT_ON = 0;
export const REDIRECT_FOLLOW = 1;
export const REDIRECT_NOFOLLOW = 2;

const MOST_LAYERS = 500;
const ON_OFF: readonly string[] = ['on', 'off'];
/** Options with one of a few values. */
const CHOICES: Readonly<Record<string, readonly string[]>> = {
  index: ON_OFF,
  metacopy: ON_OFF,
  nfs_export: ON_OFF,
  redirect_dir: ['on', 'off', 'follow', 'nofollow'],
  xino: ['on', 'off', 'auto'],
  uuid: ['on', 'off', 'null', 'auto'],
  verity: ['on', 'off', 'require'],
  fsync: ['strict', 'auto', 'volatile'],
};
/** Options without a value. */
const FLAGS: readonly string[] = [
  'userxattr',
  'volatile',
  'default_permissions',
  'override_creds',
  'nooverride_creds',
];

/** A directory that an option names. */
export interface LayerPath {
  readonly path: string;
  /** Only for data that metadata above points to: its names are not shown. */
  readonly dataOnly: boolean;
}

export class OverlayOptions {
  lowers: LayerPath[];
  /** As written. */
  upper: string;
  work: string;
  /** Why the last option was refused. */
  message: string;
  /** As written: /proc/mounts shows that. */
  private lowerText: string | null;
  private readonly added: string[];
  private readonly chosen: Map<string, string>;

  constructor() {
    this.lowers = [];
    this.upper = '';
    this.work = '';
    this.message = '';
    this.lowerText = null;
    this.added = [];
    this.chosen = new Map();
  }

  /** Checks and takes one option; `value` null: there was no equals sign. The paths that it names are in `lowers`, `upper`, `work`. */
  set(key: string, value: string | null): number {
    if (FLAGS.includes(key)) {
      if (value !== null) return this.refuse(`Unexpected value for '${key}'`);
      this.chosen.set(key === 'volatile' ? 'fsync' : key, key === 'volatile' ? 'volatile' : 'on');
      return 0;
    }
    const choices = CHOICES[key];
    if (choices !== undefined) {
      if (value === null || !choices.includes(value)) return this.refuse(`Bad value for '${key}'`);
      this.chosen.set(key, value);
      return 0;
    }
    return this.setPath(key, value);
  }

  private setPath(key: string, value: string | null): number {
    switch (key) {
      case 'lowerdir':
        return value === null ? this.refuse(`Bad value for '${key}'`) : this.setLowers(value);
      case 'lowerdir+':
      case 'datadir+':
        if (value === null || value === '') return this.refuse(`Bad value for '${key}'`);
        return this.addLower(value, key === 'datadir+');
      case 'upperdir':
      case 'workdir':
        if (value === null || value === '') return this.refuse(`Bad value for '${key}'`);
        if (key === 'upperdir') {
          this.upper = value;
        } else {
          this.work = value;
        }
        return 0;
      default:
        return this.refuse(`Unknown parameter '${key}'`);
    }
  }

  private refuse(message: string): number {
    this.message = message;
    return -EINVAL;
  }

  /** lowerdir=A:B::DATA; an empty list starts anew. */
  private setLowers(value: string): number {
    if (value.startsWith(':')) return this.refuse('');
    const layers = value === '' ? [] : splitLayers(value);
    if (layers === null || layers.length > MOST_LAYERS) return this.refuse('');
    this.lowers = layers;
    this.added.length = 0;
    this.lowerText = value === '' ? null : value;
    return 0;
  }

  private addLower(path: string, dataOnly: boolean): number {
    if (this.lowerText !== null) return this.refuse('lowerdir+ and datadir+ cannot follow lowerdir');
    if (!dataOnly && this.lowers.at(-1)?.dataOnly === true)
      return this.refuse('regular lower layers cannot follow data layers');
    if (this.lowers.length >= MOST_LAYERS) return this.refuse('too many lower directories');
    this.lowers.push({ path, dataOnly });
    this.added.push(`${dataOnly ? 'datadir+' : 'lowerdir+'}=${escapeOption(path)}`);
    return 0;
  }

  /** Takes back what `set` took, as the directory is none: a list of layers goes as a whole. `before`: the path that stood there. */
  takeBack(key: string, before: string): void {
    if (key === 'lowerdir') {
      this.lowers = [];
      this.lowerText = '';
    } else if (key === 'upperdir') this.upper = before;
    else if (key === 'workdir') this.work = before;
    else {
      this.lowers.pop();
      this.added.pop();
    }
  }

  /** What excludes one another, and what follows from what was chosen. Afterwards nothing may be set. */
  settle(): number {
    const { chosen } = this;
    const hasUpper = this.upper !== '';
    if (!hasUpper) {
      this.work = '';
      if (chosen.get('fsync') !== 'strict') chosen.delete('fsync');
      chosen.delete('index');
    }
    const metacopy = this.is('metacopy', 'on');
    if (hasUpper) {
      if (metacopy && chosen.has('redirect_dir') && !this.is('redirect_dir', 'on')) return -EINVAL;
      if (this.is('nfs_export', 'on')) {
        if (this.is('index', 'off') || metacopy) return -EINVAL;
        chosen.set('index', 'on');
      }
    } else if (!this.is('redirect_dir', 'nofollow')) {
      // Exporting a merge without an upper layer wants no redirects at all, and is given up where they are followed.
      chosen.delete('nfs_export');
    } else if (metacopy) return -EINVAL;
    if (!this.is('userxattr', 'on')) {
      if (metacopy) chosen.set('redirect_dir', 'on');
    } else {
      if (metacopy || (chosen.has('redirect_dir') && !this.is('redirect_dir', 'nofollow'))) return -EINVAL;
      chosen.set('redirect_dir', 'nofollow');
    }
    return 0;
  }

  is(key: string, value: string): boolean {
    return this.chosen.get(key) === value;
  }

  get redirect(): number {
    if (this.is('redirect_dir', 'nofollow')) return REDIRECT_NOFOLLOW;
    return this.is('redirect_dir', 'on') || this.upper === '' ? REDIRECT_ON : REDIRECT_FOLLOW;
  }

  /** As /proc/mounts has it, in Linux's order. `sameFilesystem`: all layers are on one. */
  describe(sameFilesystem: boolean): string {
    const parts = this.lowerText === null ? [...this.added] : [`lowerdir=${escapeOption(this.lowerText)}`];
    if (this.upper !== '')
      parts.push(`upperdir=${escapeOption(this.upper)}`, `workdir=${escapeOption(this.work)}`);
    if (this.is('default_permissions', 'on')) parts.push('default_permissions');
    if (this.redirect !== REDIRECT_FOLLOW)
      parts.push(`redirect_dir=${this.redirect === REDIRECT_ON ? 'on' : 'nofollow'}`);
    if (this.is('index', 'on')) parts.push('index=on');
    const uuid = this.uuid();
    if (uuid !== 'auto') parts.push(`uuid=${uuid}`);
    if (this.is('nfs_export', 'on')) parts.push('nfs_export=on');
    if (!sameFilesystem) this.show(parts, 'xino', ['on', 'auto']);
    this.show(parts, 'metacopy', ['on']);
    this.show(parts, 'fsync', ['volatile', 'strict']);
    if (this.is('userxattr', 'on')) parts.push('userxattr');
    this.show(parts, 'verity', ['on', 'require']);
    return parts.join(',');
  }

  private show(parts: string[], key: string, shown: readonly string[]): void {
    const value = this.chosen.get(key);
    if (value !== undefined && shown.includes(value)) parts.push(`${key}=${value}`);
  }

  /** Only an upper layer can keep one. */
  uuid(): string {
    const value = this.chosen.get('uuid') ?? 'auto';
    if (this.upper === '') return value === 'auto' ? 'auto' : 'null';
    return value === 'auto' ? 'on' : value;
  }
}

/** Layers between colons; a double colon begins those for data only. Null: colons where none may be. */
function splitLayers(text: string): LayerPath[] | null {
  const layers: LayerPath[] = [];
  let dataOnly = false;
  let path = '';
  for (let i = 0; i < text.length; i++) {
    const char = text[i]!;
    if (char === '\\' && i + 1 < text.length) path += text[++i]!;
    else if (char !== ':') path += char;
    else {
      layers.push({ path, dataOnly });
      path = '';
      const double = text[i + 1] === ':';
      if (double) i++;
      if (i + 1 >= text.length || text[i + 1] === ':' || (dataOnly && !double)) return null;
      dataOnly ||= double;
    }
  }
  layers.push({ path, dataOnly });
  return layers;
}

export function unescaped(text: string): string {
  return text.replace(/\\(.)/gs, '$1');
}

/** As seq_show_option() writes values. */
function escapeOption(text: string): string {
  return text.replace(/[, \t\n\\]/g, (char) => `\\${char.charCodeAt(0).toString(8).padStart(3, '0')}`);
}

/** The parts of mount(2)'s data: a backslash before a comma keeps it, and stays. */
export function splitOptions(data: string): string[] {
  const parts: string[] = [];
  let part = '';
  for (let i = 0; i < data.length; i++) {
    if (data[i] === '\\' && i + 1 < data.length) part += data[i]! + data[++i]!;
    else if (data[i] !== ',') part += data[i]!;
    else {
      parts.push(part);
      part = '';
    }
  }
  parts.push(part);
  return parts.filter((each) => each !== '');
}
