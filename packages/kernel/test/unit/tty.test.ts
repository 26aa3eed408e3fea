import {
  EAGAIN,
  ECHO,
  EIO,
  ERESTARTSYS,
  ICANON,
  POLLHUP,
  POLLIN,
  SIG_IGN,
  SIGHUP,
  SIGINT,
  SIGTTIN,
  SIGTTOU,
  SIGWINCH,
  TCGETS,
  TCSETS,
  TIOCGPTN,
  TIOCPKT,
  TIOCSLCKTRMIOS,
  TIOCSPGRP,
  TIOCSPTLCK,
  TIOCSTI,
  TIOCSWINSZ,
  VMIN,
  VTIME,
} from '@sandbox-kernel/abi';
import {
  newSession,
  registerTerminalDevices,
  setProcessGroup,
  TASK_STOPPED,
  type Task,
  type Terminal,
} from '@sandbox-kernel/kernel';
import { addDeviceNode, ByteSegments, type FileDescription, openFile } from '@sandbox-kernel/vfs';
import { beforeEach, describe, expect, test } from 'vitest';
import { fork, killCall } from '../support/calls.js';
import { DATA, Machine } from '../support/machine.js';

let machine: Machine;
let leader: Task;
let master: FileDescription;
let slave: FileDescription;
let terminal: Terminal;

function open(task: Task, path: string, flags = 2): FileDescription {
  let file: FileDescription | number = -1;
  machine.call(task, (caller) => {
    file = openFile(caller, -100, path, flags, 0);
    return 0;
  });
  if (typeof file === 'number') throw new Error(`open ${path}: ${String(file)}`);
  return file;
}

function withCurrent<T>(task: Task, work: () => T): T {
  let result: T | undefined;
  machine.call(task, () => {
    result = work();
    return 0;
  });
  return result as T;
}

function write(file: FileDescription, text: string, task = leader): number {
  const bytes = Uint8Array.from(text, (char) => char.charCodeAt(0));
  return withCurrent(task, () => file.ops.write(file, new ByteSegments().add(bytes, 0, bytes.length), -1, 0));
}

function read(file: FileDescription, task = leader, length = 1000): string | number {
  const bytes = new Uint8Array(length);
  const count = withCurrent(task, () => file.ops.read(file, new ByteSegments().add(bytes, 0, length), -1, 0));
  return count < 0 ? count : String.fromCharCode(...bytes.subarray(0, count));
}

function control(file: FileDescription, request: number, value: number | Uint8Array, task = leader): number {
  let argument = DATA + 2048;
  if (typeof value === 'number') task.memory.writeU32(argument, value);
  else task.memory.copyOut(argument, value, 0, value.length);
  if (request === TIOCSTI) argument = DATA;
  return withCurrent(task, () => file.ops.ioctl(file, task, request >>> 0, argument));
}

beforeEach(() => {
  machine = new Machine();
  const root = machine.top.dentry.inode!;
  registerTerminalDevices(machine.vfs, machine.kernel.ptys);
  addDeviceNode(root, 'ptmx', 0o666, 5, 2);
  addDeviceNode(root, 'tty', 0o666, 5, 0);
  addDeviceNode(root, 'pts0', 0o666, 136, 0);
  leader = fork(machine, machine.init);
  machine.call(leader, newSession);
  master = open(leader, '/ptmx');
  expect(control(master, TIOCSPTLCK, 0)).toBe(0);
  slave = open(leader, '/pts0');
  terminal = machine.kernel.ptys.terminals.get(0)!;
});

describe('line editing', () => {
  test('a line is readable at its newline, and echoed', () => {
    write(master, 'ab');
    expect(read(slave)).toBe(-EAGAIN);
    write(master, 'c\rnext');
    expect(read(slave)).toBe('abc\n');
    expect(read(slave)).toBe(-EAGAIN);
    expect(read(master)).toBe('abc\r\nnext');
  });

  test('erase, word erase and kill take characters back', () => {
    write(master, 'one two\x17X\x7fY\n');
    expect(read(slave)).toBe('one Y\n');
    write(master, 'gone\x15kept\n');
    expect(read(slave)).toBe('kept\n');
  });

  test('erasing a control character wipes both of its columns', () => {
    write(master, '\x01\x7f');
    expect(read(master)).toBe('^A\b \b\b \b');
  });

  test('end of file gives what was typed, and then nothing', () => {
    write(master, 'x\x04');
    expect(read(slave)).toBe('x');
    write(master, '\x04');
    expect(read(slave)).toBe('');
  });

  test('a quoted character loses its meaning', () => {
    write(master, '\x16\x03\n');
    expect(read(slave)).toBe('\x03\n');
  });

  test('a short read leaves the rest of the line', () => {
    write(master, 'abcdef\n');
    expect(read(slave, leader, 4)).toBe('abcd');
    expect(read(slave)).toBe('ef\n');
  });
});

describe('raw mode', () => {
  beforeEach(() => {
    terminal.termios.lflag &= ~(ICANON | ECHO);
  });

  test('bytes come as typed, VMIN of them', () => {
    terminal.termios.cc[VMIN] = 3;
    write(master, 'ab');
    expect(read(slave)).toBe(-EAGAIN);
    write(master, 'c');
    expect(read(slave)).toBe('abc');
  });

  test('VMIN 0 does not wait', () => {
    terminal.termios.cc[VMIN] = 0;
    expect(read(slave)).toBe('');
  });

  test('VTIME ends a wait', () => {
    terminal.termios.cc[VMIN] = 0;
    terminal.termios.cc[VTIME] = 5;
    expect(read(slave)).toBe(-EAGAIN);
    machine.advance(500_000_000);
    expect(slave.ops.poll(slave) & POLLIN).toBe(POLLIN);
    expect(read(slave)).toBe('');
  });
});

