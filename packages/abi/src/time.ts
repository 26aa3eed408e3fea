// Clocks and timers (clock_gettime(2), timer_create(2), setitimer(2), adjtimex(2)).
import { i32, i64, struct, u32 } from './layout.js';

// clocks
export const CLOCK_REALTIME = 0;
export const CLOCK_MONOTONIC = 1;
export const CLOCK_PROCESS_CPUTIME_ID = 2;
export const CLOCK_THREAD_CPUTIME_ID = 3;
export const CLOCK_MONOTONIC_RAW = 4;
export const CLOCK_REALTIME_COARSE = 5;
export const CLOCK_MONOTONIC_COARSE = 6;
export const CLOCK_BOOTTIME = 7;
export const CLOCK_REALTIME_ALARM = 8;
export const CLOCK_BOOTTIME_ALARM = 9;
export const CLOCK_SGI_CYCLE = 10;
export const CLOCK_TAI = 11;

// timer_settime, clock_nanosleep
export const TIMER_ABSTIME = 0x01;

// interval timers
export const ITIMER_REAL = 0;
export const ITIMER_VIRTUAL = 1;
export const ITIMER_PROF = 2;

// adjtimex: modes
export const ADJ_OFFSET = 0x0001;
export const ADJ_FREQUENCY = 0x0002;
export const ADJ_MAXERROR = 0x0004;
export const ADJ_ESTERROR = 0x0008;
export const ADJ_STATUS = 0x0010;
export const ADJ_TIMECONST = 0x0020;
export const ADJ_TAI = 0x0080;
export const ADJ_SETOFFSET = 0x0100;
export const ADJ_MICRO = 0x1000;
export const ADJ_NANO = 0x2000;
export const ADJ_TICK = 0x4000;
export const ADJ_OFFSET_SINGLESHOT = 0x8001;
export const ADJ_OFFSET_SS_READ = 0xa001;

// adjtimex: status
export const STA_PLL = 0x0001;
export const STA_PPSFREQ = 0x0002;
export const STA_PPSTIME = 0x0004;
export const STA_FLL = 0x0008;
export const STA_INS = 0x0010;
export const STA_DEL = 0x0020;
export const STA_UNSYNC = 0x0040;
export const STA_FREQHOLD = 0x0080;
export const STA_PPSSIGNAL = 0x0100;
export const STA_PPSJITTER = 0x0200;
export const STA_PPSWANDER = 0x0400;
export const STA_PPSERROR = 0x0800;
export const STA_CLOCKERR = 0x1000;
export const STA_NANO = 0x2000;
export const STA_MODE = 0x4000;
export const STA_CLK = 0x8000;
export const STA_RONLY =
  STA_PPSSIGNAL | STA_PPSJITTER | STA_PPSWANDER | STA_PPSERROR | STA_CLOCKERR | STA_NANO | STA_MODE | STA_CLK;

// adjtimex: clock state
export const NTP_API = 4;
export const TIME_OK = 0;
export const TIME_INS = 1;
export const TIME_DEL = 2;
export const TIME_OOP = 3;
export const TIME_WAIT = 4;
export const TIME_ERROR = 5;
export const TIME_BAD = TIME_ERROR;

// struct __kernel_timespec
export const TIMESPEC_SIZE = 16;
export const TIMESPEC_TV_SEC = 0;
export const TIMESPEC_TV_NSEC = 8;
export const TIMESPEC_LAYOUT = /* @__PURE__ */ struct('struct __kernel_timespec', TIMESPEC_SIZE, {
  tv_sec: i64(TIMESPEC_TV_SEC),
  tv_nsec: i64(TIMESPEC_TV_NSEC),
});

// struct __kernel_old_timeval
export const TIMEVAL_SIZE = 16;
export const TIMEVAL_TV_SEC = 0;
export const TIMEVAL_TV_USEC = 8;
export const TIMEVAL_LAYOUT = /* @__PURE__ */ struct('struct __kernel_old_timeval', TIMEVAL_SIZE, {
  tv_sec: i64(TIMEVAL_TV_SEC),
  tv_usec: i64(TIMEVAL_TV_USEC),
});

// struct __kernel_itimerspec
export const ITIMERSPEC_SIZE = 32;
export const ITIMERSPEC_IT_INTERVAL_TV_SEC = 0;
export const ITIMERSPEC_IT_INTERVAL_TV_NSEC = 8;
export const ITIMERSPEC_IT_VALUE_TV_SEC = 16;
export const ITIMERSPEC_IT_VALUE_TV_NSEC = 24;
export const ITIMERSPEC_LAYOUT = /* @__PURE__ */ struct('struct __kernel_itimerspec', ITIMERSPEC_SIZE, {
  'it_interval.tv_sec': i64(ITIMERSPEC_IT_INTERVAL_TV_SEC),
  'it_interval.tv_nsec': i64(ITIMERSPEC_IT_INTERVAL_TV_NSEC),
  'it_value.tv_sec': i64(ITIMERSPEC_IT_VALUE_TV_SEC),
  'it_value.tv_nsec': i64(ITIMERSPEC_IT_VALUE_TV_NSEC),
});

