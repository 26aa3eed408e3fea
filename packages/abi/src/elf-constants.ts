// ELF (elf(5), System V ABI): identification, types, machines, segments, dynamic tags, symbols, relocations, notes.
import { bytes, i64, struct, u8, u16, u32, u64 } from './layout.js';

// identification
export const EI_NIDENT = 16;
export const EI_MAG0 = 0;
export const ELFMAG0 = 0x7f;
export const EI_MAG1 = 1;
export const ELFMAG1 = 69;
export const EI_MAG2 = 2;
export const ELFMAG2 = 76;
export const EI_MAG3 = 3;
export const ELFMAG3 = 70;
export const SELFMAG = 4;
export const EI_CLASS = 4;
export const ELFCLASSNONE = 0;
export const ELFCLASS32 = 1;
export const ELFCLASS64 = 2;
export const ELFCLASSNUM = 3;
export const EI_DATA = 5;
export const ELFDATANONE = 0;
export const ELFDATA2LSB = 1;
export const ELFDATA2MSB = 2;
export const ELFDATANUM = 3;
export const EI_VERSION = 6;
export const EI_OSABI = 7;
export const ELFOSABI_NONE = 0;
export const ELFOSABI_SYSV = 0;
export const ELFOSABI_GNU = 3;
export const ELFOSABI_LINUX = ELFOSABI_GNU;
export const ELFOSABI_FREEBSD = 9;
export const ELFOSABI_STANDALONE = 255;
export const EI_ABIVERSION = 8;
export const EI_PAD = 9;
export const EV_NONE = 0;
export const EV_CURRENT = 1;

// file types
export const ET_NONE = 0;
export const ET_REL = 1;
export const ET_EXEC = 2;
export const ET_DYN = 3;
export const ET_CORE = 4;
export const ET_LOOS = 0xfe00;
export const ET_HIOS = 0xfeff;
export const ET_LOPROC = 0xff00;
export const ET_HIPROC = 0xffff;

// machines
export const EM_NONE = 0;
export const EM_386 = 3;
export const EM_MIPS = 8;
export const EM_PPC64 = 21;
export const EM_S390 = 22;
export const EM_ARM = 40;
export const EM_X86_64 = 62;
export const EM_AARCH64 = 183;
export const EM_RISCV = 243;

// segments
export const PN_XNUM = 0xffff;
export const PT_NULL = 0;
export const PT_LOAD = 1;
export const PT_DYNAMIC = 2;
export const PT_INTERP = 3;
export const PT_NOTE = 4;
export const PT_SHLIB = 5;
export const PT_PHDR = 6;
export const PT_TLS = 7;
export const PT_GNU_EH_FRAME = 0x6474e550;
export const PT_GNU_STACK = 0x6474e551;
export const PT_GNU_RELRO = 0x6474e552;
export const PT_GNU_PROPERTY = 0x6474e553;

// segment flags
export const PF_X = 1 << 0;
export const PF_W = 1 << 1;
export const PF_R = 1 << 2;

// sections
export const SHN_UNDEF = 0;
export const SHN_LORESERVE = 0xff00;
export const SHN_ABS = 0xfff1;
export const SHN_COMMON = 0xfff2;
export const SHN_XINDEX = 0xffff;
export const SHT_NULL = 0;
export const SHT_PROGBITS = 1;
export const SHT_SYMTAB = 2;
export const SHT_STRTAB = 3;
export const SHT_RELA = 4;
export const SHT_HASH = 5;
export const SHT_DYNAMIC = 6;
export const SHT_NOTE = 7;
export const SHT_NOBITS = 8;
export const SHT_REL = 9;
export const SHT_DYNSYM = 11;
export const SHT_INIT_ARRAY = 14;
export const SHT_FINI_ARRAY = 15;
export const SHT_GNU_HASH = 0x6ffffff6;
export const SHF_WRITE = 1 << 0;
export const SHF_ALLOC = 1 << 1;
export const SHF_EXECINSTR = 1 << 2;
export const SHF_STRINGS = 1 << 5;
export const SHF_TLS = 1 << 10;