describe('job control', () => {
  test('the first terminal that a session leader opens controls it, and /dev/tty is it', () => {
    expect(leader.group.processGroup.session.terminal).toBe(terminal);
    expect(open(leader, '/tty').data).toBe(terminal);
  });

  test('interrupt reaches the foreground group and flushes input', () => {
    leader.group.handlers.get(SIGINT).handler = 0x400300;
    leader.blocked.add(SIGINT);
    write(master, 'abc\x03\n');
    expect(leader.group.pending.set.has(SIGINT)).toBe(true);
    expect(read(slave)).toBe('\n');
  });

  test('a background read stops its group, or fails with EIO when the signal is ignored', () => {
    const job = fork(machine, leader);
    machine.call(job, (task) => setProcessGroup(task, 0, 0));
    const quiet = fork(machine, leader);
    machine.call(quiet, (task) => setProcessGroup(task, 0, 0));
    quiet.group.handlers.get(SIGTTIN).handler = SIG_IGN;
    expect(read(slave, quiet)).toBe(-EIO);
    expect(read(slave, job)).toBe(-ERESTARTSYS);
    expect(job.state).toBe(TASK_STOPPED);
  });

  test('a background process that blocks SIGTTOU may take the foreground', () => {
    const job = fork(machine, leader);
    machine.call(job, (task) => setProcessGroup(task, 0, 0));
    job.blocked.add(SIGTTOU);
    expect(control(slave, TIOCSPGRP, job.tid, job)).toBe(0);
    expect(terminal.foreground).toBe(job.group.processGroup);
  });

  test('a new window size is told to the foreground', () => {
    leader.blocked.add(SIGWINCH);
    leader.group.handlers.get(SIGWINCH).handler = 0x400300;
    expect(control(master, TIOCSWINSZ, Uint8Array.from([24, 0, 80, 0, 0, 0, 0, 0]))).toBe(0);
    expect(leader.group.pending.set.has(SIGWINCH)).toBe(true);
    expect([terminal.rows, terminal.columns]).toEqual([24, 80]);
  });

  test('closing the master hangs the session up', () => {
    leader.group.handlers.get(SIGHUP).handler = 0x400300;
    leader.blocked.add(SIGHUP);
    withCurrent(leader, () => master.release());
    expect(leader.group.pending.set.has(SIGHUP)).toBe(true);
    expect(slave.ops.poll(slave) & POLLHUP).toBe(POLLHUP);
    expect(read(slave)).toBe('');
    expect(write(slave, 'x')).toBe(-EIO);
  });

  test('when the leader ends, the foreground gets SIGHUP and the terminal is free', () => {
    const job = fork(machine, leader);
    job.group.handlers.get(SIGHUP).handler = 0x400300;
    job.blocked.add(SIGHUP);
    machine.call(machine.init, killCall(leader.tid, 9));
    expect(job.group.pending.set.has(SIGHUP)).toBe(true);
    expect(terminal.session).toBeNull();
  });
});

test('output newlines become two bytes; flow control holds output', () => {
  expect(write(slave, 'a\nb')).toBe(3);
  expect(read(master)).toBe('a\r\nb');
  write(master, '\x13');
  expect(write(slave, 'x')).toBe(-EAGAIN);
  write(master, '\x11');
  expect(write(slave, 'x')).toBe(1);
});

test('locked settings stay as they are', () => {
  const { memory } = leader;
  const settings = new Uint8Array(36);
  settings[12] = ECHO;
  settings[17 + 4] = 1;
  memory.copyOut(DATA + 2048, settings, 0, 36);
  const request = (nr: number): number =>
    withCurrent(leader, () => slave.ops.ioctl(slave, leader, nr, DATA + 2048));
  expect(request(TIOCSLCKTRMIOS)).toBe(0);
  expect(request(TCGETS)).toBe(0);
  expect(memory.copyIn(DATA + 2048, settings, 0, 36)).toBe(36);
  settings.fill(0, 12, 16);
  settings[17 + 4] = 9;
  settings[17 + 5] = 9;
  memory.copyOut(DATA + 2048, settings, 0, 36);
  expect(request(TCSETS)).toBe(0);
  expect(terminal.termios.lflag).toBe(ECHO);
  expect([...terminal.termios.cc.subarray(4, 6)]).toEqual([4, 9]);
});

test('packet mode puts a byte before data', () => {
  expect(control(master, TIOCPKT, 1)).toBe(0);
  write(slave, 'hi');
  expect(read(master)).toBe('\x00hi');
});

test('the master tells its number, refuses TIOCSTI, and reads EIO once all slaves are closed', () => {
  expect(control(master, TIOCGPTN, 9)).toBe(0);
  expect(leader.memory.readU32(DATA + 2048)).toBe(0);
  expect(control(slave, TIOCSTI, 0)).toBe(-EIO);
  withCurrent(leader, () => slave.release());
  expect(read(master)).toBe(-EIO);
});
