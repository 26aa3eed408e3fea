export {
  FPU_AREA,
  type NativeEngine,
  type StubConstants,
  StubEngine,
  WAIT_BELL,
  WAIT_NOTHING,
} from './engine.js';
export { featuresOf, type StubOptions, StubUnavailableError } from './open.js';
export { StubPlatform } from './platform.js';
export { StubAddressSpace } from './space.js';
