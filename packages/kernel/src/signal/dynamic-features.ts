// Features of the extended state that a process must ask for before it uses them (Linux's documentation of x86's xstate): AMX's tiles, of eight
// KiB. They belong to the process: threads and children have them, a new program asks anew. Frames of signals grow with a thread's
// first use of them, for which its alternate stack must have room.
import { EINVAL, ENOSPC, EOPNOTSUPP, MINSIGSTKSZ } from '@sandbox-kernel/abi';
import type { Task } from '../task.js';
import { leastSignalStack } from './frame.js';

/** The highest number of a state component that Linux 6.18 knows. */
export const LAST_FEATURE = 19;
/** Where the XSAVE header says which components are not in their initial state. */
const XSTATE_BV = 512;

/** arch_prctl(ARCH_REQ_XCOMP_PERM) for component `feature`. 0, or -errno. */
export function requestFeature(task: Task, feature: number): number {
  const { dynamicFeatures, dynamicFpuSize } = task.kernel.platform.features;
  if (feature > LAST_FEATURE) return -EINVAL;
  if (((1 << feature) & dynamicFeatures) === 0) return -EOPNOTSUPP;
  if (task.image.dynamicFeatures) return 0;
  const least = leastSignalStack(dynamicFpuSize);
  for (const { alternateStack } of task.group.threads) {
    if (alternateStack.size !== 0 && alternateStack.size < least) return -ENOSPC;
  }
  const error = task.kernel.platform.permitDynamicFeatures(task.memory.space);
  if (error < 0) return error;
  task.image.dynamicFeatures = true;
  return 0;
}

/** Bytes that sigaltstack(2) asks for. */
export function leastAlternateStack(task: Task): number {
  if (!task.image.dynamicFeatures) return MINSIGSTKSZ;
  return leastSignalStack(task.kernel.platform.features.dynamicFpuSize);
}

/** Children have the features, and not what is in them. `bytes`: an XSAVE area. */
export function dropDynamicState(bytes: Uint8Array, dynamicFeatures: number): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  view.setUint32(XSTATE_BV, view.getUint32(XSTATE_BV, true) & ~dynamicFeatures, true);
}
