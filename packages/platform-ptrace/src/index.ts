export { openPtracePlatform, type PtraceOptions, type PtracePhase, PtraceUnavailableError } from './open.js';
export { type PtraceHostEvents, PtracePlatform } from './platform.js';
