// The stub: one page of position-independent code that no guest needs and that does nothing but execute calls the sentry asks
// for. It is assembled into this addon and wrapped into a minimal static ELF file at start, so that there is nothing to find
// on disk. Guest code may jump here with any registers: under SYSEMU each `syscall` below is then just another trap.
#include "engine.h"

#include <cerrno>
#include <cstring>
#include <elf.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#ifndef MFD_EXEC
#define MFD_EXEC 0x0010U
#endif

asm(R"(
.pushsection .rodata
.balign 16
.globl ptraced_stub_begin
.hidden ptraced_stub_begin
ptraced_stub_begin:
.globl ptraced_stub_loop
.hidden ptraced_stub_loop
ptraced_stub_loop:
  cmp %r12, %rbx
  je 2f
  mov 0(%rbx), %rax
  mov 8(%rbx), %rdi
  mov 16(%rbx), %rsi
  mov 24(%rbx), %rdx
  mov 32(%rbx), %r10
  mov 40(%rbx), %r8
  mov 48(%rbx), %r9
  syscall
  cmp $-4096, %rax
  ja 2f
  add $64, %rbx
  jmp ptraced_stub_loop
2: int3
.globl ptraced_stub_single
.hidden ptraced_stub_single
ptraced_stub_single:
  syscall
  int3
.globl ptraced_stub_pause
.hidden ptraced_stub_pause
ptraced_stub_pause:
  mov $34, %eax
  syscall
  jmp ptraced_stub_pause
.globl ptraced_stub_end
.hidden ptraced_stub_end
ptraced_stub_end:
.popsection
)");

extern "C" {
extern const uint8_t ptraced_stub_begin[];
extern const uint8_t ptraced_stub_loop[];
extern const uint8_t ptraced_stub_single[];
extern const uint8_t ptraced_stub_pause[];
extern const uint8_t ptraced_stub_end[];
}

