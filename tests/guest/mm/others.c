// process_vm_readv(2), process_vm_writev(2), remap_file_pages(2), pkey_alloc(2), mbind(2) and its family, process_mrelease(2).
#include "../guest.h"
#include <linux/mempolicy.h>
#include <sys/uio.h>
#ifndef SYS_process_mrelease
#define SYS_process_mrelease 448
#endif

static pid_t start_child(char *p, int *ends) {
  int up[2], down[2];
  MUST(pipe(up));
  MUST(pipe(down));
  pid_t child = MUST(fork());
  if (child == 0) {
    char c;
    strcpy(p, "of the child");
    MUST(munmap(p + 2 * PAGE, PAGE));
    MUST(mprotect(p + PAGE, PAGE, PROT_READ));
    MUST(write(up[1], "r", 1));
    if (read(down[0], &c, 1) == 1) printf("child has '%s'\n", p + 3);
    fflush(stdout);
    _exit(0);
  }
  char c;
  MUST(read(up[0], &c, 1));
  ends[0] = up[0], ends[1] = down[1];
  return child;
}

static void between_processes(void) {
  char *p = map_pages(3, PROT_READ | PROT_WRITE);
  strcpy(p, "of the parent");
  int ends[2];
  fflush(stdout);
  pid_t child = start_child(p, ends);
  char text[64] = "";
  struct iovec here[2] = {{text, 3}, {text + 3, 20}};
  struct iovec there[2] = {{p, 13}, {p + 7, 4}};
  CHECK(process_vm_readv(child, here, 2, there, 2, 0));
  printf("'%.17s'\n", text);
  CHECK(process_vm_readv(child, here, 2, there, 1, 1));
  CHECK(process_vm_readv(child, here, 2000, there, 1, 0));
  CHECK(process_vm_readv(child, here, 2, there, 2000, 0));
  CHECK(process_vm_readv(child, here, 0, there, 1, 0));
  CHECK(process_vm_readv(child, here, 1, there, 0, 0));
  CHECK(process_vm_readv(99999999, here, 1, there, 1, 0));
  CHECK(process_vm_readv(child, (void *)8, 1, there, 1, 0));
  CHECK(process_vm_readv(child, here, 1, (void *)8, 1, 0));
  char *big = map_pages(3, PROT_READ | PROT_WRITE);
  struct iovec whole = {big, 3 * PAGE}, across = {p, 3 * PAGE}, past = {p + 2 * PAGE, 8};
  CHECK(process_vm_readv(child, &whole, 1, &across, 1, 0));
  CHECK(process_vm_readv(child, &whole, 1, &past, 1, 0));
  struct iovec wrong = {(void *)-1L, -1L};
  CHECK(process_vm_readv(child, &whole, 1, &wrong, 1, 0));
  strcpy(text, "written");
  struct iovec from = {text, 8}, to = {p + 3, 8}, locked = {p + PAGE, 8}, edge = {p + PAGE - 4, 8};
  CHECK(process_vm_writev(child, &from, 1, &to, 1, 0));
  CHECK(process_vm_writev(child, &from, 1, &locked, 1, 0));
  CHECK(process_vm_writev(child, &from, 1, &edge, 1, 0));
  struct iovec unreadable = {(void *)8, 8};
  CHECK(process_vm_writev(child, &unreadable, 1, &to, 1, 0));
  MUST(write(ends[1], "g", 1));
  int status;
  MUST(waitpid(child, &status, 0));
  print_status("child", status);
  CHECK(process_vm_readv(child, here, 1, there, 1, 0));
  CHECK(process_vm_readv(getpid(), here, 1, there, 1, 0));
}

