// `Sandbox.create()` and the first program's end, in a host process that has made sandboxes before.
import { Sandbox } from '../packages/sentry/dist/index.js';
import { median } from './benchmark.js';

export interface StartFigures {
  /** Milliseconds until the sandbox is there, and from then until its first program has ended. */
  readonly create: number;
  readonly exec: number;
}

async function once(platform: string): Promise<StartFigures> {
  const started = performance.now();
  const sandbox = await Sandbox.create({ platform: platform as 'auto' });
  const created = performance.now();
  await sandbox.exec('/bin/true');
  const exec = performance.now() - created;
  await sandbox.close();
  return { create: created - started, exec };
}

/** Medians of `runs`, behind two that count for nothing. */
export async function measureStart(platform: string, runs: number): Promise<StartFigures> {
  for (let i = 0; i < 2; i++) await once(platform);
  const all: StartFigures[] = [];
  for (let i = 0; i < runs; i++) all.push(await once(platform));
  return { create: median(all.map(({ create }) => create)), exec: median(all.map(({ exec }) => exec)) };
}
