// setfacl, getfacl, setfattr, getfattr and cp keep lists and attributes as on the host's own filesystem.
import { expect } from 'vitest';
import { describeDifference, platforms, runNative, runSandboxed } from '../support/native.js';
import { itWith } from '../support/tools.js';

const SCRIPT = `
d=$(mktemp -d) && cd $d && echo x >f
setfacl -m u:1000:rw,g:2000:r f && getfacl -n f && ls -l f | cut -c1-11
mkdir d && setfacl -d -m u:5:rwx d && getfacl -n d && touch d/x && getfacl -cn d/x
cp -a f g && getfacl -cn g
chmod 600 f && getfacl -cn f
setfacl -b f && getfacl -cn f
setfattr -n user.colour -v blue f && getfattr -d f && cp -a f h && getfattr -n user.colour h
cd / && rm -r $d
`;

itWith('setfacl', 'setfattr')('setfacl and setfattr', async ({ skip }) => {
  const native = await runNative('/bin/sh', ['-c', SCRIPT], 'self');
  skip(
    native.stderr.includes('Operation not supported'),
    'the host keeps no access control lists under /tmp',
  );
  for (const platform of platforms()) {
    const sandboxed = await runSandboxed('/bin/sh', ['-c', SCRIPT], 'self', platform);
    expect(describeDifference(native, sandboxed)).toBe('');
  }
});
