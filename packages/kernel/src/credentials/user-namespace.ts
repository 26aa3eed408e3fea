// User namespaces (user_namespaces(7)). Only the initial one exists for now; the object is there so that each check names
// the namespace it is made in.

export class UserNamespace {
  readonly parent: UserNamespace | null;
  readonly ownerUid: number;
  readonly ownerGid: number;

  constructor(parent: UserNamespace | null, ownerUid: number, ownerGid: number) {
    this.parent = parent;
    this.ownerUid = ownerUid;
    this.ownerGid = ownerGid;
  }

  /** True when this namespace is `other` or inside it. */
  isWithin(other: UserNamespace): boolean {
    let at: UserNamespace | null = this;
    while (at !== null && at !== other) at = at.parent;
    return at !== null;
  }
}
