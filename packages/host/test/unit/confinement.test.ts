import { spawnSync } from 'node:child_process';
import { EINVAL, ENOENT } from '@sandbox-kernel/abi';
import { openHost } from '@sandbox-kernel/host';
import { expect, it } from 'vitest';

const host = openHost();

/** Confinement can't be taken back, so each try is a process of its own. */
function inChild(script: string): string {
  const binding = new URL('../../binding.cjs', import.meta.url).pathname;
  const prologue = `const n=require(${JSON.stringify(binding)});const a=new Float64Array(n.page,0,64);
    const b=new Uint8Array(n.page);const v=new DataView(n.page);
    const call=(nr,p,...x)=>{a[0]=nr;for(let i=0;i<6;i++)a[1+i]=x[i]??0;a[7]=p;return n.call()};`;
  const result = spawnSync(process.execPath, ['-e', prologue + script], { encoding: 'utf8' });
  return result.stdout + (result.signal ?? '');
}

it('knows whether the host has Landlock', () => {
  const version = host.confinement.landlockVersion();
  expect(version === -38 || version === -95 || version >= 1).toBe(true);
});

it('refuses programs that are none', () => {
  expect(host.confinement.seccomp(new Uint8Array(0))).toBe(-EINVAL);
  expect(host.confinement.seccomp(new Uint8Array(7))).toBe(-EINVAL);
});

it('passes errors of mounts on', () => {
  expect(host.confinement.mount('none', '/no/such/place', 'tmpfs', 0, '')).toBeLessThan(0);
  expect(host.confinement.unmount('/no/such/place', 0)).toBeLessThan(0);
  expect(host.confinement.chdir('/no/such/place')).toBe(-ENOENT);
});

it('holds calls back once a filter is in force', () => {
  // load nr; if it is getppid (110) return errno 77; allow
  const script = `call(157,0,38,1);
    const p=[[0x20,0,0,0],[0x15,0,1,110],[0x06,0,0,0x0005004d],[0x06,0,0,0x7fff0000]];
    const D=65536;p.forEach((i,k)=>{v.setUint16(D+16+k*8,i[0],true);b[D+18+k*8]=i[1];b[D+19+k*8]=i[2];v.setUint32(D+20+k*8,i[3],true)});
    v.setUint32(D,4,true);v.setBigUint64(D+8,BigInt(n.pageAddress()+D+16),true);
    const r=call(317,4,1,1,D);console.log(r,call(110,0),call(39,0)===process.pid)`;
  expect(inChild(script)).toBe('0 -77 true\n');
});

it('keeps pointers inside the argument page', () => {
  expect(inChild('console.log(call(1,2,1,524288,1), call(0,2,0,-1,1))')).toBe('-14 -14\n');
  // A length beyond the page runs into the guard page.
  expect(inChild('console.log(call(318,1,524288-16,4096,0))')).toMatch(/^(16|-14)\n$/);
});