// struct itimerval
export const ITIMERVAL_SIZE = 32;
export const ITIMERVAL_IT_INTERVAL_TV_SEC = 0;
export const ITIMERVAL_IT_INTERVAL_TV_USEC = 8;
export const ITIMERVAL_IT_VALUE_TV_SEC = 16;
export const ITIMERVAL_IT_VALUE_TV_USEC = 24;
export const ITIMERVAL_LAYOUT = /* @__PURE__ */ struct('struct itimerval', ITIMERVAL_SIZE, {
  'it_interval.tv_sec': i64(ITIMERVAL_IT_INTERVAL_TV_SEC),
  'it_interval.tv_usec': i64(ITIMERVAL_IT_INTERVAL_TV_USEC),
  'it_value.tv_sec': i64(ITIMERVAL_IT_VALUE_TV_SEC),
  'it_value.tv_usec': i64(ITIMERVAL_IT_VALUE_TV_USEC),
});

// struct timezone
export const TIMEZONE_SIZE = 8;
export const TIMEZONE_TZ_MINUTESWEST = 0;
export const TIMEZONE_TZ_DSTTIME = 4;
export const TIMEZONE_LAYOUT = /* @__PURE__ */ struct('struct timezone', TIMEZONE_SIZE, {
  tz_minuteswest: i32(TIMEZONE_TZ_MINUTESWEST),
  tz_dsttime: i32(TIMEZONE_TZ_DSTTIME),
});

// struct __kernel_timex
export const TIMEX_SIZE = 208;
export const TIMEX_MODES = 0;
export const TIMEX_OFFSET = 8;
export const TIMEX_FREQ = 16;
export const TIMEX_MAXERROR = 24;
export const TIMEX_ESTERROR = 32;
export const TIMEX_STATUS = 40;
export const TIMEX_CONSTANT = 48;
export const TIMEX_PRECISION = 56;
export const TIMEX_TOLERANCE = 64;
export const TIMEX_TIME_TV_SEC = 72;
export const TIMEX_TIME_TV_USEC = 80;
export const TIMEX_TICK = 88;
export const TIMEX_PPSFREQ = 96;
export const TIMEX_JITTER = 104;
export const TIMEX_SHIFT = 112;
export const TIMEX_STABIL = 120;
export const TIMEX_JITCNT = 128;
export const TIMEX_CALCNT = 136;
export const TIMEX_ERRCNT = 144;
export const TIMEX_STBCNT = 152;
export const TIMEX_TAI = 160;
export const TIMEX_LAYOUT = /* @__PURE__ */ struct('struct __kernel_timex', TIMEX_SIZE, {
  modes: u32(TIMEX_MODES),
  offset: i64(TIMEX_OFFSET),
  freq: i64(TIMEX_FREQ),
  maxerror: i64(TIMEX_MAXERROR),
  esterror: i64(TIMEX_ESTERROR),
  status: i32(TIMEX_STATUS),
  constant: i64(TIMEX_CONSTANT),
  precision: i64(TIMEX_PRECISION),
  tolerance: i64(TIMEX_TOLERANCE),
  'time.tv_sec': i64(TIMEX_TIME_TV_SEC),
  'time.tv_usec': i64(TIMEX_TIME_TV_USEC),
  tick: i64(TIMEX_TICK),
  ppsfreq: i64(TIMEX_PPSFREQ),
  jitter: i64(TIMEX_JITTER),
  shift: i32(TIMEX_SHIFT),
  stabil: i64(TIMEX_STABIL),
  jitcnt: i64(TIMEX_JITCNT),
  calcnt: i64(TIMEX_CALCNT),
  errcnt: i64(TIMEX_ERRCNT),
  stbcnt: i64(TIMEX_STBCNT),
  tai: i32(TIMEX_TAI),
});

// struct tms
export const TMS_SIZE = 32;
export const TMS_TMS_UTIME = 0;
export const TMS_TMS_STIME = 8;
export const TMS_TMS_CUTIME = 16;
export const TMS_TMS_CSTIME = 24;
export const TMS_LAYOUT = /* @__PURE__ */ struct('struct tms', TMS_SIZE, {
  tms_utime: i64(TMS_TMS_UTIME),
  tms_stime: i64(TMS_TMS_STIME),
  tms_cutime: i64(TMS_TMS_CUTIME),
  tms_cstime: i64(TMS_TMS_CSTIME),
});

// struct utimbuf
export const UTIMBUF_SIZE = 16;
export const UTIMBUF_ACTIME = 0;
export const UTIMBUF_MODTIME = 8;
export const UTIMBUF_LAYOUT = /* @__PURE__ */ struct('struct utimbuf', UTIMBUF_SIZE, {
  actime: i64(UTIMBUF_ACTIME),
  modtime: i64(UTIMBUF_MODTIME),
});