// dynamic tags
export const DT_NULL = 0;
export const DT_NEEDED = 1;
export const DT_PLTRELSZ = 2;
export const DT_PLTGOT = 3;
export const DT_HASH = 4;
export const DT_STRTAB = 5;
export const DT_SYMTAB = 6;
export const DT_RELA = 7;
export const DT_RELASZ = 8;
export const DT_RELAENT = 9;
export const DT_STRSZ = 10;
export const DT_SYMENT = 11;
export const DT_INIT = 12;
export const DT_FINI = 13;
export const DT_SONAME = 14;
export const DT_RPATH = 15;
export const DT_SYMBOLIC = 16;
export const DT_REL = 17;
export const DT_RELSZ = 18;
export const DT_RELENT = 19;
export const DT_PLTREL = 20;
export const DT_DEBUG = 21;
export const DT_TEXTREL = 22;
export const DT_JMPREL = 23;
export const DT_BIND_NOW = 24;
export const DT_RUNPATH = 29;
export const DT_FLAGS = 30;
export const DT_GNU_HASH = 0x6ffffef5;
export const DT_VERSYM = 0x6ffffff0;
export const DT_RELACOUNT = 0x6ffffff9;
export const DT_FLAGS_1 = 0x6ffffffb;
export const DT_VERDEF = 0x6ffffffc;
export const DT_VERDEFNUM = 0x6ffffffd;
export const DT_VERNEED = 0x6ffffffe;

// symbols
export const STB_LOCAL = 0;
export const STB_GLOBAL = 1;
export const STB_WEAK = 2;
export const STT_NOTYPE = 0;
export const STT_OBJECT = 1;
export const STT_FUNC = 2;
export const STT_SECTION = 3;
export const STT_FILE = 4;
export const STT_COMMON = 5;
export const STT_TLS = 6;
export const STT_GNU_IFUNC = 10;
export const STV_DEFAULT = 0;
export const STV_INTERNAL = 1;
export const STV_HIDDEN = 2;
export const STV_PROTECTED = 3;

// relocations of x86-64
export const R_X86_64_NONE = 0;
export const R_X86_64_64 = 1;
export const R_X86_64_PC32 = 2;
export const R_X86_64_GOT32 = 3;
export const R_X86_64_PLT32 = 4;
export const R_X86_64_COPY = 5;
export const R_X86_64_GLOB_DAT = 6;
export const R_X86_64_JUMP_SLOT = 7;
export const R_X86_64_RELATIVE = 8;
export const R_X86_64_GOTPCREL = 9;
export const R_X86_64_32 = 10;
export const R_X86_64_32S = 11;
export const R_X86_64_16 = 12;
export const R_X86_64_PC16 = 13;
export const R_X86_64_8 = 14;
export const R_X86_64_PC8 = 15;
export const R_X86_64_DTPMOD64 = 16;
export const R_X86_64_DTPOFF64 = 17;
export const R_X86_64_TPOFF64 = 18;
export const R_X86_64_TLSGD = 19;
export const R_X86_64_TLSLD = 20;
export const R_X86_64_DTPOFF32 = 21;
export const R_X86_64_GOTTPOFF = 22;
export const R_X86_64_TPOFF32 = 23;
export const R_X86_64_PC64 = 24;
export const R_X86_64_GOTOFF64 = 25;
export const R_X86_64_GOTPC32 = 26;
export const R_X86_64_GOT64 = 27;
export const R_X86_64_GOTPCREL64 = 28;
export const R_X86_64_GOTPC64 = 29;
export const R_X86_64_GOTPLT64 = 30;
export const R_X86_64_PLTOFF64 = 31;
export const R_X86_64_SIZE32 = 32;
export const R_X86_64_SIZE64 = 33;
export const R_X86_64_GOTPC32_TLSDESC = 34;
export const R_X86_64_TLSDESC_CALL = 35;
export const R_X86_64_TLSDESC = 36;
export const R_X86_64_IRELATIVE = 37;
export const R_X86_64_RELATIVE64 = 38;
export const R_X86_64_GOTPCRELX = 41;
export const R_X86_64_REX_GOTPCRELX = 42;

