// Filesystems that users write: a CommonJS module, loaded at boot before any program runs, with the kernel's own vfs in its hands.
import { createRequire } from 'node:module';
import * as kit from '@sandbox-kernel/vfs';
import { RequestError } from '../control/server.js';

/** Calls the module's `createFilesystem(vfs, kit)`. `path` is absolute. */
export function loadFilesystem(vfs: kit.Vfs, path: string): kit.Superblock {
  const made = callModule(vfs, path);
  if (made instanceof kit.Superblock && made.root !== null) return made;
  throw moduleError(path, 'createFilesystem() gave no Superblock with a root');
}

function callModule(vfs: kit.Vfs, path: string): unknown {
  try {
    const { createFilesystem } = createRequire(path)(path) as {
      createFilesystem?: (vfs: kit.Vfs, names: typeof kit) => unknown;
    };
    if (createFilesystem !== undefined) return createFilesystem(vfs, kit);
  } catch (error) {
    throw moduleError(path, error instanceof Error ? error.message : String(error));
  }
  throw moduleError(path, 'it exports no createFilesystem');
}

function moduleError(path: string, reason: string): RequestError {
  return new RequestError({
    code: 'ERR_SANDBOX_MOUNT',
    message: `can't make a filesystem from '${path}': ${reason}`,
    hint: 'the module must be CommonJS and export createFilesystem(vfs, kit)',
    path,
  });
}
