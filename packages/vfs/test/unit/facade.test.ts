import { FileSystem, FileSystemError } from '@sandbox-kernel/vfs';
import { describe, expect, it } from 'vitest';

describe('facade', () => {
  it('behaves as node:fs/promises does', async () => {
    const fs = new FileSystem({ now: () => 1_700_000_000_000 });
    await fs.mkdir('/a/b/c', { recursive: true });
    await fs.writeFile('/a/b/über.txt', 'héllo €𝄞');
    expect(await fs.readdir('/a/b')).toEqual(['c', 'über.txt']);
    expect(await fs.readFile('/a/b/über.txt', 'utf8')).toBe('héllo €𝄞');
    await fs.appendFile('/a/b/über.txt', '!');
    expect((await fs.stat('/a/b/über.txt')).size).toBe(15);
    expect((await fs.stat('/a')).mtimeMs).toBe(1_700_000_000_000);
    await fs.symlink('b/über.txt', '/a/link');
    expect((await fs.lstat('/a/link')).isSymbolicLink()).toBe(true);
    expect(await fs.realpath('/a/link')).toBe('/a/b/über.txt');
    await fs.copyFile('/a/link', '/copy');
    await fs.rename('/copy', '/moved');
    await fs.truncate('/moved', 2);
    expect((await fs.readFile('/moved')).length).toBe(2);
    await fs.rm('/a', { recursive: true });
    expect(await fs.readdir('/')).toEqual(['moved']);
    await fs.rm('/a', { recursive: true, force: true });
  });

  it('lists, copies and stamps as node:fs/promises does', async () => {
    const fs = new FileSystem();
    await fs.mkdir('/a/b', { recursive: true });
    await fs.writeFile('/a/b/f', 'x');
    await fs.symlink('b', '/a/l');
    expect(await fs.readdir('/a', { recursive: true })).toEqual(['b', 'l', 'b/f']);
    const typed = await fs.readdir('/a', { withFileTypes: true });
    expect(typed.map((entry) => [entry.name, entry.isDirectory(), entry.isSymbolicLink()])).toEqual([
      ['b', true, false],
      ['l', false, true],
    ]);
    await fs.cp('/a', '/copy', { recursive: true });
    expect(await fs.readFile('/copy/l/f', 'utf8')).toBe('x');
    await expect(fs.cp('/a', '/flat')).rejects.toMatchObject({ code: 'EISDIR' });
    await fs.lutimes('/copy/l', 5, new Date(7000));
    expect((await fs.lstat('/copy/l')).mtime).toEqual(new Date(7000));
    const made = [await fs.mkdtemp('/t-'), await fs.mkdtemp('/t-')];
    expect(new Set(made).size).toBe(2);
    expect((await fs.stat(made[0] as string)).mode & 0o777).toBe(0o700);
    expect((await fs.statfs('/')).bsize).toBe(4096);
    const names = [];
    for await (const { name } of fs.opendir('/copy')) names.push(name);
    expect(names).toEqual(['b', 'l']);
  });

  it('works on open files as FileHandle does', async () => {
    const fs = new FileSystem();
    const file = await fs.open('/f', 'w+');
    await file.writeFile('héllo');
    await file.appendFile(new Uint8Array([33]));
    await file.chmod(0o600);
    await file.chown(3, 4);
    await file.utimes(1, 2.5);
    await file.datasync();
    expect(await file.stat()).toMatchObject({ mode: 0o100600, uid: 3, gid: 4, mtimeMs: 2500, size: 7 });
    expect((await file.readFile()).length).toBe(0);
    await file[Symbol.asyncDispose]();
    const again = await fs.open('/f');
    expect(new TextDecoder().decode(await again.readFile())).toBe('héllo!');
    await again.close();
  });

  it('throws errors with codes', async () => {
    const fs = new FileSystem();
    const error = await fs.readFile('/nothing').catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(FileSystemError);
    expect(error).toMatchObject({ code: 'ENOENT', errno: -2, syscall: 'open', path: '/nothing' });
    await fs.mkdir('/d');
    await fs.writeFile('/d/f', new Uint8Array(100_000));
    await expect(fs.rmdir('/d')).rejects.toMatchObject({ code: 'ENOTEMPTY' });
    await expect(fs.unlink('/d')).rejects.toMatchObject({ code: 'EISDIR' });
    expect((await fs.readFile('/d/f')).length).toBe(100_000);
  });

  it('reads and writes at positions through handles', async () => {
    const fs = new FileSystem();
    const handle = await fs.open('/f', 'w+');
    await handle.write(Uint8Array.of(1, 2, 3));
    await handle.write(Uint8Array.of(9), 0, 1, 1);
    const into = new Uint8Array(5);
    expect((await handle.read(into, 0, 5, 0)).bytesRead).toBe(3);
    expect([...into]).toEqual([1, 9, 3, 0, 0]);
    expect((await handle.stat()).size).toBe(3);
    await handle.close();
    await handle.close();
  });
});
