// termios(3) as the kernel has it (struct termios with 19 control characters): flags, characters, speeds.
import { bytes, struct, u8, u16, u32 } from './layout.js';

// control characters (indexes of c_cc)
export const NCCS = 19;
export const VINTR = 0;
export const VQUIT = 1;
export const VERASE = 2;
export const VKILL = 3;
export const VEOF = 4;
export const VTIME = 5;
export const VMIN = 6;
export const VSWTC = 7;
export const VSTART = 8;
export const VSTOP = 9;
export const VSUSP = 10;
export const VEOL = 11;
export const VREPRINT = 12;
export const VDISCARD = 13;
export const VWERASE = 14;
export const VLNEXT = 15;
export const VEOL2 = 16;

// c_iflag
export const IGNBRK = 0x001;
export const BRKINT = 0x002;
export const IGNPAR = 0x004;
export const PARMRK = 0x008;
export const INPCK = 0x010;
export const ISTRIP = 0x020;
export const INLCR = 0x040;
export const IGNCR = 0x080;
export const ICRNL = 0x100;
export const IXANY = 0x800;
export const IUCLC = 0x0200;
export const IXON = 0x0400;
export const IXOFF = 0x1000;
export const IMAXBEL = 0x2000;
export const IUTF8 = 0x4000;

// c_oflag
export const OPOST = 0x01;
export const OCRNL = 0x08;
export const ONOCR = 0x10;
export const ONLRET = 0x20;
export const OFILL = 0x40;
export const OFDEL = 0x80;
export const OLCUC = 0x00002;
export const ONLCR = 0x00004;
export const NLDLY = 0x00100;
export const NL0 = 0x00000;
export const NL1 = 0x00100;
export const CRDLY = 0x00600;
export const CR0 = 0x00000;
export const CR1 = 0x00200;
export const CR2 = 0x00400;
export const CR3 = 0x00600;
export const TABDLY = 0x01800;
export const TAB0 = 0x00000;
export const TAB1 = 0x00800;
export const TAB2 = 0x01000;
export const TAB3 = 0x01800;
export const XTABS = 0x01800;
export const BSDLY = 0x02000;
export const BS0 = 0x00000;
export const BS1 = 0x02000;
export const VTDLY = 0x04000;
export const VT0 = 0x00000;
export const VT1 = 0x04000;
export const FFDLY = 0x08000;
export const FF0 = 0x00000;
export const FF1 = 0x08000;

// c_cflag: speeds
export const B0 = 0x00000000;
export const B50 = 0x00000001;
export const B75 = 0x00000002;
export const B110 = 0x00000003;
export const B134 = 0x00000004;
export const B150 = 0x00000005;
export const B200 = 0x00000006;
export const B300 = 0x00000007;
export const B600 = 0x00000008;
export const B1200 = 0x00000009;
export const B1800 = 0x0000000a;
export const B2400 = 0x0000000b;
export const B4800 = 0x0000000c;
export const B9600 = 0x0000000d;
export const B19200 = 0x0000000e;
export const B38400 = 0x0000000f;
export const EXTA = B19200;
export const EXTB = B38400;
export const IBSHIFT = 16;
export const CBAUD = 0x0000100f;
export const CBAUDEX = 0x00001000;
export const BOTHER = 0x00001000;
export const B57600 = 0x00001001;
export const B115200 = 0x00001002;
export const B230400 = 0x00001003;
export const B460800 = 0x00001004;
export const B500000 = 0x00001005;
export const B576000 = 0x00001006;
export const B921600 = 0x00001007;
export const B1000000 = 0x00001008;
export const B1152000 = 0x00001009;
export const B1500000 = 0x0000100a;
export const B2000000 = 0x0000100b;
export const B2500000 = 0x0000100c;
export const B3000000 = 0x0000100d;
export const B3500000 = 0x0000100e;
export const B4000000 = 0x0000100f;
export const CIBAUD = 0x100f0000;

// c_cflag
export const ADDRB = 0x20000000;
export const CMSPAR = 0x40000000;
export const CRTSCTS = 0x80000000;
export const CSIZE = 0x00000030;
export const CS5 = 0x00000000;
export const CS6 = 0x00000010;
export const CS7 = 0x00000020;
export const CS8 = 0x00000030;
export const CSTOPB = 0x00000040;
export const CREAD = 0x00000080;
export const PARENB = 0x00000100;
export const PARODD = 0x00000200;
export const HUPCL = 0x00000400;
export const CLOCAL = 0x00000800;

// c_lflag
export const ISIG = 0x00001;
export const ICANON = 0x00002;
export const XCASE = 0x00004;
export const ECHO = 0x00008;
export const ECHOE = 0x00010;
export const ECHOK = 0x00020;
export const ECHONL = 0x00040;
export const NOFLSH = 0x00080;
export const TOSTOP = 0x00100;
export const ECHOCTL = 0x00200;
export const ECHOPRT = 0x00400;
export const ECHOKE = 0x00800;
export const FLUSHO = 0x01000;
export const PENDIN = 0x04000;
export const IEXTEN = 0x08000;
export const EXTPROC = 0x10000;

