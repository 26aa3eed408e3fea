// A kernel on a scripted platform: guests do nothing by themselves; a test makes a task trap, with a handler of its choice,
// and looks at what became of it.
import { FRAME_RAX, FRAME_RIP, FRAME_RSP, type PlatformFeatures } from '@sandbox-kernel/contracts';
import {
  getRegister,
  Kernel,
  type KernelEvents,
  type ProgramFiles,
  type SyscallHandler,
  setRegister,
  startProcess,
  TASK_BLOCKED,
  TASK_RUNNING,
  Task,
  type VdsoImage,
  VfsPrograms,
} from '@sandbox-kernel/kernel';
import { ArrayBacking, MemoryFile } from '@sandbox-kernel/mm';
import { FakeClock, FakeRandom, type ScriptedContext, ScriptedPlatform } from '@sandbox-kernel/testkit';
import {
  createNamespace,
  createTmpfs,
  FdTable,
  type FileDescription,
  FsContext,
  Location,
  openFile,
  Vfs,
} from '@sandbox-kernel/vfs';
import { tinyElf } from './elf.js';

export const BLOCKED_NOW = Symbol('blocked');
export const NOT_RUNNING = Symbol('not running');
export const CODE = 0x401000;
/** A page of the program that tests may write to. */
export const DATA = 0x500000;

export interface Happening {
  readonly what: string;
  readonly pid: number;
  readonly status: number;
}

export class Machine implements KernelEvents {
  readonly clock = new FakeClock(1_000_000_000);
  readonly random = new FakeRandom();
  readonly platform: ScriptedPlatform;
  readonly kernel: Kernel;
  readonly handlers: (SyscallHandler | undefined)[] = [];
  readonly vfs: Vfs;
  readonly top: Location;
  readonly happenings: Happening[] = [];
  readonly init: Task;

  constructor(
    programs: ProgramFiles = new VfsPrograms(),
    taskLimit = 1000,
    vdso: (pages: MemoryFile) => VdsoImage | null = () => null,
    features: Partial<PlatformFeatures> = {},
  ) {
    this.platform = new ScriptedPlatform(() => null, features);
    const memoryFile = new MemoryFile(new ArrayBacking(64 * 2 ** 20));
    this.vfs = new Vfs({ clock: this.clock, random: this.random, pages: memoryFile });
    const namespace = createNamespace(createTmpfs(this.vfs, { mode: 0o755 }), 0);
    this.top = new Location(namespace.root, namespace.root.root);
    this.kernel = new Kernel(
      { platform: this.platform, clock: this.clock, random: this.random, memoryFile, programs },
      { handlers: this.handlers, processors: 2, taskLimit, vdso: vdso(memoryFile) },
    );
    this.kernel.events = this;
    const fs = new FsContext(this.vfs, this.top, this.top, 0o022);
    this.writeFile(fs, '/init', tinyElf({ data: DATA }));
    const init = startProcess(this.kernel, {
      path: '/init',
      argv: ['init'],
      envp: ['HOME=/'],
      uid: 0,
      gid: 0,
      groups: [],
      fs,
      files: new FdTable(),
    });
    if (!(init instanceof Task)) throw new Error(`init: ${init}`);
    this.init = init;
    this.settle();
  }

  writeFile(fs: FsContext, path: string, bytes: Uint8Array, mode = 0o755): void {
    const caller = {
      fs,
      files: new FdTable(),
      credentials: { fsuid: 0, fsgid: 0, groups: [], hasCapability: () => true },
    };
    const file = openFile(caller, -100, path, 0o1102, mode) as FileDescription;
    if (typeof file === 'number') throw new Error(`open ${path}: ${file}`);
    file.ops.write(
      file,
      {
        count: 1,
        total: bytes.length,
        arrays: [bytes],
        starts: [0],
        lengths: [bytes.length],
        fileOffsets: [-1],
      },
      0,
      0,
    );
    file.release();
  }

  /** Serves everything that is ready: woken tasks and contexts that were interrupted. */
  settle(): void {
    for (let i = 0; i < 10_000; i++) {
      this.kernel.runWoken();
      const id = this.platform.wait(0);
      if (id < 0) return;
      this.kernel.trapped(id);
    }
    throw new Error('the machine does not settle');
  }

  /** `task` makes a system call that `handler` serves; then everything settles. */
  call(task: Task, handler: SyscallHandler): number | symbol {
    this.start(task, handler);
    return this.result(task);
  }

  start(task: Task, handler: SyscallHandler): void {
    if (task.state !== TASK_RUNNING) throw new Error(`task ${task.tid} does not run (state ${task.state})`);
    const nr = 1000 + this.handlers.length;
    this.handlers[nr] = handler;
    // As the processor leaves it: RIP after a two-byte instruction.
    setRegister(task.frame, FRAME_RIP, CODE + 2);
    this.trap(task, { kind: 'syscall', number: nr });
  }

  trap(task: Task, trap: Parameters<ScriptedContext['trap']>[0]): void {
    const context = task.context as ScriptedContext;
    context.trap(trap);
    context.running = false;
    this.platform.forget(context);
    this.kernel.trapped(context.id);
    this.settle();
  }

  /** RAX when it is back in the program; whether it waits or is gone otherwise. */
  result(task: Task): number | symbol {
    if (task.state === TASK_BLOCKED) return BLOCKED_NOW;
    if (task.state !== TASK_RUNNING) return NOT_RUNNING;
    return (task.context as ScriptedContext).get(FRAME_RAX);
  }

  /** The call would be executed again: RIP is back at the instruction. */
  restarts(task: Task): boolean {
    return getRegister(task.frame, FRAME_RIP) === CODE;
  }

  advance(nanos: number): void {
    this.clock.advance(nanos);
    this.kernel.expireTimers(this.clock.monotonic());
    this.settle();
  }

  /** Delivers what is pending to a running task, as its next trap would. */
  poke(task: Task): void {
    if (task.state === TASK_RUNNING) task.context.interrupt();
    this.settle();
  }

  register(task: Task, offset: number): number {
    return getRegister(task.frame, offset);
  }

  stackPointer(task: Task): number {
    return getRegister(task.frame, FRAME_RSP);
  }

  outOfMemory(): void {}

  unknownCall(): void {}
  initExited(status: number): void {
    this.happenings.push({ what: 'init', pid: 1, status });
  }
  processStarted(): void {}
  processExited(group: { pid: number }, status: number): void {
    this.happenings.push({ what: 'exit', pid: group.pid, status });
  }
  executed(): void {}
  taskForgotten(): void {}
  memoryFreed(): void {
    this.happenings.push({ what: 'memory', pid: 0, status: 0 });
  }
}
