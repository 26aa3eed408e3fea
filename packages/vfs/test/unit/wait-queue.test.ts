import type { WaitEntry, Waiter } from '@sandbox-kernel/contracts';
import { describe, expect, it } from 'vitest';
import { WaitNode, WaitQueue } from '../../src/wait-queue.js';

class Recorder implements Waiter {
  readonly heard: number[] = [];

  wake(entry: WaitEntry): boolean {
    this.heard.push((entry as Numbered).number);
    return true;
  }
}

class Numbered extends WaitNode {
  readonly number: number;

  constructor(waiter: Waiter, number: number, exclusive: boolean) {
    super(waiter, 1, exclusive);
    this.number = number;
  }
}

/** Entries join in the given order: a negative number makes an exclusive one. */
function queueOf(...numbers: number[]): { queue: WaitQueue; heard: number[]; entries: Numbered[] } {
  const queue = new WaitQueue();
  const recorder = new Recorder();
  const entries = numbers.map((number) => new Numbered(recorder, number, number < 0));
  for (const entry of entries) queue.add(entry);
  return { queue, heard: recorder.heard, entries };
}

describe('a wait queue', () => {
  it('tells plain entries in the order in which they came', () => {
    const { queue, heard } = queueOf(1, 2, 3);
    expect(queue.wake(1)).toBe(3);
    expect(heard).toEqual([1, 2, 3]);
  });

  it('tells plain entries before the first exclusive one, whenever they came', () => {
    const { queue, heard } = queueOf(-1, 2, -3, 4);
    queue.wake(1);
    expect(heard).toEqual([2, 4, -1]);
  });

  it('keeps the order when entries leave', () => {
    const { queue, heard, entries } = queueOf(1, -2, 3, -4, 5);
    entries[1]!.leave();
    entries[0]!.leave();
    queue.add(entries[0]!);
    queue.wake(1);
    expect(heard).toEqual([3, 5, 1, -4]);
  });

  it('is empty and usable again when all have left', () => {
    const { queue, heard, entries } = queueOf(-1, 2);
    for (const entry of entries) entry.leave();
    expect(queue.empty).toBe(true);
    queue.add(entries[1]!);
    queue.add(entries[0]!);
    queue.wake(1);
    expect(heard).toEqual([2, -1]);
  });
});
