// capset(2) and the prctl(2) operations on capability sets and securebits, with the rules of capabilities(7).
import {
  CAP_LAST_CAP,
  CAP_SETPCAP,
  EINVAL,
  EPERM,
  SECBIT_KEEP_CAPS,
  SECBIT_KEEP_CAPS_LOCKED,
  SECBIT_NO_CAP_AMBIENT_RAISE,
} from '@sandbox-kernel/abi';
import type { Task } from '../task.js';
import { ALL_CAPABILITIES, CapabilitySet, NO_CAPABILITIES } from './capability-set.js';
import { commitCredentials } from './set-ids.js';

const SECURE_ALL_BITS = 0x55;
const SECURE_ALL_LOCKS = SECURE_ALL_BITS << 1;

/** capset(2) on the caller. */
export function setCapabilities(
  task: Task,
  effective: CapabilitySet,
  permitted: CapabilitySet,
  inheritable: CapabilitySet,
): number {
  const old = task.credentials;
  const wantedPermitted = permitted.and(ALL_CAPABILITIES);
  const wantedEffective = effective.and(ALL_CAPABILITIES);
  const wantedInheritable = inheritable.and(ALL_CAPABILITIES);
  const mayInherit = old.hasCapability(CAP_SETPCAP);
  if (!mayInherit && !wantedInheritable.isSubsetOf(old.inheritable.or(old.permitted))) return -EPERM;
  if (!wantedInheritable.isSubsetOf(old.inheritable.or(old.bounding))) return -EPERM;
  if (!wantedPermitted.isSubsetOf(old.permitted)) return -EPERM;
  if (!wantedEffective.isSubsetOf(wantedPermitted)) return -EPERM;
  const next = old.edit();
  next.effective = wantedEffective;
  next.permitted = wantedPermitted;
  next.inheritable = wantedInheritable;
  next.ambient = old.ambient.and(wantedPermitted.and(wantedInheritable));
  commitCredentials(task, next);
  return 0;
}

export function readBounding(task: Task, capability: number): number {
  if (capability < 0 || capability > CAP_LAST_CAP) return -EINVAL;
  return task.credentials.bounding.has(capability) ? 1 : 0;
}

export function dropBounding(task: Task, capability: number): number {
  if (!task.credentials.hasCapability(CAP_SETPCAP)) return -EPERM;
  if (capability < 0 || capability > CAP_LAST_CAP) return -EINVAL;
  const next = task.credentials.edit();
  next.bounding = next.bounding.dropping(capability);
  commitCredentials(task, next);
  return 0;
}

/** PR_CAP_AMBIENT: 1 is set, 2 raise, 3 lower, 4 clear all. */
export function changeAmbient(task: Task, operation: number, capability: number): number {
  const old = task.credentials;
  if (operation === 4) {
    if (capability !== 0) return -EINVAL;
    const next = old.edit();
    next.ambient = NO_CAPABILITIES;
    commitCredentials(task, next);
    return 0;
  }
  if (capability < 0 || capability > CAP_LAST_CAP) return -EINVAL;
  if (operation === 1) return old.ambient.has(capability) ? 1 : 0;
  if (operation !== 2 && operation !== 3) return -EINVAL;
  if (operation === 2) {
    const both = old.permitted.has(capability) && old.inheritable.has(capability);
    if (!both || (old.securebits & SECBIT_NO_CAP_AMBIENT_RAISE) !== 0) return -EPERM;
  }
  const next = old.edit();
  next.ambient = operation === 2 ? old.ambient.with(capability) : old.ambient.dropping(capability);
  commitCredentials(task, next);
  return 0;
}

export function setSecurebits(task: Task, bits: number): number {
  const old = task.credentials;
  const locked = (old.securebits & SECURE_ALL_LOCKS) >>> 1;
  const touchesLocked = (locked & (old.securebits ^ bits)) !== 0;
  const unlocks = (old.securebits & SECURE_ALL_LOCKS & ~bits) !== 0;
  const unknown = bits > 2 ** 31 || (bits & ~(SECURE_ALL_LOCKS | SECURE_ALL_BITS)) !== 0;
  if (touchesLocked || unlocks || unknown || !old.hasCapability(CAP_SETPCAP)) return -EPERM;
  const next = old.edit();
  next.securebits = bits;
  commitCredentials(task, next);
  return 0;
}

/** PR_SET_KEEPCAPS. */
export function setKeepCapabilities(task: Task, on: number): number {
  if (on !== 0 && on !== 1) return -EINVAL;
  const old = task.credentials;
  if ((old.securebits & SECBIT_KEEP_CAPS_LOCKED) !== 0) return -EPERM;
  const next = old.edit();
  next.securebits = on === 1 ? old.securebits | SECBIT_KEEP_CAPS : old.securebits & ~SECBIT_KEEP_CAPS;
  commitCredentials(task, next);
  return 0;
}

/** From the words of capset's data. */
export function capabilitiesFrom(lo: number, hi: number): CapabilitySet {
  return new CapabilitySet(lo, hi);
}
