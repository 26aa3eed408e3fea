// semget(2), semop(2), semtimedop(2), semctl(2): values, blocking in order, SEM_UNDO, removal under waiters.
#include "../guest.h"
#include <sys/ipc.h>
#include <sys/sem.h>

union semun {
  int val;
  struct semid_ds *buf;
  unsigned short *array;
  struct seminfo *info;
};

static int op(int id, int number, int operation, int flags) {
  struct sembuf b = {number, operation, flags};
  return semop(id, &b, 1);
}

static int value(int id, int number) { return semctl(id, number, GETVAL); }

static void wait_for(int id, int number, int command, int count) {
  while (semctl(id, number, command) != count) sleep_ms(2);
}

static void values(void) {
  int id = MUST(semget(IPC_PRIVATE, 3, 0600));
  CHECK(value(id, 0));
  CHECK(value(id, 3));
  CHECK(semctl(id, 1, SETVAL, (union semun){.val = 5}));
  CHECK(semctl(id, 1, SETVAL, (union semun){.val = 32768}));
  CHECK(semctl(id, 1, SETVAL, (union semun){.val = -1}));
  CHECK(op(id, 1, -2, 0));
  CHECK(value(id, 1));
  CHECK(op(id, 1, -4, IPC_NOWAIT));
  CHECK(op(id, 1, 0, IPC_NOWAIT));
  CHECK(op(id, 0, 0, 0));
  CHECK(op(id, 3, 1, 0));
  CHECK(op(id, 1, 32767, 0));
  struct sembuf both[2] = {{0, 1, 0}, {1, -9, IPC_NOWAIT}};
  CHECK(semop(id, both, 2));
  CHECK(value(id, 0));
  CHECK(semop(id, both, 0));
  CHECK(semop(id, both, 501));
  CHECK(semop(id, (void *)8, 1));
  CHECK(semop(-1, both, 1));
  unsigned short all[3] = {7, 8, 9};
  CHECK(semctl(id, 0, SETALL, (union semun){.array = all}));
  memset(all, 0, sizeof all);
  CHECK(semctl(id, 0, GETALL, (union semun){.array = all}));
  printf("%d %d %d\n", all[0], all[1], all[2]);
  all[2] = 40000;
  CHECK(semctl(id, 0, SETALL, (union semun){.array = all}));
  TRUE(semctl(id, 0, GETPID) == getpid());
  struct semid_ds d;
  CHECK(semctl(id, 0, IPC_STAT, (union semun){.buf = &d}));
  printf("count %lu mode %o operated %d changed %d\n", d.sem_nsems, d.sem_perm.mode, d.sem_otime != 0, d.sem_ctime != 0);
  d.sem_perm.mode = 0444;
  CHECK(semctl(id, 0, IPC_SET, (union semun){.buf = &d}));
  CHECK(semctl(id, 0, 99));
  CHECK(semctl(id, 0, IPC_RMID));
  CHECK(op(id, 0, 1, 0));
  CHECK(semctl(id, 0, IPC_RMID));
  CHECK(semget(IPC_PRIVATE, 0, 0600));
  CHECK(semget(IPC_PRIVATE, 32001, 0600));
  CHECK(semget(IPC_PRIVATE, -1, 0600));
}

static void keyed(void) {
  key_t key = 0x5e0a0000 ^ getpid();
  CHECK(semget(key, 1, 0));
  int id = MUST(semget(key, 2, IPC_CREAT | IPC_EXCL | 0600));
  CHECK(semget(key, 2, IPC_CREAT | IPC_EXCL | 0600));
  TRUE(semget(key, 0, 0) == id);
  CHECK(semget(key, 3, 0));
  MUST(semctl(id, 0, IPC_RMID));
}

