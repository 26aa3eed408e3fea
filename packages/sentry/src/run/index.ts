// `@sandbox-kernel/sentry/run`: the part of the host API that runs programs, without what loads the rest of it (the virtual switch with
// its network stack, the probes of `diagnose`): a command line wants to start its sentry soon.
export type { NetworkEvent } from '@sandbox-kernel/network';
export { splitRules } from '@sandbox-kernel/network';
export type { ArchiveFormat } from '../api/changes/archive.js';
export { SandboxError, SandboxExecError } from '../api/errors.js';
export { nearestName } from '../api/nearest-name.js';
export type { NetworkOptions, NetworkRule } from '../api/network-options.js';
export { DEFAULT_PATH, type SandboxOptions, type SpawnOptions } from '../api/options.js';
export { type ExitStatus, SandboxProcess } from '../api/process.js';
export { Sandbox } from '../api/sandbox.js';
export type { MountSpec } from '../control/messages.js';
export type { NetworkMode } from '../control/network-messages.js';
