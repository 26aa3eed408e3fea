// shmget(2), shmat(2), shmdt(2), shmctl(2): attaching, sharing, permissions, removal, what IPC_STAT tells.
#include "../guest.h"
#include <sys/ipc.h>
#include <sys/shm.h>

static void show(int id) {
  struct shmid_ds d;
  CHECK(shmctl(id, IPC_STAT, &d));
  printf("size %zu mode %o attaches %lu creator %d last %d attached %d detached %d changed %d mine %d\n", d.shm_segsz,
         d.shm_perm.mode, d.shm_nattch, d.shm_cpid == getpid(), d.shm_lpid == getpid(), d.shm_atime != 0, d.shm_dtime != 0,
         d.shm_ctime != 0, d.shm_perm.uid == geteuid() && d.shm_perm.cgid == getegid());
}

static void private_segment(void) {
  int id = MUST(shmget(IPC_PRIVATE, 10000, IPC_CREAT | 0600));
  show(id);
  char *p = shmat(id, NULL, 0);
  TRUE(p != (void *)-1);
  show(id);
  TRUE(p[0] == 0 && p[12287] == 0);
  strcpy(p, "hello");
  char *q = shmat(id, NULL, SHM_RDONLY);
  printf("%s\n", q);
  show(id);
  CHECK(mprotect(q, PAGE, PROT_READ | PROT_WRITE));
  CHECK(shmdt(q));
  CHECK(shmdt(q));
  CHECK(shmdt(p + 1));
  IN_CHILD("child", printf("%s\n", p); strcpy(p, "from child"); show(id));
  printf("%s\n", p);
  show(id);
  CHECK(shmat(id, p, 0));
  OK(shmat(id, p, SHM_REMAP));
  show(id);
  CHECK(shmat(id, p + 1, 0));
  CHECK(shmat(id, NULL, SHM_REMAP));
  CHECK(shmctl(id, IPC_RMID, NULL));
  show(id);
  OK(q = shmat(id, NULL, 0));
  printf("%s\n", q);
  CHECK(shmdt(q));
  CHECK(shmdt(p));
  CHECK(shmat(id, NULL, 0));
  CHECK(shmctl(id, IPC_STAT, &(struct shmid_ds){0}));
  CHECK(shmctl(id, IPC_RMID, NULL));
}

static void keyed(void) {
  key_t key = 0x5eed0000 ^ getpid();
  CHECK(shmget(key, 4096, 0600));
  int id = MUST(shmget(key, 4096, IPC_CREAT | IPC_EXCL | 0640));
  CHECK(shmget(key, 4096, IPC_CREAT | IPC_EXCL | 0640));
  TRUE(shmget(key, 4096, 0) == id);
  TRUE(shmget(key, 100, IPC_CREAT) == id);
  CHECK(shmget(key, 4097, 0));
  CHECK(shmget(IPC_PRIVATE, 0, 0600));
  CHECK(shmget(IPC_PRIVATE, (size_t)-1, 0600));
  CHECK(shmctl(id, 999, NULL));
  CHECK(shmctl(-1, IPC_STAT, NULL));
  CHECK(shmctl(id, IPC_STAT, (void *)8));
  struct shmid_ds d;
  MUST(shmctl(id, IPC_STAT, &d));
  TRUE(d.shm_perm.__key == key);
  d.shm_perm.mode = 0444;
  CHECK(shmctl(id, IPC_SET, &d));
  show(id);
  CHECK(shmctl(id, SHM_LOCK, NULL));
  show(id);
  CHECK(shmctl(id, SHM_UNLOCK, NULL));
  MUST(shmctl(id, IPC_RMID, NULL));
  CHECK(shmget(key, 4096, 0));
}

static void limits(void) {
  struct shminfo info;
  TRUE(shmctl(0, IPC_INFO, (void *)&info) >= 0);
  printf("max %lu min %lu ids %lu seg %lu all %lu\n", info.shmmax, info.shmmin, info.shmmni, info.shmseg, info.shmall);
  struct shm_info use;
  TRUE(shmctl(0, SHM_INFO, (void *)&use) >= 0);
}

static void partly(void) {
  int id = MUST(shmget(IPC_PRIVATE, 8 * PAGE, 0600));
  char *p = shmat(id, NULL, 0);
  CHECK(munmap(p + 2 * PAGE, PAGE));
  show(id);
  CHECK(shmdt(p));
  show(id);
  MUST(shmctl(id, IPC_RMID, NULL));
}

static void others(void) {
  int id = MUST(shmget(IPC_PRIVATE, PAGE, 0600));
  IN_CHILD("no rights", if (geteuid() == 0) {
    MUST(setgid(65533));
    MUST(setuid(65533));
    CHECK(shmat(id, NULL, 0));
    CHECK(shmctl(id, IPC_STAT, &(struct shmid_ds){0}));
    CHECK(shmctl(id, IPC_RMID, NULL));
    CHECK(shmctl(id, SHM_LOCK, NULL));
  } else {
    errno = EACCES;
    report("shmat(id, NULL, 0)", -1);
    report("shmctl(id, IPC_STAT, &(struct shmid_ds){0})", -1);
    errno = EPERM;
    report("shmctl(id, IPC_RMID, NULL)", -1);
    report("shmctl(id, SHM_LOCK, NULL)", -1);
  });
  MUST(shmctl(id, IPC_RMID, NULL));
}

int guest(int argc, char **argv) {
  (void)argc, (void)argv;
  private_segment();
  keyed();
  limits();
  partly();
  others();
  return 0;
}
