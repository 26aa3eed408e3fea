// ioctl(2): how request numbers are composed, and the requests of files, filesystems, terminals, pipes and devices.
import { array, struct, u32, u64 } from './layout.js';

// direction and field positions
export const IOC_IN = 0x40000000;
export const IOC_OUT = 0x80000000;
export const IOC_INOUT = 0xc0000000;
export const IOCSIZE_MASK = 0x3fff0000;
export const IOCSIZE_SHIFT = 16;

// terminals and all files
export const TCGETS = 0x5401;
export const TCSETS = 0x5402;
export const TCSETSW = 0x5403;
export const TCSETSF = 0x5404;
export const TCGETA = 0x5405;
export const TCSETA = 0x5406;
export const TCSETAW = 0x5407;
export const TCSETAF = 0x5408;
export const TCSBRK = 0x5409;
export const TCXONC = 0x540a;
export const TCFLSH = 0x540b;
export const TIOCEXCL = 0x540c;
export const TIOCNXCL = 0x540d;
export const TIOCSCTTY = 0x540e;
export const TIOCGPGRP = 0x540f;
export const TIOCSPGRP = 0x5410;
export const TIOCOUTQ = 0x5411;
export const TIOCSTI = 0x5412;
export const TIOCGWINSZ = 0x5413;
export const TIOCSWINSZ = 0x5414;
export const TIOCMGET = 0x5415;
export const TIOCMBIS = 0x5416;
export const TIOCMBIC = 0x5417;
export const TIOCMSET = 0x5418;
export const TIOCGSOFTCAR = 0x5419;
export const TIOCSSOFTCAR = 0x541a;
export const FIONREAD = 0x541b;
export const TIOCINQ = FIONREAD;
export const TIOCLINUX = 0x541c;
export const TIOCCONS = 0x541d;
export const TIOCGSERIAL = 0x541e;
export const TIOCSSERIAL = 0x541f;
export const TIOCPKT = 0x5420;
export const FIONBIO = 0x5421;
export const TIOCNOTTY = 0x5422;
export const TIOCSETD = 0x5423;
export const TIOCGETD = 0x5424;
export const TCSBRKP = 0x5425;
export const TIOCSBRK = 0x5427;
export const TIOCCBRK = 0x5428;
export const TIOCGSID = 0x5429;
export const TIOCGRS485 = 0x542e;
export const TIOCSRS485 = 0x542f;
export const TIOCGPTN = 0x80045430;
export const TIOCSPTLCK = 0x40045431;
export const TIOCGDEV = 0x80045432;
export const TCGETX = 0x5432;
export const TCSETX = 0x5433;
export const TCSETXF = 0x5434;
export const TCSETXW = 0x5435;
export const TIOCSIG = 0x40045436;
export const TIOCVHANGUP = 0x5437;
export const TIOCGPKT = 0x80045438;
export const TIOCGPTLCK = 0x80045439;
export const TIOCGEXCL = 0x80045440;
export const TIOCGPTPEER = 0x5441;
export const FIONCLEX = 0x5450;
export const FIOCLEX = 0x5451;
export const FIOASYNC = 0x5452;
export const TIOCSERCONFIG = 0x5453;
export const TIOCSERGWILD = 0x5454;
export const TIOCSERSWILD = 0x5455;
export const TIOCGLCKTRMIOS = 0x5456;
export const TIOCSLCKTRMIOS = 0x5457;
export const TIOCSERGSTRUCT = 0x5458;
export const TIOCSERGETLSR = 0x5459;
export const TIOCSERGETMULTI = 0x545a;
export const TIOCSERSETMULTI = 0x545b;
export const TIOCMIWAIT = 0x545c;
export const TIOCGICOUNT = 0x545d;
export const FIOQSIZE = 0x5460;
export const TIOCPKT_DATA = 0;
export const TIOCPKT_FLUSHREAD = 1;
export const TIOCPKT_FLUSHWRITE = 2;
export const TIOCPKT_STOP = 4;
export const TIOCPKT_START = 8;
export const TIOCPKT_NOSTOP = 16;
export const TIOCPKT_DOSTOP = 32;
export const TIOCPKT_IOCTL = 64;
export const TIOCSER_TEMT = 0x01;