// notes of core files
export const NT_PRSTATUS = 1;
export const NT_PRFPREG = 2;
export const NT_PRPSINFO = 3;
export const NT_AUXV = 6;
export const NT_SIGINFO = 0x53494749;
export const NT_FILE = 0x46494c45;
export const NT_X86_XSTATE = 0x202;
export const NT_GNU_ABI_TAG = 1;
export const NT_GNU_HWCAP = 2;
export const NT_GNU_BUILD_ID = 3;
export const NT_GNU_GOLD_VERSION = 4;
export const NT_GNU_PROPERTY_TYPE_0 = 5;

// Elf64_Ehdr
export const ELF64_EHDR_SIZE = 64;
export const ELF64_EHDR_E_IDENT = 0;
export const ELF64_EHDR_E_TYPE = 16;
export const ELF64_EHDR_E_MACHINE = 18;
export const ELF64_EHDR_E_VERSION = 20;
export const ELF64_EHDR_E_ENTRY = 24;
export const ELF64_EHDR_E_PHOFF = 32;
export const ELF64_EHDR_E_SHOFF = 40;
export const ELF64_EHDR_E_FLAGS = 48;
export const ELF64_EHDR_E_EHSIZE = 52;
export const ELF64_EHDR_E_PHENTSIZE = 54;
export const ELF64_EHDR_E_PHNUM = 56;
export const ELF64_EHDR_E_SHENTSIZE = 58;
export const ELF64_EHDR_E_SHNUM = 60;
export const ELF64_EHDR_E_SHSTRNDX = 62;
export const ELF64_EHDR_LAYOUT = /* @__PURE__ */ struct('Elf64_Ehdr', ELF64_EHDR_SIZE, {
  e_ident: bytes(ELF64_EHDR_E_IDENT, 16),
  e_type: u16(ELF64_EHDR_E_TYPE),
  e_machine: u16(ELF64_EHDR_E_MACHINE),
  e_version: u32(ELF64_EHDR_E_VERSION),
  e_entry: u64(ELF64_EHDR_E_ENTRY),
  e_phoff: u64(ELF64_EHDR_E_PHOFF),
  e_shoff: u64(ELF64_EHDR_E_SHOFF),
  e_flags: u32(ELF64_EHDR_E_FLAGS),
  e_ehsize: u16(ELF64_EHDR_E_EHSIZE),
  e_phentsize: u16(ELF64_EHDR_E_PHENTSIZE),
  e_phnum: u16(ELF64_EHDR_E_PHNUM),
  e_shentsize: u16(ELF64_EHDR_E_SHENTSIZE),
  e_shnum: u16(ELF64_EHDR_E_SHNUM),
  e_shstrndx: u16(ELF64_EHDR_E_SHSTRNDX),
});

// Elf64_Phdr
export const ELF64_PHDR_SIZE = 56;
export const ELF64_PHDR_P_TYPE = 0;
export const ELF64_PHDR_P_FLAGS = 4;
export const ELF64_PHDR_P_OFFSET = 8;
export const ELF64_PHDR_P_VADDR = 16;
export const ELF64_PHDR_P_PADDR = 24;
export const ELF64_PHDR_P_FILESZ = 32;
export const ELF64_PHDR_P_MEMSZ = 40;
export const ELF64_PHDR_P_ALIGN = 48;
export const ELF64_PHDR_LAYOUT = /* @__PURE__ */ struct('Elf64_Phdr', ELF64_PHDR_SIZE, {
  p_type: u32(ELF64_PHDR_P_TYPE),
  p_flags: u32(ELF64_PHDR_P_FLAGS),
  p_offset: u64(ELF64_PHDR_P_OFFSET),
  p_vaddr: u64(ELF64_PHDR_P_VADDR),
  p_paddr: u64(ELF64_PHDR_P_PADDR),
  p_filesz: u64(ELF64_PHDR_P_FILESZ),
  p_memsz: u64(ELF64_PHDR_P_MEMSZ),
  p_align: u64(ELF64_PHDR_P_ALIGN),
});

