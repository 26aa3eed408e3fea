import { AT_FDCWD, EINVAL, ENOENT, O_RDONLY, O_RDWR } from '@sandbox-kernel/abi';
import {
  ByteSegments,
  createPipe,
  createPseudoFilesystem,
  type FileCaller,
  type FileDescription,
  type Location,
  NumberKnob,
  openFile,
  PseudoDirectory,
  PseudoFile,
  PseudoLink,
  placeOfFile,
  readDirectory,
  readFile,
  readLink,
  StaticFile,
  StaticLink,
  writeFile,
} from '@sandbox-kernel/vfs';
import { describe, expect, it } from 'vitest';
import { bytes, createWorld, mustOpen, text } from '../support/world.js';

class Counter extends PseudoFile {
  reads = 0;

  text(): string {
    this.reads++;
    return `${this.reads}\n`;
  }
}

class Tasks extends PseudoDirectory {
  readonly alive = new Map<string, PseudoDirectory>();

  override find(name: string): PseudoDirectory | null {
    return this.alive.get(name) ?? null;
  }

  override names(): string[] {
    return [...this.alive.keys()];
  }
}

class DescriptorLink extends PseudoLink {
  constructor(private readonly file: FileDescription) {
    super(true);
  }

  target(): string {
    return 'pipe:[1]';
  }

  override jump(_caller: FileCaller, out: Location): number {
    return placeOfFile(this.file, out);
  }
}

function read(file: FileDescription): string {
  const into = new Uint8Array(100);
  return text(into, readFile(file, new ByteSegments().add(into, 0, 100), 0));
}

describe('pseudo filesystem', () => {
  it('computes text when a file is read from its start', () => {
    const { caller } = createWorld((vfs) =>
      createPseudoFilesystem(vfs, {
        type: 'proc',
        magic: 0x9fa0,
        root: new PseudoDirectory().add('count', new Counter()).add('version', new StaticFile('1\n')),
      }),
    );
    const file = mustOpen(caller, '/count', O_RDONLY);
    expect(read(file)).toBe('1\n');
    expect(read(file)).toBe('');
    file.position = 0;
    expect(read(file)).toBe('2\n');
    expect(read(mustOpen(caller, '/version', O_RDONLY))).toBe('1\n');
  });

  it('shows entries that come and go', () => {
    const tasks = new Tasks();
    const { caller } = createWorld((vfs) =>
      createPseudoFilesystem(vfs, { type: 'proc', magic: 1, root: tasks }),
    );
    expect(openFile(caller, AT_FDCWD, '/7/comm', O_RDONLY, 0)).toBe(-ENOENT);
    tasks.alive.set('7', new PseudoDirectory().add('comm', new StaticFile('sh\n')));
    expect(read(mustOpen(caller, '/7/comm', O_RDONLY))).toBe('sh\n');
    const names: string[] = [];
    readDirectory(mustOpen(caller, '/', O_RDONLY), { add: (name) => names.push(name) > 0 });
    expect(names).toEqual(['.', '..', '7']);
    tasks.alive.delete('7');
    expect(openFile(caller, AT_FDCWD, '/7/comm', O_RDONLY, 0)).toBe(-ENOENT);
  });

  it('checks what knobs are set to', () => {
    const knob = new NumberKnob(10, 0, 100);
    const root = new PseudoDirectory(0o755).add('max', knob);
    const { caller } = createWorld((vfs) => createPseudoFilesystem(vfs, { type: 'sysctl', magic: 1, root }));
    const file = mustOpen(caller, '/max', O_RDWR);
    expect(writeFile(file, new ByteSegments().add(bytes('77\n'), 0, 3), 0, Infinity)).toBe(3);
    expect(knob.value).toBe(77);
    expect(writeFile(file, new ByteSegments().add(bytes('777'), 0, 3), 0, Infinity)).toBe(-EINVAL);
  });

  it('leads to files without a path by magic links', () => {
    const ends: FileDescription[] = [];
    const root = new PseudoDirectory().add('plain', new StaticLink('fd'));
    const { caller } = createWorld((vfs) => createPseudoFilesystem(vfs, { type: 'proc', magic: 1, root }));
    createPipe(caller, 0, ends);
    root.add('fd', new DescriptorLink(ends[1]!));
    expect(readLink(caller, AT_FDCWD, '/fd')).toBe('pipe:[1]');
    const again = mustOpen(caller, '/plain', 1);
    expect(writeFile(again, new ByteSegments().add(bytes('hi'), 0, 2), 0, Infinity)).toBe(2);
    expect(read(ends[0]!)).toBe('hi');
  });
});