static void blocking(void) {
  int id = MUST(semget(IPC_PRIVATE, 2, 0600));
  fflush(stdout);
  pid_t first = MUST(fork());
  if (first == 0) {
    CHECK(op(id, 0, -2, 0));
    MUST(op(id, 1, 1, 0));
    _exit(0);
  }
  wait_for(id, 0, GETNCNT, 1);
  CHECK(op(id, 0, 1, 0));
  CHECK(semctl(id, 0, GETNCNT));
  MUST(op(id, 0, 1, 0));
  CHECK(op(id, 1, -1, 0));
  CHECK(value(id, 0));
  MUST(waitpid(first, NULL, 0));

  MUST(op(id, 0, 1, 0));
  pid_t zero = MUST(fork());
  if (zero == 0) {
    CHECK(op(id, 0, 0, 0));
    _exit(0);
  }
  wait_for(id, 0, GETZCNT, 1);
  MUST(op(id, 0, -1, 0));
  MUST(waitpid(zero, NULL, 0));

  struct timespec soon = {0, 20000000};
  struct sembuf take = {0, -1, 0};
  CHECK(semtimedop(id, &take, 1, &soon));
  struct timespec bad = {0, 1000000000};
  CHECK(semtimedop(id, &take, 1, &bad));
  CHECK(semtimedop(id, &take, 1, (void *)8));

  fflush(stdout);
  pid_t gone = MUST(fork());
  if (gone == 0) {
    CHECK(op(id, 0, -1, 0));
    _exit(0);
  }
  wait_for(id, 0, GETNCNT, 1);
  MUST(semctl(id, 0, IPC_RMID));
  MUST(waitpid(gone, NULL, 0));
}

static void on_signal(int signal) { (void)signal; }

static void interrupted(void) {
  int id = MUST(semget(IPC_PRIVATE, 1, 0600));
  fflush(stdout);
  pid_t child = MUST(fork());
  if (child == 0) {
    struct sigaction a = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
    sigaction(SIGUSR1, &a, NULL);
    CHECK(op(id, 0, -1, 0));
    _exit(0);
  }
  wait_for(id, 0, GETNCNT, 1);
  MUST(kill(child, SIGUSR1));
  MUST(waitpid(child, NULL, 0));
  CHECK(semctl(id, 0, GETNCNT));
  pid_t killed = MUST(fork());
  if (killed == 0) _exit(op(id, 0, -1, 0));
  wait_for(id, 0, GETNCNT, 1);
  MUST(kill(killed, SIGKILL));
  MUST(waitpid(killed, NULL, 0));
  CHECK(semctl(id, 0, GETNCNT));
  MUST(semctl(id, 0, IPC_RMID));
}

static void undo(void) {
  int id = MUST(semget(IPC_PRIVATE, 2, 0600));
  MUST(semctl(id, 0, SETVAL, (union semun){.val = 3}));
  IN_CHILD("undo", CHECK(op(id, 0, -2, SEM_UNDO)); CHECK(op(id, 1, 4, SEM_UNDO)); CHECK(value(id, 0)));
  CHECK(value(id, 0));
  CHECK(value(id, 1));
  IN_CHILD("cleared", CHECK(op(id, 0, -2, SEM_UNDO)); CHECK(semctl(id, 0, SETVAL, (union semun){.val = 1})));
  CHECK(value(id, 0));
  IN_CHILD("fork starts fresh", CHECK(op(id, 0, 1, SEM_UNDO)); IN_CHILD("grandchild", CHECK(value(id, 0))); CHECK(value(id, 0)));
  CHECK(value(id, 0));
  MUST(semctl(id, 0, IPC_RMID));
}

static void limits(void) {
  struct seminfo s;
  TRUE(semctl(0, 0, IPC_INFO, (union semun){.info = &s}) >= 0);
  printf("%d %d %d %d %d %d %d %d %d %d\n", s.semmap, s.semmni, s.semmns, s.semmnu, s.semmsl, s.semopm, s.semume, s.semusz,
         s.semvmx, s.semaem);
}

int guest(int argc, char **argv) {
  (void)argc, (void)argv;
  values();
  keyed();
  blocking();
  interrupted();
  undo();
  limits();
  return 0;
}