// block devices
export const BLKROSET = 0x125d;
export const BLKROGET = 0x125e;
export const BLKRRPART = 0x125f;
export const BLKGETSIZE = 0x1260;
export const BLKFLSBUF = 0x1261;
export const BLKRASET = 0x1262;
export const BLKRAGET = 0x1263;
export const BLKFRASET = 0x1264;
export const BLKFRAGET = 0x1265;
export const BLKSECTSET = 0x1266;
export const BLKSECTGET = 0x1267;
export const BLKSSZGET = 0x1268;
export const BLKBSZGET = 0x80081270;
export const BLKBSZSET = 0x40081271;
export const BLKGETSIZE64 = 0x80081272;
export const BLKTRACESTART = 0x1274;
export const BLKTRACESTOP = 0x1275;
export const BLKTRACETEARDOWN = 0x1276;
export const BLKDISCARD = 0x1277;
export const BLKIOMIN = 0x1278;
export const BLKIOOPT = 0x1279;
export const BLKALIGNOFF = 0x127a;
export const BLKPBSZGET = 0x127b;
export const BLKDISCARDZEROES = 0x127c;
export const BLKSECDISCARD = 0x127d;
export const BLKROTATIONAL = 0x127e;
export const BLKZEROOUT = 0x127f;
export const BLKGETDISKSEQ = 0x80081280;

// filesystems
export const FIBMAP = 1;
export const FIGETBSZ = 2;
export const FIFREEZE = 0xc0045877;
export const FITHAW = 0xc0045878;
export const FITRIM = 0xc0185879;
export const FICLONE = 0x40049409;
export const FICLONERANGE = 0x4020940d;
export const FIDEDUPERANGE = 0xc0189436;
export const FS_IOC_GETFLAGS = 0x80086601;
export const FS_IOC_SETFLAGS = 0x40086602;
export const FS_IOC_GETVERSION = 0x80087601;
export const FS_IOC_SETVERSION = 0x40087602;
export const FS_IOC_FIEMAP = 0xc020660b;
export const FS_IOC_FSGETXATTR = 0x801c581f;
export const FS_IOC_FSSETXATTR = 0x401c5820;
export const FS_IOC_GETFSLABEL = 0x81009431;
export const FS_IOC_SETFSLABEL = 0x41009432;

