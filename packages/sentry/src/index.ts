export { diagnose, type Finding } from './api/diagnose.js';
export {
  SandboxClosedError,
  SandboxError,
  type SandboxErrorDetails,
  SandboxExecError,
  SandboxExitError,
  SandboxOptionError,
} from './api/errors.js';
export { nearestName } from './api/nearest-name.js';
export {
  DEFAULT_PATH,
  type ExecOptions,
  type SandboxOptions,
  type SpawnOptions,
  type StdioOption,
} from './api/options.js';
export { type ExecResult, type ExitStatus, type ProcessControl, SandboxProcess } from './api/process.js';
export { Sandbox, type SandboxEvents } from './api/sandbox.js';
export type { VirtualTime } from './api/time-option.js';
export type { MountSpec, PlatformName, SignalScope, Usage } from './control/messages.js';
