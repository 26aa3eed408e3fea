// Where files lie in the sandbox: the copy-on-write root, a tmpfs, or a directory shared with the host.
import type { World } from '../benchmark.js';

export const PLACES = ['root', 'tmpfs', 'bind'] as const;
export type Place = (typeof PLACES)[number];

/** A folder of the place; natively that of the host under the same name. */
export const folderOf = (world: World, place: Place): string =>
  place === 'tmpfs' ? '/dev/shm' : `${world.folder}/${place}`;

export function flagsOf(world: World, place: Place): readonly string[] {
  if (place === 'tmpfs') return ['--tmpfs', '/dev/shm'];
  return place === 'bind' ? ['-v', `${world.folder}/bind:${world.folder}/bind`] : [];
}
