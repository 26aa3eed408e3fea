// What is counted per real user id, across processes (Linux: user_struct): RLIMIT_NPROC and RLIMIT_SIGPENDING look here.

export class UserAccount {
  readonly uid: number;
  processes: number;
  pendingSignals: number;
  /** Bytes in POSIX message queues (RLIMIT_MSGQUEUE). */
  queueBytes: number;

  constructor(uid: number) {
    this.uid = uid;
    this.processes = 0;
    this.pendingSignals = 0;
    this.queueBytes = 0;
  }
}

export class UserAccounts {
  private readonly byUid: Map<number, UserAccount>;

  constructor() {
    this.byUid = new Map();
  }

  get(uid: number): UserAccount {
    let account = this.byUid.get(uid);
    if (account === undefined) {
      account = new UserAccount(uid);
      this.byUid.set(uid, account);
    }
    return account;
  }
}
