export type { NetworkEvent, NetworkLimits } from '@sandbox-kernel/network';
export { splitRules } from '@sandbox-kernel/network';
export {
  type ApplyReport,
  type Conflict,
  SandboxConflictError,
} from './api/changes/apply.js';
export type { ArchiveFormat, ExportReport } from './api/changes/archive.js';
export type { FileChange, FileState, FileType } from './api/changes/file-change.js';
export {
  type ApplyOptions,
  type ChangesOptions,
  type DiffOptions,
  type DiscardOptions,
  type ExportOptions,
  SandboxFiles,
} from './api/changes/sandbox-files.js';
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
export { type NetworkUpdate, type Published, SandboxNetwork } from './api/network.js';
export type {
  ConnectDecision,
  NetworkOptions,
  NetworkRule,
  PublishOptions,
  TapOptions,
} from './api/network-options.js';
export {
  DEFAULT_PATH,
  type ExecOptions,
  type SandboxOptions,
  type SpawnOptions,
  type StdioOption,
} from './api/options.js';
export { type ExecResult, type ExitStatus, type ProcessControl, SandboxProcess } from './api/process.js';
export { Sandbox, type SandboxEvents } from './api/sandbox.js';
export { Switch, type SwitchMember, type SwitchOptions } from './api/switch.js';
export type { VirtualTime } from './api/time-option.js';
export type { ChangedPart } from './changes/messages.js';
export type { MountSpec, PatchingName, PlatformName, SignalScope, Usage } from './control/messages.js';
export type { ConnectionReport, NetworkMode, QuestionReport } from './control/network-messages.js';
