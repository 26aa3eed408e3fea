// A dynamically linked, position-independent program: interpreter, libraries, auxv, dlopen, thread-local storage.
// guest: dynamic
#include "../guest.h"
#include <dlfcn.h>
#include <elf.h>
#include <pthread.h>
#include <sys/auxv.h>

static _Thread_local int local = 3;

static void *thread(void *arg) {
  (void)arg;
  return (void *)(intptr_t)++local;
}

int guest(int argc, char **argv) {
  (void)argc, (void)argv;
  TRUE(getauxval(AT_BASE) != 0 && (getauxval(AT_BASE) & 4095) == 0);
  TRUE(memcmp((void *)getauxval(AT_BASE), ELFMAG, SELFMAG) == 0);
  TRUE(getauxval(AT_ENTRY) > getauxval(AT_PHDR));
  const Elf64_Phdr *ph = (void *)getauxval(AT_PHDR);
  for (unsigned long i = 0; i < getauxval(AT_PHNUM); i++)
    if (ph[i].p_type == PT_INTERP) printf("interpreter %s\n", (char *)getauxval(AT_PHDR) - ph[0].p_vaddr + ph[i].p_vaddr);
  void *m = dlopen("libm.so.6", RTLD_NOW);
  double (*root)(double) = m ? (double (*)(double))dlsym(m, "sqrt") : NULL;
  printf("sqrt %.1f\n", root ? root(2.25) : -1.0);
  TRUE(dlopen("libnone.so", RTLD_NOW) == NULL);
  Dl_info info;
  TRUE(dladdr((void *)printf, &info) != 0 && strstr(info.dli_fname, "libc.so.6") != NULL);
  pthread_t t;
  void *result;
  pthread_create(&t, NULL, thread, NULL);
  pthread_join(t, &result);
  printf("thread-local %ld %d\n", (long)result, local);
  FILE *f = popen("echo from a shell | tr a-z A-Z", "r");
  char line[100] = "";
  TRUE(f != NULL && fgets(line, 100, f) != NULL);
  printf("%s", line);
  print_status("pclose", pclose(f));
  print_status("system", system("exit 7"));
  print_status("system kill", system("kill -9 $$"));
  print_status("pipeline", system("printf 'b\\na\\n' | sort | head -1; false | true"));
  return 0;
}