// inode flags (FS_IOC_GETFLAGS)
export const FS_XFLAG_REALTIME = 0x00000001;
export const FS_XFLAG_PREALLOC = 0x00000002;
export const FS_XFLAG_IMMUTABLE = 0x00000008;
export const FS_XFLAG_APPEND = 0x00000010;
export const FS_XFLAG_SYNC = 0x00000020;
export const FS_XFLAG_NOATIME = 0x00000040;
export const FS_XFLAG_NODUMP = 0x00000080;
export const FS_XFLAG_RTINHERIT = 0x00000100;
export const FS_XFLAG_PROJINHERIT = 0x00000200;
export const FS_XFLAG_NOSYMLINKS = 0x00000400;
export const FS_XFLAG_EXTSIZE = 0x00000800;
export const FS_XFLAG_EXTSZINHERIT = 0x00001000;
export const FS_XFLAG_NODEFRAG = 0x00002000;
export const FS_XFLAG_FILESTREAM = 0x00004000;
export const FS_XFLAG_DAX = 0x00008000;
export const FS_XFLAG_COWEXTSIZE = 0x00010000;
export const FS_XFLAG_HASATTR = 0x80000000;
export const FS_SECRM_FL = 0x00000001;
export const FS_UNRM_FL = 0x00000002;
export const FS_COMPR_FL = 0x00000004;
export const FS_SYNC_FL = 0x00000008;
export const FS_IMMUTABLE_FL = 0x00000010;
export const FS_APPEND_FL = 0x00000020;
export const FS_NODUMP_FL = 0x00000040;
export const FS_NOATIME_FL = 0x00000080;
export const FS_DIRTY_FL = 0x00000100;
export const FS_COMPRBLK_FL = 0x00000200;
export const FS_NOCOMP_FL = 0x00000400;
export const FS_ENCRYPT_FL = 0x00000800;
export const FS_BTREE_FL = 0x00001000;
export const FS_INDEX_FL = 0x00001000;
export const FS_IMAGIC_FL = 0x00002000;
export const FS_JOURNAL_DATA_FL = 0x00004000;
export const FS_NOTAIL_FL = 0x00008000;
export const FS_DIRSYNC_FL = 0x00010000;
export const FS_TOPDIR_FL = 0x00020000;
export const FS_HUGE_FILE_FL = 0x00040000;
export const FS_EXTENT_FL = 0x00080000;
export const FS_VERITY_FL = 0x00100000;
export const FS_EA_INODE_FL = 0x00200000;
export const FS_EOFBLOCKS_FL = 0x00400000;
export const FS_NOCOW_FL = 0x00800000;
export const FS_DAX_FL = 0x02000000;
export const FS_INLINE_DATA_FL = 0x10000000;
export const FS_PROJINHERIT_FL = 0x20000000;
export const FS_CASEFOLD_FL = 0x40000000;
export const FS_RESERVED_FL = 0x80000000;

// fiemap
export const FIEMAP_FLAG_SYNC = 0x00000001;
export const FIEMAP_FLAG_XATTR = 0x00000002;
export const FIEMAP_FLAG_CACHE = 0x00000004;
export const FIEMAP_FLAGS_COMPAT = FIEMAP_FLAG_SYNC | FIEMAP_FLAG_XATTR;
export const FIEMAP_EXTENT_LAST = 0x00000001;
export const FIEMAP_EXTENT_UNKNOWN = 0x00000002;
export const FIEMAP_EXTENT_DELALLOC = 0x00000004;
export const FIEMAP_EXTENT_ENCODED = 0x00000008;
export const FIEMAP_EXTENT_DATA_ENCRYPTED = 0x00000080;
export const FIEMAP_EXTENT_NOT_ALIGNED = 0x00000100;
export const FIEMAP_EXTENT_DATA_INLINE = 0x00000200;
export const FIEMAP_EXTENT_DATA_TAIL = 0x00000400;
export const FIEMAP_EXTENT_UNWRITTEN = 0x00000800;
export const FIEMAP_EXTENT_MERGED = 0x00001000;
export const FIEMAP_EXTENT_SHARED = 0x00002000;

// /dev/random
export const RNDGETENTCNT = 0x80045200;
export const RNDADDTOENTCNT = 0x40045201;
export const RNDGETPOOL = 0x80085202;
export const RNDADDENTROPY = 0x40085203;
export const RNDZAPENTCNT = 0x5204;
export const RNDCLEARPOOL = 0x5206;
export const RNDRESEEDCRNG = 0x5207;
export const GRND_NONBLOCK = 0x0001;
export const GRND_RANDOM = 0x0002;
export const GRND_INSECURE = 0x0004;

