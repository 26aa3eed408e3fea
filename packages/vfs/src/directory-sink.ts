// Receives directory entries: getdents64(2) writes them to a program, the facade collects them, overlay merges them.

export interface DirectorySink {
  /**
   * One entry. `cookie` is the position after it: reading again from there gives the next one, whatever was created or removed
   * meanwhile. `type` is S_IF* >> 12 (DT_*). False: no room, the entry was not taken.
   */
  add(name: string, inode: number, type: number, cookie: number): boolean;
}
