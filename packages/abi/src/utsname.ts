// uname(2).
import { bytes, struct } from './layout.js';

// struct new_utsname
export const UTSNAME_SIZE = 390;
export const UTSNAME_SYSNAME = 0;
export const UTSNAME_NODENAME = 65;
export const UTSNAME_RELEASE = 130;
export const UTSNAME_VERSION = 195;
export const UTSNAME_MACHINE = 260;
export const UTSNAME_DOMAINNAME = 325;
export const UTSNAME_LAYOUT = /* @__PURE__ */ struct('struct new_utsname', UTSNAME_SIZE, {
  sysname: bytes(UTSNAME_SYSNAME, 65),
  nodename: bytes(UTSNAME_NODENAME, 65),
  release: bytes(UTSNAME_RELEASE, 65),
  version: bytes(UTSNAME_VERSION, 65),
  machine: bytes(UTSNAME_MACHINE, 65),
  domainname: bytes(UTSNAME_DOMAINNAME, 65),
});