// Elf64_Shdr
export const ELF64_SHDR_SIZE = 64;
export const ELF64_SHDR_SH_NAME = 0;
export const ELF64_SHDR_SH_TYPE = 4;
export const ELF64_SHDR_SH_FLAGS = 8;
export const ELF64_SHDR_SH_ADDR = 16;
export const ELF64_SHDR_SH_OFFSET = 24;
export const ELF64_SHDR_SH_SIZE = 32;
export const ELF64_SHDR_SH_LINK = 40;
export const ELF64_SHDR_SH_INFO = 44;
export const ELF64_SHDR_SH_ADDRALIGN = 48;
export const ELF64_SHDR_SH_ENTSIZE = 56;
export const ELF64_SHDR_LAYOUT = /* @__PURE__ */ struct('Elf64_Shdr', ELF64_SHDR_SIZE, {
  sh_name: u32(ELF64_SHDR_SH_NAME),
  sh_type: u32(ELF64_SHDR_SH_TYPE),
  sh_flags: u64(ELF64_SHDR_SH_FLAGS),
  sh_addr: u64(ELF64_SHDR_SH_ADDR),
  sh_offset: u64(ELF64_SHDR_SH_OFFSET),
  sh_size: u64(ELF64_SHDR_SH_SIZE),
  sh_link: u32(ELF64_SHDR_SH_LINK),
  sh_info: u32(ELF64_SHDR_SH_INFO),
  sh_addralign: u64(ELF64_SHDR_SH_ADDRALIGN),
  sh_entsize: u64(ELF64_SHDR_SH_ENTSIZE),
});

// Elf64_Dyn
export const ELF64_DYN_SIZE = 16;
export const ELF64_DYN_D_TAG = 0;
export const ELF64_DYN_D_UN_D_VAL = 8;
export const ELF64_DYN_LAYOUT = /* @__PURE__ */ struct('Elf64_Dyn', ELF64_DYN_SIZE, {
  d_tag: i64(ELF64_DYN_D_TAG),
  'd_un.d_val': u64(ELF64_DYN_D_UN_D_VAL),
});

// Elf64_Sym
export const ELF64_SYM_SIZE = 24;
export const ELF64_SYM_ST_NAME = 0;
export const ELF64_SYM_ST_INFO = 4;
export const ELF64_SYM_ST_OTHER = 5;
export const ELF64_SYM_ST_SHNDX = 6;
export const ELF64_SYM_ST_VALUE = 8;
export const ELF64_SYM_ST_SIZE = 16;
export const ELF64_SYM_LAYOUT = /* @__PURE__ */ struct('Elf64_Sym', ELF64_SYM_SIZE, {
  st_name: u32(ELF64_SYM_ST_NAME),
  st_info: u8(ELF64_SYM_ST_INFO),
  st_other: u8(ELF64_SYM_ST_OTHER),
  st_shndx: u16(ELF64_SYM_ST_SHNDX),
  st_value: u64(ELF64_SYM_ST_VALUE),
  st_size: u64(ELF64_SYM_ST_SIZE),
});

// Elf64_Rela
export const ELF64_RELA_SIZE = 24;
export const ELF64_RELA_R_OFFSET = 0;
export const ELF64_RELA_R_INFO = 8;
export const ELF64_RELA_R_ADDEND = 16;
export const ELF64_RELA_LAYOUT = /* @__PURE__ */ struct('Elf64_Rela', ELF64_RELA_SIZE, {
  r_offset: u64(ELF64_RELA_R_OFFSET),
  r_info: u64(ELF64_RELA_R_INFO),
  r_addend: i64(ELF64_RELA_R_ADDEND),
});

// Elf64_Nhdr
export const ELF64_NHDR_SIZE = 12;
export const ELF64_NHDR_N_NAMESZ = 0;
export const ELF64_NHDR_N_DESCSZ = 4;
export const ELF64_NHDR_N_TYPE = 8;
export const ELF64_NHDR_LAYOUT = /* @__PURE__ */ struct('Elf64_Nhdr', ELF64_NHDR_SIZE, {
  n_namesz: u32(ELF64_NHDR_N_NAMESZ),
  n_descsz: u32(ELF64_NHDR_N_DESCSZ),
  n_type: u32(ELF64_NHDR_N_TYPE),
});
