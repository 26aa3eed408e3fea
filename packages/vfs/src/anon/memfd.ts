// memfd_create(2): a tmpfs file without a name, sealable.
import { ENOMEM, F_SEAL_SEAL, MFD_ALLOW_SEALING, O_LARGEFILE, O_RDWR, S_IFREG } from '@sandbox-kernel/abi';
import { FMODE_READ, FMODE_SEEK, FMODE_WRITE, FMODE_WRITER } from '../constants.js';
import { Dentry } from '../dentry.js';
import { countWriter, FileDescription } from '../file-description.js';
import type { FileCaller } from '../fs-context.js';
import { TMPFS_FILE_OPS } from '../tmpfs/tmpfs-file-ops.js';
import { newTmpfsInode, nodeOf } from '../tmpfs/tmpfs-ops.js';

/** MFD_NOEXEC_SEAL of Linux 6.3. */
const MFD_NOEXEC_SEAL = 8;
const F_SEAL_EXEC = 0x20;

/** `name` is what /proc shows; `flags`: MFD_*. */
export function createMemfd(caller: FileCaller, name: string, flags: number): FileDescription | number {
  const home = caller.fs.vfs.memory;
  const noExec = (flags & MFD_NOEXEC_SEAL) !== 0;
  const mode = S_IFREG | (noExec ? 0o666 : 0o777);
  const inode = newTmpfsInode(home, mode, caller.credentials.fsuid, caller.credentials.fsgid);
  if (inode === null) return -ENOMEM;
  inode.links = 0;
  const node = nodeOf(inode);
  const data = node.file!;
  data.name = `/memfd:${name} (deleted)`;
  data.seals = (flags & MFD_ALLOW_SEALING) !== 0 || noExec ? (noExec ? F_SEAL_EXEC : 0) : F_SEAL_SEAL;
  const file = new FileDescription(
    TMPFS_FILE_OPS,
    O_RDWR | O_LARGEFILE,
    FMODE_READ | FMODE_WRITE | FMODE_SEEK | FMODE_WRITER,
  );
  file.attach(inode);
  file.dentry = new Dentry(home, null, `memfd:${name}`, inode);
  file.dentry.retain();
  file.credentials = caller.credentials;
  file.data = data;
  countWriter(file, 1);
  return file;
}
