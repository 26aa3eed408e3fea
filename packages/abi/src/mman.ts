// mmap(2), mprotect(2), mremap(2), msync(2), madvise(2), mlock2(2), mseal(2), memfd_create(2), pkey_alloc(2), cachestat(2).

// protection
export const PROT_READ = 0x1;
export const PROT_WRITE = 0x2;
export const PROT_EXEC = 0x4;
export const PROT_SEM = 0x8;
export const PROT_NONE = 0x0;
export const PROT_GROWSDOWN = 0x01000000;
export const PROT_GROWSUP = 0x02000000;

// mapping flags
export const MAP_32BIT = 0x40;
export const MAP_TYPE = 0x0f;
export const MAP_FIXED = 0x10;
export const MAP_ANONYMOUS = 0x20;
export const MAP_POPULATE = 0x008000;
export const MAP_NONBLOCK = 0x010000;
export const MAP_STACK = 0x020000;
export const MAP_HUGETLB = 0x040000;
export const MAP_SYNC = 0x080000;
export const MAP_FIXED_NOREPLACE = 0x100000;
export const MAP_UNINITIALIZED = 0x4000000;
export const MAP_FILE = 0;
export const MAP_GROWSDOWN = 0x0100;
export const MAP_DENYWRITE = 0x0800;
export const MAP_EXECUTABLE = 0x1000;
export const MAP_LOCKED = 0x2000;
export const MAP_NORESERVE = 0x4000;
export const MAP_SHARED = 0x01;
export const MAP_PRIVATE = 0x02;
export const MAP_SHARED_VALIDATE = 0x03;
export const MAP_HUGE_SHIFT = 26;
export const MAP_HUGE_MASK = 63;
export const MAP_HUGE_16KB = 0x38000000;
export const MAP_HUGE_64KB = 0x40000000;
export const MAP_HUGE_512KB = 0x4c000000;
export const MAP_HUGE_1MB = 0x50000000;
export const MAP_HUGE_2MB = 0x54000000;
export const MAP_HUGE_8MB = 0x5c000000;
export const MAP_HUGE_16MB = 0x60000000;
export const MAP_HUGE_32MB = 0x64000000;
export const MAP_HUGE_256MB = 0x70000000;
export const MAP_HUGE_512MB = 0x74000000;
export const MAP_HUGE_1GB = 0x78000000;
export const MAP_HUGE_2GB = 0x7c000000;
export const MAP_HUGE_16GB = 0x88000000;

// huge page sizes
export const HUGETLB_FLAG_ENCODE_SHIFT = 26;
export const HUGETLB_FLAG_ENCODE_MASK = 0x3f;
export const HUGETLB_FLAG_ENCODE_16KB = 0x38000000;
export const HUGETLB_FLAG_ENCODE_64KB = 0x40000000;
export const HUGETLB_FLAG_ENCODE_512KB = 0x4c000000;
export const HUGETLB_FLAG_ENCODE_1MB = 0x50000000;
export const HUGETLB_FLAG_ENCODE_2MB = 0x54000000;
export const HUGETLB_FLAG_ENCODE_8MB = 0x5c000000;
export const HUGETLB_FLAG_ENCODE_16MB = 0x60000000;
export const HUGETLB_FLAG_ENCODE_32MB = 0x64000000;
export const HUGETLB_FLAG_ENCODE_256MB = 0x70000000;
export const HUGETLB_FLAG_ENCODE_512MB = 0x74000000;
export const HUGETLB_FLAG_ENCODE_1GB = 0x78000000;
export const HUGETLB_FLAG_ENCODE_2GB = 0x7c000000;
export const HUGETLB_FLAG_ENCODE_16GB = 0x88000000;

// mlock2, mlockall
export const MLOCK_ONFAULT = 0x01;
export const MCL_CURRENT = 1;
export const MCL_FUTURE = 2;
export const MCL_ONFAULT = 4;

// msync
export const MS_ASYNC = 1;
export const MS_INVALIDATE = 2;
export const MS_SYNC = 4;

// madvise
export const MADV_NORMAL = 0;
export const MADV_RANDOM = 1;
export const MADV_SEQUENTIAL = 2;
export const MADV_WILLNEED = 3;
export const MADV_DONTNEED = 4;
export const MADV_FREE = 8;
export const MADV_REMOVE = 9;
export const MADV_DONTFORK = 10;
export const MADV_DOFORK = 11;
export const MADV_HWPOISON = 100;
export const MADV_SOFT_OFFLINE = 101;
export const MADV_MERGEABLE = 12;
export const MADV_UNMERGEABLE = 13;
export const MADV_HUGEPAGE = 14;
export const MADV_NOHUGEPAGE = 15;
export const MADV_DONTDUMP = 16;
export const MADV_DODUMP = 17;
export const MADV_WIPEONFORK = 18;
export const MADV_KEEPONFORK = 19;
export const MADV_COLD = 20;
export const MADV_PAGEOUT = 21;
export const MADV_POPULATE_READ = 22;
export const MADV_POPULATE_WRITE = 23;
export const MADV_DONTNEED_LOCKED = 24;
export const MADV_COLLAPSE = 25;

// mremap
export const MREMAP_MAYMOVE = 1;
export const MREMAP_FIXED = 2;
export const MREMAP_DONTUNMAP = 4;

// pkeys
export const PKEY_DISABLE_ACCESS = 0x1;
export const PKEY_DISABLE_WRITE = 0x2;
export const PKEY_ACCESS_MASK = PKEY_DISABLE_ACCESS | PKEY_DISABLE_WRITE;

// overcommit policy (vm.overcommit_memory)
export const OVERCOMMIT_GUESS = 0;
export const OVERCOMMIT_ALWAYS = 1;
export const OVERCOMMIT_NEVER = 2;

// memfd_create
export const MFD_CLOEXEC = 0x0001;
export const MFD_ALLOW_SEALING = 0x0002;
export const MFD_HUGETLB = 0x0004;
export const MFD_HUGE_SHIFT = HUGETLB_FLAG_ENCODE_SHIFT;
export const MFD_HUGE_MASK = HUGETLB_FLAG_ENCODE_MASK;
export const MFD_HUGE_64KB = HUGETLB_FLAG_ENCODE_64KB;
export const MFD_HUGE_512KB = HUGETLB_FLAG_ENCODE_512KB;
export const MFD_HUGE_1MB = HUGETLB_FLAG_ENCODE_1MB;
export const MFD_HUGE_2MB = HUGETLB_FLAG_ENCODE_2MB;
export const MFD_HUGE_8MB = HUGETLB_FLAG_ENCODE_8MB;
export const MFD_HUGE_16MB = HUGETLB_FLAG_ENCODE_16MB;
export const MFD_HUGE_32MB = HUGETLB_FLAG_ENCODE_32MB;
export const MFD_HUGE_256MB = HUGETLB_FLAG_ENCODE_256MB;
export const MFD_HUGE_512MB = HUGETLB_FLAG_ENCODE_512MB;
export const MFD_HUGE_1GB = HUGETLB_FLAG_ENCODE_1GB;
export const MFD_HUGE_2GB = HUGETLB_FLAG_ENCODE_2GB;
export const MFD_HUGE_16GB = HUGETLB_FLAG_ENCODE_16GB;

// Newer than the headers of Linux 6.1.
export const MAP_DROPPABLE = 0x08;
export const MADV_GUARD_INSTALL = 102;
export const MADV_GUARD_REMOVE = 103;
export const MFD_NOEXEC_SEAL = 0x0008;
export const MFD_EXEC = 0x0010;
