import { WaitQueue } from '@sandbox-kernel/vfs';
import { describe, expect, it } from 'vitest';
import type { Kernel } from '../../../src/kernel.js';
import { BLOCKED } from '../../../src/results.js';
import {
  abandonLinger,
  endWithLinger,
  type LingeringSocket,
  lingerInCall,
  waitForLinger,
} from '../../../src/socket/linger.js';
import type { Task } from '../../../src/task.js';

class FakeSocket implements LingeringSocket {
  readonly queue = new WaitQueue();
  readonly log: string[];
  readonly name: string;
  lingering = true;

  constructor(log: string[], name: string) {
    this.log = log;
    this.name = name;
  }

  startLinger(): boolean {
    this.log.push(`close ${this.name}`);
    return this.lingering;
  }

  stopLinger(): void {
    this.log.push(`stop ${this.name}`);
  }
}

function world(): { kernel: Kernel; task: Task; interrupt: () => void } {
  let signal = false;
  const task = {
    exiting: false,
    group: { exiting: false },
    lingering: null,
    stopWaiting: () => {},
    blockOn: (_queue: WaitQueue, _events: number, code: number) => (signal ? code : BLOCKED),
  };
  const kernel = { current: task };
  return {
    kernel: kernel as unknown as Kernel,
    task: task as unknown as Task,
    interrupt: () => {
      signal = true;
    },
  };
}

describe('a call that closes lingering sockets', () => {
  it('waits for one after the other, and returns what it would have', () => {
    const { kernel, task } = world();
    const log: string[] = [];
    const [first, second] = [new FakeSocket(log, 'a'), new FakeSocket(log, 'b')];
    expect(lingerInCall(kernel, first) && lingerInCall(kernel, second)).toBe(true);
    expect(endWithLinger(task, 7)).toBe(BLOCKED);
    expect(waitForLinger(task)).toBe(BLOCKED);
    expect(log).toEqual(['close a']);
    first.lingering = false;
    expect(waitForLinger(task)).toBe(BLOCKED);
    second.lingering = false;
    expect(waitForLinger(task)).toBe(7);
    expect(log).toEqual(['close a', 'close b']);
    expect(task.lingering).toBeNull();
  });

  it('closes all without waiting when a signal is there', () => {
    const { kernel, task, interrupt } = world();
    const log: string[] = [];
    lingerInCall(kernel, new FakeSocket(log, 'a'));
    lingerInCall(kernel, new FakeSocket(log, 'b'));
    interrupt();
    expect(endWithLinger(task, 0)).toBe(0);
    expect(log).toEqual(['close a', 'stop a', 'close b', 'stop b']);
  });

  it('closes what it has not begun with when the task ends', () => {
    const { kernel, task } = world();
    const log: string[] = [];
    lingerInCall(kernel, new FakeSocket(log, 'a'));
    lingerInCall(kernel, new FakeSocket(log, 'b'));
    endWithLinger(task, 0);
    abandonLinger(task);
    expect(log).toEqual(['close a', 'stop a', 'close b', 'stop b']);
    expect(task.lingering).toBeNull();
  });

  it('does not make a process wait that ends', () => {
    const { kernel, task } = world();
    task.exiting = true;
    expect(lingerInCall(kernel, new FakeSocket([], 'a'))).toBe(false);
  });
});
