// Who a task is (credentials(7), capabilities(7)). Never changed once a task or an open file holds it: a change makes a copy
// with `edit()`, alters it, and installs it.
import type { CallerCredentials } from '@sandbox-kernel/contracts';
import { ALL_CAPABILITIES, type CapabilitySet, NO_CAPABILITIES } from './capability-set.js';
import type { UserAccount } from './user-account.js';
import type { UserNamespace } from './user-namespace.js';

export class Credentials implements CallerCredentials {
  uid: number;
  gid: number;
  euid: number;
  egid: number;
  suid: number;
  sgid: number;
  fsuid: number;
  fsgid: number;
  /** Supplementary groups, in the order given. */
  groups: readonly number[];
  inheritable: CapabilitySet;
  permitted: CapabilitySet;
  effective: CapabilitySet;
  bounding: CapabilitySet;
  ambient: CapabilitySet;
  securebits: number;
  noNewPrivileges: boolean;
  user: UserAccount;
  userNamespace: UserNamespace;

  constructor(
    uid: number,
    gid: number,
    groups: readonly number[],
    user: UserAccount,
    namespace: UserNamespace,
  ) {
    const capabilities = uid === 0 ? ALL_CAPABILITIES : NO_CAPABILITIES;
    this.uid = uid;
    this.gid = gid;
    this.euid = uid;
    this.egid = gid;
    this.suid = uid;
    this.sgid = gid;
    this.fsuid = uid;
    this.fsgid = gid;
    this.groups = groups;
    this.inheritable = NO_CAPABILITIES;
    this.permitted = capabilities;
    this.effective = capabilities;
    this.bounding = ALL_CAPABILITIES;
    this.ambient = NO_CAPABILITIES;
    this.securebits = 0;
    this.noNewPrivileges = false;
    this.user = user;
    this.userNamespace = namespace;
  }

  /** A copy to change. */
  edit(): Credentials {
    const copy = new Credentials(this.uid, this.gid, this.groups, this.user, this.userNamespace);
    copy.euid = this.euid;
    copy.egid = this.egid;
    copy.suid = this.suid;
    copy.sgid = this.sgid;
    copy.fsuid = this.fsuid;
    copy.fsgid = this.fsgid;
    copy.inheritable = this.inheritable;
    copy.permitted = this.permitted;
    copy.effective = this.effective;
    copy.bounding = this.bounding;
    copy.ambient = this.ambient;
    copy.securebits = this.securebits;
    copy.noNewPrivileges = this.noNewPrivileges;
    return copy;
  }

  hasCapability(capability: number): boolean {
    return this.effective.has(capability);
  }

  /** CAP_* over things that belong to `namespace`. */
  capableIn(namespace: UserNamespace, capability: number): boolean {
    return this.userNamespace === namespace || namespace.isWithin(this.userNamespace)
      ? this.effective.has(capability)
      : false;
  }

  /** In its effective group or supplementary groups. */
  inGroup(gid: number): boolean {
    return gid === this.fsgid || this.groups.includes(gid);
  }

  inEffectiveGroup(gid: number): boolean {
    return gid === this.egid || this.groups.includes(gid);
  }
}