// tcflow, tcflush, TCSETS variants
export const TCOOFF = 0;
export const TCOON = 1;
export const TCIOFF = 2;
export const TCION = 3;
export const TCIFLUSH = 0;
export const TCOFLUSH = 1;
export const TCIOFLUSH = 2;
export const TCSANOW = 0;
export const TCSADRAIN = 1;
export const TCSAFLUSH = 2;

// modem lines
export const TIOCM_LE = 0x001;
export const TIOCM_DTR = 0x002;
export const TIOCM_RTS = 0x004;
export const TIOCM_ST = 0x008;
export const TIOCM_SR = 0x010;
export const TIOCM_CTS = 0x020;
export const TIOCM_CAR = 0x040;
export const TIOCM_RNG = 0x080;
export const TIOCM_DSR = 0x100;
export const TIOCM_CD = TIOCM_CAR;
export const TIOCM_RI = TIOCM_RNG;
export const TIOCM_OUT1 = 0x2000;
export const TIOCM_OUT2 = 0x4000;
export const TIOCM_LOOP = 0x8000;

// struct termios
export const TERMIOS_SIZE = 36;
export const TERMIOS_C_IFLAG = 0;
export const TERMIOS_C_OFLAG = 4;
export const TERMIOS_C_CFLAG = 8;
export const TERMIOS_C_LFLAG = 12;
export const TERMIOS_C_LINE = 16;
export const TERMIOS_C_CC = 17;
export const TERMIOS_LAYOUT = /* @__PURE__ */ struct('struct termios', TERMIOS_SIZE, {
  c_iflag: u32(TERMIOS_C_IFLAG),
  c_oflag: u32(TERMIOS_C_OFLAG),
  c_cflag: u32(TERMIOS_C_CFLAG),
  c_lflag: u32(TERMIOS_C_LFLAG),
  c_line: u8(TERMIOS_C_LINE),
  c_cc: bytes(TERMIOS_C_CC, 19),
});

// struct termios2
export const TERMIOS2_SIZE = 44;
export const TERMIOS2_C_IFLAG = 0;
export const TERMIOS2_C_OFLAG = 4;
export const TERMIOS2_C_CFLAG = 8;
export const TERMIOS2_C_LFLAG = 12;
export const TERMIOS2_C_LINE = 16;
export const TERMIOS2_C_CC = 17;
export const TERMIOS2_C_ISPEED = 36;
export const TERMIOS2_C_OSPEED = 40;
export const TERMIOS2_LAYOUT = /* @__PURE__ */ struct('struct termios2', TERMIOS2_SIZE, {
  c_iflag: u32(TERMIOS2_C_IFLAG),
  c_oflag: u32(TERMIOS2_C_OFLAG),
  c_cflag: u32(TERMIOS2_C_CFLAG),
  c_lflag: u32(TERMIOS2_C_LFLAG),
  c_line: u8(TERMIOS2_C_LINE),
  c_cc: bytes(TERMIOS2_C_CC, 19),
  c_ispeed: u32(TERMIOS2_C_ISPEED),
  c_ospeed: u32(TERMIOS2_C_OSPEED),
});

// struct termio
export const TERMIO_SIZE = 18;
export const TERMIO_C_IFLAG = 0;
export const TERMIO_C_OFLAG = 2;
export const TERMIO_C_CFLAG = 4;
export const TERMIO_C_LFLAG = 6;
export const TERMIO_C_LINE = 8;
export const TERMIO_C_CC = 9;
export const TERMIO_LAYOUT = /* @__PURE__ */ struct('struct termio', TERMIO_SIZE, {
  c_iflag: u16(TERMIO_C_IFLAG),
  c_oflag: u16(TERMIO_C_OFLAG),
  c_cflag: u16(TERMIO_C_CFLAG),
  c_lflag: u16(TERMIO_C_LFLAG),
  c_line: u8(TERMIO_C_LINE),
  c_cc: bytes(TERMIO_C_CC, 8),
});

// struct winsize
export const WINSIZE_SIZE = 8;
export const WINSIZE_WS_ROW = 0;
export const WINSIZE_WS_COL = 2;
export const WINSIZE_WS_XPIXEL = 4;
export const WINSIZE_WS_YPIXEL = 6;
export const WINSIZE_LAYOUT = /* @__PURE__ */ struct('struct winsize', WINSIZE_SIZE, {
  ws_row: u16(WINSIZE_WS_ROW),
  ws_col: u16(WINSIZE_WS_COL),
  ws_xpixel: u16(WINSIZE_WS_XPIXEL),
  ws_ypixel: u16(WINSIZE_WS_YPIXEL),
});