// TUN and TAP
export const TUN_READQ_SIZE = 500;
export const TUN_TUN_DEV = 1;
export const TUN_TAP_DEV = 2;
export const TUN_TYPE_MASK = 0x000f;
export const TUNSETNOCSUM = 0x400454c8;
export const TUNSETDEBUG = 0x400454c9;
export const TUNSETIFF = 0x400454ca;
export const TUNSETPERSIST = 0x400454cb;
export const TUNSETOWNER = 0x400454cc;
export const TUNSETLINK = 0x400454cd;
export const TUNSETGROUP = 0x400454ce;
export const TUNGETFEATURES = 0x800454cf;
export const TUNSETOFFLOAD = 0x400454d0;
export const TUNSETTXFILTER = 0x400454d1;
export const TUNGETIFF = 0x800454d2;
export const TUNGETSNDBUF = 0x800454d3;
export const TUNSETSNDBUF = 0x400454d4;
export const TUNATTACHFILTER = 0x401054d5;
export const TUNDETACHFILTER = 0x401054d6;
export const TUNGETVNETHDRSZ = 0x800454d7;
export const TUNSETVNETHDRSZ = 0x400454d8;
export const TUNSETQUEUE = 0x400454d9;
export const TUNSETIFINDEX = 0x400454da;
export const TUNGETFILTER = 0x801054db;
export const TUNSETVNETLE = 0x400454dc;
export const TUNGETVNETLE = 0x800454dd;
export const TUNSETVNETBE = 0x400454de;
export const TUNGETVNETBE = 0x800454df;
export const TUNSETSTEERINGEBPF = 0x800454e0;
export const TUNSETFILTEREBPF = 0x800454e1;
export const TUNSETCARRIER = 0x400454e2;
export const TUNGETDEVNETNS = 0x54e3;
export const IFF_TUN = 0x0001;
export const IFF_TAP = 0x0002;
export const IFF_NAPI = 0x0010;
export const IFF_NAPI_FRAGS = 0x0020;
export const IFF_NO_CARRIER = 0x0040;
export const IFF_NO_PI = 0x1000;
export const IFF_ONE_QUEUE = 0x2000;
export const IFF_VNET_HDR = 0x4000;
export const IFF_TUN_EXCL = 0x8000;
export const IFF_MULTI_QUEUE = 0x0100;
export const IFF_ATTACH_QUEUE = 0x0200;
export const IFF_DETACH_QUEUE = 0x0400;
export const IFF_PERSIST = 0x0800;
export const IFF_NOFILTER = 0x1000;
export const TUN_TX_TIMESTAMP = 1;
export const TUN_F_CSUM = 0x01;
export const TUN_F_TSO4 = 0x02;
export const TUN_F_TSO6 = 0x04;
export const TUN_F_TSO_ECN = 0x08;
export const TUN_F_UFO = 0x10;
export const TUN_PKT_STRIP = 0x0001;
export const TUN_FLT_ALLMULTI = 0x0001;

// namespaces
export const NS_GET_USERNS = 0xb701;
export const NS_GET_PARENT = 0xb702;
export const NS_GET_NSTYPE = 0xb703;
export const NS_GET_OWNER_UID = 0xb704;

// line disciplines
export const N_TTY = 0;
export const N_SLIP = 1;
export const N_MOUSE = 2;
export const N_PPP = 3;
export const N_HDLC = 13;

// seek
export const SEEK_SET = 0;
export const SEEK_CUR = 1;
export const SEEK_END = 2;
export const SEEK_DATA = 3;
export const SEEK_HOLE = 4;
export const SEEK_MAX = SEEK_HOLE;

// rename, sync_file_range
export const RENAME_NOREPLACE = 1 << 0;
export const RENAME_EXCHANGE = 1 << 1;
export const RENAME_WHITEOUT = 1 << 2;
export const SYNC_FILE_RANGE_WAIT_BEFORE = 1;
export const SYNC_FILE_RANGE_WRITE = 2;
export const SYNC_FILE_RANGE_WAIT_AFTER = 4;
export const SYNC_FILE_RANGE_WRITE_AND_WAIT =
  SYNC_FILE_RANGE_WRITE | SYNC_FILE_RANGE_WAIT_BEFORE | SYNC_FILE_RANGE_WAIT_AFTER;

