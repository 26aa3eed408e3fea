import {
  EEXIST,
  EINVAL,
  ELOOP,
  ENOENT,
  EPERM,
  EPOLL_CTL_ADD,
  EPOLL_CTL_DEL,
  EPOLL_CTL_MOD,
  EPOLLET,
  EPOLLEXCLUSIVE,
  EPOLLIN,
  EPOLLONESHOT,
  EPOLLOUT,
  O_CREAT,
  O_RDWR,
} from '@sandbox-kernel/abi';
import {
  ByteSegments,
  controlEpoll,
  createEpoll,
  createEventFd,
  type EpollSink,
  epollOf,
  type FileDescription,
  readFile,
  WaitNode,
  writeFile,
} from '@sandbox-kernel/vfs';
import { describe, expect, it } from 'vitest';
import { createWorld, mustOpen, type World } from '../support/world.js';

class Events implements EpollSink {
  readonly seen: number[][] = [];

  add(events: number, data: number): boolean {
    this.seen.push([data, events]);
    return true;
  }
}

function collect(epoll: FileDescription, limit = 10): number[][] {
  const sink = new Events();
  epollOf(epoll)!.collect(sink, limit);
  return sink.seen;
}

function signal(event: FileDescription): void {
  const one = new Uint8Array(8);
  one[0] = 1;
  writeFile(event, new ByteSegments().add(one, 0, 8), 0, Infinity);
}

function drain(event: FileDescription): void {
  readFile(event, new ByteSegments().add(new Uint8Array(8), 0, 8), 0);
}

function setUp(): { world: World; epoll: FileDescription; event: FileDescription } {
  const world = createWorld();
  return { world, epoll: createEpoll(world.caller), event: createEventFd(world.caller, 0, 0) };
}

describe('epoll', () => {
  it('repeats level-triggered events until they are over', () => {
    const { epoll, event } = setUp();
    expect(controlEpoll(epoll, EPOLL_CTL_ADD, event, 5, EPOLLIN, 42, 0)).toBe(0);
    expect(controlEpoll(epoll, EPOLL_CTL_ADD, event, 5, EPOLLIN, 42, 0)).toBe(-EEXIST);
    expect(controlEpoll(epoll, EPOLL_CTL_ADD, event, 6, EPOLLIN, 43, 0)).toBe(0);
    expect(collect(epoll)).toEqual([]);
    signal(event);
    expect(collect(epoll).sort()).toEqual([
      [42, EPOLLIN],
      [43, EPOLLIN],
    ]);
    expect(collect(epoll, 1).length).toBe(1);
    expect(collect(epoll, 10).length).toBe(2);
    drain(event);
    expect(collect(epoll)).toEqual([]);
    expect(controlEpoll(epoll, EPOLL_CTL_DEL, event, 7, 0, 0, 0)).toBe(-ENOENT);
  });

  it('tells edges once, and again with each new write', () => {
    const { epoll, event } = setUp();
    controlEpoll(epoll, EPOLL_CTL_ADD, event, 5, EPOLLIN | EPOLLET, 1, 0);
    signal(event);
    expect(collect(epoll).length).toBe(1);
    expect(collect(epoll).length).toBe(0);
    signal(event);
    expect(collect(epoll).length).toBe(1);
  });

  it('disables a oneshot item until it is modified', () => {
    const { epoll, event } = setUp();
    controlEpoll(epoll, EPOLL_CTL_ADD, event, 5, EPOLLIN | EPOLLONESHOT, 1, 0);
    signal(event);
    expect(collect(epoll).length).toBe(1);
    signal(event);
    expect(collect(epoll).length).toBe(0);
    controlEpoll(epoll, EPOLL_CTL_MOD, event, 5, EPOLLIN | EPOLLONESHOT, 1, 0);
    expect(collect(epoll).length).toBe(1);
  });

  it('forgets files that are closed', () => {
    const { epoll, event } = setUp();
    controlEpoll(epoll, EPOLL_CTL_ADD, event, 5, EPOLLOUT, 1, 0);
    expect(collect(epoll).length).toBe(1);
    event.release();
    expect(collect(epoll)).toEqual([]);
  });

  it('nests, but not in circles and not too deep', () => {
    const { world, epoll, event } = setUp();
    const outer = createEpoll(world.caller);
    controlEpoll(epoll, EPOLL_CTL_ADD, event, 5, EPOLLIN, 1, 0);
    expect(controlEpoll(outer, EPOLL_CTL_ADD, epoll, 6, EPOLLIN, 2, 0)).toBe(0);
    signal(event);
    expect(collect(outer)).toEqual([[2, EPOLLIN]]);
    expect(controlEpoll(epoll, EPOLL_CTL_ADD, outer, 7, EPOLLIN, 3, 0)).toBe(-ELOOP);
    expect(controlEpoll(epoll, EPOLL_CTL_ADD, epoll, 7, EPOLLIN, 3, 0)).toBe(-EINVAL);
  });

  it('refuses what can not be waited for, and odd mixtures with EPOLLEXCLUSIVE', () => {
    const { world, epoll, event } = setUp();
    const regular = mustOpen(world.caller, '/f', O_CREAT | O_RDWR);
    expect(controlEpoll(epoll, EPOLL_CTL_ADD, regular, 9, EPOLLIN, 0, 0)).toBe(-EPERM);
    const odd = (EPOLLEXCLUSIVE | EPOLLONESHOT | EPOLLIN) >>> 0;
    expect(controlEpoll(epoll, EPOLL_CTL_ADD, event, 5, odd, 0, 0)).toBe(-EINVAL);
    expect(controlEpoll(epoll, EPOLL_CTL_ADD, event, 5, EPOLLEXCLUSIVE | EPOLLIN, 0, 0)).toBe(0);
    expect(controlEpoll(epoll, EPOLL_CTL_MOD, event, 5, EPOLLIN, 0, 0)).toBe(-EINVAL);
  });

  it('wakes those who wait for it', () => {
    const { epoll, event } = setUp();
    controlEpoll(epoll, EPOLL_CTL_ADD, event, 5, EPOLLIN, 1, 0);
    let woken = 0;
    const node = new WaitNode({ wake: () => ++woken > 0 }, EPOLLIN);
    epoll.ops.addWaiter(epoll, node);
    signal(event);
    expect(woken).toBe(1);
    epoll.ops.removeWaiter(epoll, node);
    signal(event);
    expect(woken).toBe(1);
  });
});
