// Places that make system calls, in the shapes that a sandbox may patch, and often enough that it does.
#include "../guest.h"
#include <ucontext.h>

#define OFTEN 120

// A function that makes call `nr` with the C arguments of syscalls of up to three.
#define SITE_EAX(name, nr) \
  long name(long a, long b, long c); \
  asm(".text\n.globl " #name "\n" #name ":\n mov $" #nr ", %eax\n syscall\n ret\n")
#define SITE_RAX(name, nr) \
  long name(long a, long b, long c); \
  asm(".text\n.globl " #name "\n" #name ":\n .byte 0x48, 0xc7, 0xc0\n .long " #nr "\n syscall\n ret\n")

extern char __executable_start[], etext[];

__attribute__((unused)) static bool in_text(unsigned long rip) {
  return rip >= (unsigned long)__executable_start && rip < (unsigned long)etext;
}
