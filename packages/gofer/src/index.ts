// Every public name, one by one.
export { createDirectFilesystem } from './direct/direct.js';
export type { DirectOptions } from './direct/direct-tree.js';
export { HostWatches } from './direct/host-watches.js';
export { HostStreams } from './stdio/host-stream.js';