namespace stub {

static uint64_t Offset(const uint8_t* label) { return static_cast<uint64_t>(label - ptraced_stub_begin); }

const uint64_t kStubLoop = kStubText + Offset(ptraced_stub_loop);
const uint64_t kStubSingle = kStubText + Offset(ptraced_stub_single);
const uint64_t kStubPause = kStubText + Offset(ptraced_stub_pause);

// Where exec puts it first; the sentry moves it to kStubText and unmaps all else.
constexpr uint64_t kLoadAddress = 0x10000000;
const uint64_t kLoadedSingle = kLoadAddress + Offset(ptraced_stub_single);

static void FillElf(uint8_t* file) {
  auto* header = reinterpret_cast<Elf64_Ehdr*>(file);
  auto* segment = reinterpret_cast<Elf64_Phdr*>(file + sizeof *header);
  memcpy(header->e_ident, ELFMAG, SELFMAG);
  header->e_ident[EI_CLASS] = ELFCLASS64;
  header->e_ident[EI_DATA] = ELFDATA2LSB;
  header->e_ident[EI_VERSION] = EV_CURRENT;
  header->e_type = ET_EXEC;
  header->e_machine = EM_X86_64;
  header->e_version = EV_CURRENT;
  header->e_entry = kLoadAddress + Offset(ptraced_stub_single);
  header->e_phoff = sizeof *header;
  header->e_ehsize = sizeof *header;
  header->e_phentsize = sizeof *segment;
  header->e_phnum = 1;
  segment->p_type = PT_LOAD;
  segment->p_flags = PF_R | PF_X;
  segment->p_offset = kPageSize;
  segment->p_vaddr = kLoadAddress;
  segment->p_filesz = kPageSize;
  segment->p_memsz = kPageSize;
  segment->p_align = kPageSize;
  memset(file + kPageSize, 0xcc, kPageSize);
  memcpy(file + kPageSize, ptraced_stub_begin, Offset(ptraced_stub_end));
}

// 0 or -errno. The file is sealed: nobody changes the code once stubs map it.
int MakeStubImage(StubImage* image) {
  const unsigned flags = MFD_CLOEXEC | MFD_ALLOW_SEALING;
  int fd = static_cast<int>(syscall(SYS_memfd_create, "sandbox-stub", flags | MFD_EXEC));
  if (fd < 0 && errno == EINVAL) fd = static_cast<int>(syscall(SYS_memfd_create, "sandbox-stub", flags));
  if (fd < 0) return -errno;
  std::vector<uint8_t> file(2 * kPageSize);
  FillElf(file.data());
  const bool written = write(fd, file.data(), file.size()) == static_cast<ssize_t>(file.size()) &&
                       fcntl(fd, F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE) == 0;
  if (!written) {
    const int error = errno;
    close(fd);
    return -error;
  }
  image->fd = fd;
  image->text = kPageSize;
  return 0;
}

// The second layer: what a stub could execute if a guest instruction ever ran without SYSEMU. Calls are allowed from the stub's
// own page only. The legacy vsyscall page reaches the kernel by a page fault that SYSEMU does not see; the filter does,
// and turns it into SIGSYS.
static std::vector<sock_filter> MakeFilter() {
  static const uint32_t allowed[] = {SYS_mmap,  SYS_mprotect, SYS_munmap, SYS_madvise,    SYS_recvmsg,
                                     SYS_close, SYS_fcntl,    SYS_clone,  SYS_exit,       SYS_pause,
                                     SYS_exit_group};
  const uint32_t ip = offsetof(seccomp_data, instruction_pointer);
  std::vector<sock_filter> program;
  const auto load = [&](uint32_t offset) { program.push_back(BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offset)); };
  const auto result = [&](uint32_t value) { program.push_back(BPF_STMT(BPF_RET | BPF_K, value)); };
  load(offsetof(seccomp_data, arch));
  program.push_back(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AUDIT_ARCH_X86_64, 1, 0));
  result(SECCOMP_RET_KILL_PROCESS);
  load(ip + 4);
  program.push_back(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0xffffffff, 0, 1));
  result(SECCOMP_RET_TRAP);
  program.push_back(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, static_cast<uint32_t>(kStubText >> 32), 1, 0));
  result(SECCOMP_RET_KILL_PROCESS);
  load(ip);
  program.push_back(BPF_STMT(BPF_ALU | BPF_AND | BPF_K, 0xfffff000));
  program.push_back(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, static_cast<uint32_t>(kStubText), 1, 0));
  result(SECCOMP_RET_KILL_PROCESS);
  load(offsetof(seccomp_data, nr));
  for (const uint32_t number : allowed) {
    program.push_back(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, number, 0, 1));
    result(SECCOMP_RET_ALLOW);
  }
  result(SECCOMP_RET_KILL_PROCESS);
  return program;
}

// The page that every stub maps read-only: a message header for recvmsg at kMessageAddress, the filter at kFilterAddress.
int MakeConstants(uint8_t* block) {
  auto* message = reinterpret_cast<msghdr*>(block);
  auto* vector = reinterpret_cast<iovec*>(block + 128);
  vector->iov_base = reinterpret_cast<void*>(kStubScratch);
  vector->iov_len = 1;
  message->msg_iov = reinterpret_cast<iovec*>(kStubConstants + 128);
  message->msg_iovlen = 1;
  message->msg_control = reinterpret_cast<void*>(kStubScratch + 64);
  message->msg_controllen = CMSG_SPACE(sizeof(int));
  const std::vector<sock_filter> program = MakeFilter();
  auto* filter = reinterpret_cast<sock_fprog*>(block + 256);
  if (512 + program.size() * sizeof(sock_filter) > kPageSize) return -E2BIG;
  filter->len = static_cast<unsigned short>(program.size());
  filter->filter = reinterpret_cast<sock_filter*>(kStubConstants + 512);
  memcpy(block + 512, program.data(), program.size() * sizeof(sock_filter));
  return 0;
}

}  // namespace stub
