// io_submit(2) and the rest of kernel AIO.
import { i16, i32, i64, struct, u16, u32, u64 } from './layout.js';

export const IOCB_CMD_PREAD = 0;
export const IOCB_CMD_PWRITE = 1;
export const IOCB_CMD_FSYNC = 2;
export const IOCB_CMD_FDSYNC = 3;
export const IOCB_CMD_POLL = 5;
export const IOCB_CMD_NOOP = 6;
export const IOCB_CMD_PREADV = 7;
export const IOCB_CMD_PWRITEV = 8;
export const IOCB_FLAG_RESFD = 1 << 0;
export const IOCB_FLAG_IOPRIO = 1 << 1;

// struct iocb
export const IOCB_SIZE = 64;
export const IOCB_AIO_DATA = 0;
export const IOCB_AIO_KEY = 8;
export const IOCB_AIO_RW_FLAGS = 12;
export const IOCB_AIO_LIO_OPCODE = 16;
export const IOCB_AIO_REQPRIO = 18;
export const IOCB_AIO_FILDES = 20;
export const IOCB_AIO_BUF = 24;
export const IOCB_AIO_NBYTES = 32;
export const IOCB_AIO_OFFSET = 40;
export const IOCB_AIO_RESERVED2 = 48;
export const IOCB_AIO_FLAGS = 56;
export const IOCB_AIO_RESFD = 60;
export const IOCB_LAYOUT = /* @__PURE__ */ struct('struct iocb', IOCB_SIZE, {
  aio_data: u64(IOCB_AIO_DATA),
  aio_key: u32(IOCB_AIO_KEY),
  aio_rw_flags: i32(IOCB_AIO_RW_FLAGS),
  aio_lio_opcode: u16(IOCB_AIO_LIO_OPCODE),
  aio_reqprio: i16(IOCB_AIO_REQPRIO),
  aio_fildes: u32(IOCB_AIO_FILDES),
  aio_buf: u64(IOCB_AIO_BUF),
  aio_nbytes: u64(IOCB_AIO_NBYTES),
  aio_offset: i64(IOCB_AIO_OFFSET),
  aio_reserved2: u64(IOCB_AIO_RESERVED2),
  aio_flags: u32(IOCB_AIO_FLAGS),
  aio_resfd: u32(IOCB_AIO_RESFD),
});

// struct io_event
export const IO_EVENT_SIZE = 32;
export const IO_EVENT_DATA = 0;
export const IO_EVENT_OBJ = 8;
export const IO_EVENT_LAYOUT = /* @__PURE__ */ struct('struct io_event', IO_EVENT_SIZE, {
  data: u64(IO_EVENT_DATA),
  obj: u64(IO_EVENT_OBJ),
});