static void scattered_file(void) {
  int fd = MUST(memfd_create("pages", 0));
  for (int i = 0; i < 4; i++) {
    char page[PAGE];
    memset(page, 'a' + i, PAGE);
    MUST(write(fd, page, PAGE));
  }
  char *p = mmap(NULL, 4 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  CHECK(syscall(SYS_remap_file_pages, p, PAGE, 0, 3, 0));
  CHECK(syscall(SYS_remap_file_pages, p + PAGE, PAGE, 0, 2, 0));
  CHECK(syscall(SYS_remap_file_pages, p + 3 * PAGE, PAGE, 0, 0, 0));
  printf("%c%c%c%c\n", p[0], p[PAGE], p[2 * PAGE], p[3 * PAGE]);
  p[3 * PAGE] = 'A';
  char c;
  CHECK(pread(fd, &c, 1, 0));
  printf("%c\n", c);
  CHECK(syscall(SYS_remap_file_pages, p, PAGE, PROT_READ, 1, 0));
  CHECK(syscall(SYS_remap_file_pages, p + 1, PAGE, 0, 1, 0));
  CHECK(syscall(SYS_remap_file_pages, p, 0, 0, 1, 0));
  CHECK(syscall(SYS_remap_file_pages, p, PAGE, 0, -1L, 0));
  CHECK(syscall(SYS_remap_file_pages, NULL, PAGE, 0, 1, 0));
  char *anonymous = map_pages(1, PROT_READ);
  CHECK(syscall(SYS_remap_file_pages, anonymous, PAGE, 0, 0, 0));
}

static void keys(void) {
  char *p = map_pages(1, PROT_READ | PROT_WRITE);
  CHECK(syscall(SYS_pkey_mprotect, p, PAGE, PROT_READ, -1));
  CHECK(syscall(SYS_pkey_mprotect, p, PAGE, PROT_READ, 15));
  CHECK(syscall(SYS_pkey_alloc, 1, 0));
  CHECK(syscall(SYS_pkey_alloc, 0, 4));
  CHECK(syscall(SYS_pkey_free, 15));
  CHECK(syscall(SYS_pkey_free, -1));
}

static void nodes(void) {
  unsigned long mask = 1, far = 1UL << 40;
  int mode = 99;
  char *p = map_pages(4, PROT_READ | PROT_WRITE);
  *p = 1;
  CHECK(syscall(SYS_get_mempolicy, &mode, NULL, 0, NULL, 0));
  printf("mode %d\n", mode);
  CHECK(syscall(SYS_get_mempolicy, &mode, &mask, 64, p, MPOL_F_ADDR));
  CHECK(syscall(SYS_get_mempolicy, &mode, NULL, 0, p, MPOL_F_NODE | MPOL_F_ADDR));
  printf("node %d\n", mode);
  CHECK(syscall(SYS_get_mempolicy, &mode, NULL, 0, p, 0));
  CHECK(syscall(SYS_get_mempolicy, &mode, NULL, 0, NULL, 77));
  CHECK(syscall(SYS_get_mempolicy, NULL, &mask, 64, NULL, MPOL_F_MEMS_ALLOWED));
  printf("nodes %lx\n", mask);
  mask = 1;
  CHECK(syscall(SYS_mbind, p, 4 * PAGE, MPOL_BIND, &mask, 64, 0));
  CHECK(syscall(SYS_mbind, p, 4 * PAGE, MPOL_BIND, &far, 64, 0));
  CHECK(syscall(SYS_mbind, p, 4 * PAGE, 77, &mask, 64, 0));
  CHECK(syscall(SYS_mbind, p + 1, 4 * PAGE, MPOL_BIND, &mask, 64, 0));
  CHECK(syscall(SYS_mbind, p, 4 * PAGE, MPOL_DEFAULT, NULL, 0, 0));
  CHECK(syscall(SYS_mbind, p, 4 * PAGE, MPOL_DEFAULT, NULL, 0, 77));
  CHECK(syscall(SYS_set_mempolicy, MPOL_PREFERRED, &mask, 64));
  CHECK(syscall(SYS_set_mempolicy, MPOL_DEFAULT, NULL, 0));
  CHECK(syscall(SYS_set_mempolicy, 99, NULL, 0));
  void *pages[2] = {p, p + PAGE};
  int status[2] = {7, 7};
  CHECK(syscall(SYS_move_pages, 0, 2, pages, NULL, status, 0));
  // Linux says ENOENT for a page that was not touched; it may be there all the same.
  printf("%d %s\n", status[0], status[1] == 0 || status[1] == -ENOENT ? "0 or ENOENT" : "?");
  CHECK(syscall(SYS_migrate_pages, 0, 64, &mask, &mask));
}

static void release(void) {
  CHECK(syscall(SYS_process_mrelease, -1, 0));
  pid_t child = MUST(fork());
  if (child == 0) {
    pause();
    _exit(0);
  }
  int fd = MUST(syscall(SYS_pidfd_open, child, 0));
  CHECK(syscall(SYS_process_mrelease, fd, 1));
  CHECK(syscall(SYS_process_mrelease, 0, 0));
  CHECK(syscall(SYS_process_mrelease, fd, 0));
  MUST(kill(child, SIGKILL));
  // Whether the dying process still has its memory is a matter of luck.
  errno = 0;
  long result = syscall(SYS_process_mrelease, fd, 0);
  TRUE(result == 0 || errno == ESRCH);
  MUST(waitpid(child, NULL, 0));
  CHECK(syscall(SYS_process_mrelease, fd, 0));
}

int guest(int argc, char **argv) {
  (void)argc, (void)argv;
  between_processes();
  scattered_file();
  keys();
  nodes();
  release();
  return 0;
}
