// Process groups and sessions (setpgid(2), setsid(2), credentials(7)): who gets a terminal's signals together.
import type { ThreadGroup } from './thread-group.js';

/** What a session needs of its controlling terminal; the tty layer implements it. */
export interface ControllingTerminal {
  /** The session's leader died or gave the terminal up: SIGHUP to the foreground, readers see an end. */
  sessionEnded(session: Session): void;
}

export class Session {
  readonly sid: number;
  /** Process groups in it. */
  readonly groups: Set<ProcessGroup>;
  leader: ThreadGroup | null;
  terminal: ControllingTerminal | null;

  constructor(sid: number, leader: ThreadGroup | null) {
    this.sid = sid;
    this.groups = new Set();
    this.leader = leader;
    this.terminal = null;
  }
}

export class ProcessGroup {
  readonly pgid: number;
  readonly session: Session;
  readonly members: Set<ThreadGroup>;

  constructor(pgid: number, session: Session) {
    this.pgid = pgid;
    this.session = session;
    this.members = new Set();
    session.groups.add(this);
  }
}

/** True when no member has a parent in another group of the same session: nobody could continue a stopped job. */
export function isOrphaned(group: ProcessGroup, without: ThreadGroup | null): boolean {
  for (const member of group.members) {
    if (member === without || member.exited) continue;
    const parent = member.parent;
    if (parent === null) continue;
    if (parent.processGroup !== group && parent.processGroup.session === group.session) return false;
  }
  return true;
}

/** True when a member of the group is stopped. */
export function hasStopped(group: ProcessGroup): boolean {
  for (const member of group.members) if (member.stop.stopped) return true;
  return false;
}
