export {
  openSystrapPlatform,
  type SystrapOptions,
  type SystrapPhase,
  SystrapUnavailableError,
} from './open.js';
export { SystrapPlatform } from './platform.js';
