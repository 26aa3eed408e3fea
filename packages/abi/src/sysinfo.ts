// sysinfo(2).
import { array, i64, struct, u16, u32, u64 } from './layout.js';

// struct sysinfo
export const SYSINFO_SIZE = 112;
export const SYSINFO_UPTIME = 0;
export const SYSINFO_LOADS = 8;
export const SYSINFO_TOTALRAM = 32;
export const SYSINFO_FREERAM = 40;
export const SYSINFO_SHAREDRAM = 48;
export const SYSINFO_BUFFERRAM = 56;
export const SYSINFO_TOTALSWAP = 64;
export const SYSINFO_FREESWAP = 72;
export const SYSINFO_PROCS = 80;
export const SYSINFO_TOTALHIGH = 88;
export const SYSINFO_FREEHIGH = 96;
export const SYSINFO_MEM_UNIT = 104;
export const SYSINFO_LAYOUT = /* @__PURE__ */ struct('struct sysinfo', SYSINFO_SIZE, {
  uptime: i64(SYSINFO_UPTIME),
  loads: array('u64', SYSINFO_LOADS, 3),
  totalram: u64(SYSINFO_TOTALRAM),
  freeram: u64(SYSINFO_FREERAM),
  sharedram: u64(SYSINFO_SHAREDRAM),
  bufferram: u64(SYSINFO_BUFFERRAM),
  totalswap: u64(SYSINFO_TOTALSWAP),
  freeswap: u64(SYSINFO_FREESWAP),
  procs: u16(SYSINFO_PROCS),
  totalhigh: u64(SYSINFO_TOTALHIGH),
  freehigh: u64(SYSINFO_FREEHIGH),
  mem_unit: u32(SYSINFO_MEM_UNIT),
});
