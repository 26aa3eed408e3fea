// execve(2), execveat(2): errors, scripts, argument limits, what survives.
// guest: args start
#include "../guest.h"
#include <sys/auxv.h>

extern char **environ;

static void describe(int argc, char **argv) {
  printf("argc %d:", argc);
  for (int i = 0; i < argc; i++) {
    const char *base = strrchr(argv[i], '/');
    printf(" [%s]", strncmp(argv[i], "/tmp/guest.", 11) == 0 ? base : strlen(argv[i]) > 60 ? "long" : argv[i]);
  }
  printf("\n");
  int count = 0;
  for (char **e = environ; *e; e++) count++;
  const char *path = (const char *)getauxval(AT_EXECFN);
  printf("env %d X=%s execfn %s\n", count, getenv("X"), path && strrchr(path, '/') ? strrchr(path, '/') : "none");
  sigset_t set;
  sigprocmask(0, NULL, &set);
  struct sigaction action;
  sigaction(SIGUSR2, NULL, &action);
  printf("USR1 blocked %d, USR2 ignored %d,", sigismember(&set, SIGUSR1), action.sa_handler == SIG_IGN);
  sigaction(SIGTERM, NULL, &action);
  printf(" TERM default %d, pending %d\n", action.sa_handler == SIG_DFL, sigpending(&set) == 0 && sigismember(&set, SIGUSR1));
  char comm[32] = {0};
  int fd = open("/proc/self/comm", O_RDONLY);
  read(fd, comm, 31);
  printf("comm %s", comm);
}

static void copy_self(const char *to, int mode) {
  int in = MUST(open("/proc/self/exe", O_RDONLY)), out = MUST(open(to, O_CREAT | O_WRONLY, 0700));
  static char buf[65536];
  long n;
  while ((n = read(in, buf, sizeof buf)) > 0) MUST(write(out, buf, n));
  close(in), close(out);
  chmod(to, mode);
}

static void script(const char *name, const char *content) {
  put_file(name, content);
  chmod(name, 0755);
}

static void errors(void) {
  char *args[] = {"x", NULL}, *env[] = {NULL};
  CHECK(execve("none", args, env));
  CHECK(execve("", args, env));
  CHECK(execve(".", args, env));
  put_file("plain", "hello");
  CHECK(execve("plain", args, env));
  chmod("plain", 0755);
  CHECK(execve("plain", args, env));
  CHECK(execve("plain/x", args, env));
  script("empty", "");
  CHECK(execve("empty", args, env));
  script("shebang", "#!");
  CHECK(execve("shebang", args, env));
  script("blank", "#!   \n");
  CHECK(execve("blank", args, env));
  script("missing", "#!/no/such/program\n");
  CHECK(execve("missing", args, env));
  script("loop", "#!./loop\n");
  CHECK(execve("loop", args, env));
  script("dir", "#!/tmp\n");
  CHECK(execve("dir", args, env));
  script("elf", "\177ELF\2\1\1");
  CHECK(execve("elf", args, env));
  int fd = MUST(open("busy", O_CREAT | O_RDWR, 0755));
  CHECK(execve("busy", args, env));
  close(fd);
  char *big = malloc(200000);
  memset(big, 'a', 200000);
  big[131071] = 0;
  char *large[] = {"x", "ok", NULL};
  big[131072] = 0, big[131071] = 'a';
  large[1] = big;
  CHECK(execve("/bin/true", large, env));
  CHECK(syscall(SYS_execveat, AT_FDCWD, "none", args, env, 0));
  CHECK(syscall(SYS_execveat, 99, "x", args, env, 0));
  CHECK(syscall(SYS_execveat, AT_FDCWD, "", args, env, AT_EMPTY_PATH));
  CHECK(syscall(SYS_execveat, AT_FDCWD, "plain", args, env, 0x4));
  symlink("plain", "link");
  CHECK(syscall(SYS_execveat, AT_FDCWD, "link", args, env, AT_SYMLINK_NOFOLLOW));
}

static void successes(void) {
  char *env[] = {"X=y", "A=b", NULL};
  copy_self("self", 0755);
  char path[100], line[300];
  sprintf(path, "%s/self", scratch_path);
  IN_CHILD("plain", execve("./self", (char *[]){"name", "show", "a", "", "b c", NULL}, env));
  IN_CHILD("no arguments", execve("./self", (char *[]){NULL}, env));
  sprintf(line, "#!%s show\n", path);
  script("s1", line);
  IN_CHILD("script", execve("./s1", (char *[]){"ignored", "1", "2", NULL}, env));
  sprintf(line, "#! \t%s show  with spaces \t\n", path);
  script("s2", line);
  IN_CHILD("script with argument", execve("./s2", (char *[]){"ignored", "1", NULL}, env));
  script("s3", "#!./s2\n");
  IN_CHILD("script of a script", execve("./s3", (char *[]){"ignored", "1", NULL}, env));
  int fd = MUST(open("self", O_PATH | O_CLOEXEC));
  IN_CHILD("by descriptor", syscall(SYS_execveat, fd, "", (char *[]){"fd", "show", NULL}, env, AT_EMPTY_PATH));
  fd = MUST(open("s1", O_RDONLY | O_CLOEXEC));
  IN_CHILD("script by closed descriptor", {
    CHECK(syscall(SYS_execveat, fd, "", (char *[]){"fd", "show", NULL}, env, AT_EMPTY_PATH));
  });
  IN_CHILD("signals", {
    signal(SIGUSR2, SIG_IGN);
    signal(SIGTERM, exit);
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    sigprocmask(SIG_BLOCK, &set, NULL);
    raise(SIGUSR1);
    execve("./self", (char *[]){"x", "show", NULL}, env);
  });
  char *many[2002];
  for (int i = 0; i < 2000; i++) many[i] = i == 1 ? "count" : "argument-of-some-length";
  many[2000] = NULL;
  IN_CHILD("many arguments", execve("./self", many, env));
  char *long_argument = malloc(131072);
  memset(long_argument, 'L', 131071);
  long_argument[131071] = 0;
  IN_CHILD("longest argument", execve("./self", (char *[]){"x", "count", long_argument, NULL}, env));
}

int guest(int argc, char **argv) {
  if (argc < 2 || strcmp(argv[1], "start") != 0) {
    if (argc > 1 && strcmp(argv[1], "count") == 0) {
      size_t total = 0;
      for (int i = 0; i < argc; i++) total += strlen(argv[i]) + 1;
      printf("%d arguments, %zu bytes\n", argc, total);
    } else
      describe(argc, argv);
    return 17;
  }
  scratch();
  errors();
  successes();
  return 0;
}