// preadv2, pwritev2
export const RWF_HIPRI = 1;
export const RWF_DSYNC = 2;
export const RWF_SYNC = 4;
export const RWF_NOWAIT = 8;
export const RWF_APPEND = 16;
export const RWF_SUPPORTED = RWF_HIPRI | RWF_DSYNC | RWF_SYNC | RWF_NOWAIT | RWF_APPEND;

// limits of linux/fs.h
export const INR_OPEN_CUR = 1024;
export const INR_OPEN_MAX = 4096;
export const BLOCK_SIZE_BITS = 10;
export const BLOCK_SIZE = 0x400;
export const NR_FILE = 8192;

// Newer than the headers of Linux 6.1.
export const RWF_NOAPPEND = 0x20;
export const RWF_ATOMIC = 0x40;
export const RWF_DONTCACHE = 0x80;
export const RWF_NOSIGNAL = 0x100;

// struct fiemap
export const FIEMAP_SIZE = 32;
export const FIEMAP_FM_START = 0;
export const FIEMAP_FM_LENGTH = 8;
export const FIEMAP_FM_FLAGS = 16;
export const FIEMAP_FM_MAPPED_EXTENTS = 20;
export const FIEMAP_FM_EXTENT_COUNT = 24;
export const FIEMAP_LAYOUT = /* @__PURE__ */ struct('struct fiemap', FIEMAP_SIZE, {
  fm_start: u64(FIEMAP_FM_START),
  fm_length: u64(FIEMAP_FM_LENGTH),
  fm_flags: u32(FIEMAP_FM_FLAGS),
  fm_mapped_extents: u32(FIEMAP_FM_MAPPED_EXTENTS),
  fm_extent_count: u32(FIEMAP_FM_EXTENT_COUNT),
});

// struct fiemap_extent
export const FIEMAP_EXTENT_SIZE = 56;
export const FIEMAP_EXTENT_FE_LOGICAL = 0;
export const FIEMAP_EXTENT_FE_PHYSICAL = 8;
export const FIEMAP_EXTENT_FE_LENGTH = 16;
export const FIEMAP_EXTENT_FE_RESERVED64 = 24;
export const FIEMAP_EXTENT_FE_FLAGS = 40;
export const FIEMAP_EXTENT_FE_RESERVED = 44;
export const FIEMAP_EXTENT_LAYOUT = /* @__PURE__ */ struct('struct fiemap_extent', FIEMAP_EXTENT_SIZE, {
  fe_logical: u64(FIEMAP_EXTENT_FE_LOGICAL),
  fe_physical: u64(FIEMAP_EXTENT_FE_PHYSICAL),
  fe_length: u64(FIEMAP_EXTENT_FE_LENGTH),
  fe_reserved64: array('u64', FIEMAP_EXTENT_FE_RESERVED64, 2),
  fe_flags: u32(FIEMAP_EXTENT_FE_FLAGS),
  fe_reserved: array('u32', FIEMAP_EXTENT_FE_RESERVED, 3),
});

// struct fsxattr
export const FSXATTR_SIZE = 28;
export const FSXATTR_FSX_XFLAGS = 0;
export const FSXATTR_FSX_EXTSIZE = 4;
export const FSXATTR_FSX_NEXTENTS = 8;
export const FSXATTR_FSX_PROJID = 12;
export const FSXATTR_FSX_COWEXTSIZE = 16;
export const FSXATTR_LAYOUT = /* @__PURE__ */ struct('struct fsxattr', FSXATTR_SIZE, {
  fsx_xflags: u32(FSXATTR_FSX_XFLAGS),
  fsx_extsize: u32(FSXATTR_FSX_EXTSIZE),
  fsx_nextents: u32(FSXATTR_FSX_NEXTENTS),
  fsx_projid: u32(FSXATTR_FSX_PROJID),
  fsx_cowextsize: u32(FSXATTR_FSX_COWEXTSIZE),
});
