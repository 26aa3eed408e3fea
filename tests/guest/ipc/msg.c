// msgget(2), msgsnd(2), msgrcv(2), msgctl(2): types, order, full queues, waiters.
#include "../guest.h"
#include <sys/ipc.h>
#include <sys/msg.h>
#ifndef MSG_COPY
#define MSG_COPY 040000
#endif

struct message {
  long type;
  char text[64];
};

static int put(int id, long type, const char *text, int flags) {
  struct message m = {type, ""};
  strcpy(m.text, text);
  return msgsnd(id, &m, strlen(text) + 1, flags);
}

static void get(int id, long type, size_t size, int flags) {
  struct message m = {0, ""};
  errno = 0;
  long n = msgrcv(id, &m, size, type, flags);
  if (n < 0) printf("get %ld: %s\n", type, strerrorname_np(errno));
  else printf("get %ld: %ld bytes type %ld '%.*s'\n", type, n, m.type, (int)n, m.text);
}

static void show(int id) {
  struct msqid_ds d;
  CHECK(msgctl(id, IPC_STAT, &d));
  printf("messages %lu bytes %lu most %lu mode %o sent %d received %d sender %d receiver %d\n", d.msg_qnum, d.__msg_cbytes,
         d.msg_qbytes, d.msg_perm.mode, d.msg_stime != 0, d.msg_rtime != 0, d.msg_lspid == getpid(), d.msg_lrpid == getpid());
}

static void types(void) {
  int id = MUST(msgget(IPC_PRIVATE, 0600));
  show(id);
  CHECK(put(id, 3, "three", 0));
  CHECK(put(id, 1, "one", 0));
  CHECK(put(id, 2, "two", 0));
  CHECK(put(id, 3, "three again", 0));
  CHECK(put(id, 0, "zero", 0));
  CHECK(put(id, -1, "less", 0));
  show(id);
  get(id, 1, 64, MSG_COPY | IPC_NOWAIT);
  get(id, 9, 64, MSG_COPY | IPC_NOWAIT);
  get(id, 1, 64, MSG_COPY);
  get(id, -2, 64, 0);
  get(id, 3, 2, 0);
  get(id, 3, 2, MSG_NOERROR);
  get(id, 3, 64, MSG_EXCEPT);
  get(id, 7, 64, IPC_NOWAIT);
  get(id, 0, 64, 0);
  get(id, 0, 64, IPC_NOWAIT);
  show(id);
  CHECK(msgsnd(id, (void *)8, 1, 0));
  struct message m = {1, ""};
  CHECK(msgsnd(id, &m, 8193, 0));
  CHECK(msgsnd(id, &m, -1, 0));
  CHECK(msgsnd(-1, &m, 1, 0));
  CHECK(msgrcv(id, &m, -1, 0, 0));
  CHECK(msgctl(id, 77, NULL));
  struct msqid_ds d;
  MUST(msgctl(id, IPC_STAT, &d));
  d.msg_qbytes = 8;
  d.msg_perm.mode = 0622;
  CHECK(msgctl(id, IPC_SET, &d));
  CHECK(put(id, 1, "1234567", 0));
  CHECK(put(id, 1, "x", IPC_NOWAIT));
  show(id);
  CHECK(msgctl(id, IPC_RMID, NULL));
  CHECK(put(id, 1, "x", 0));
  get(id, 0, 64, 0);
}

static void waiting(void) {
  int id = MUST(msgget(IPC_PRIVATE, 0600));
  int ready[2];
  MUST(pipe(ready));
  fflush(stdout);
  pid_t child = MUST(fork());
  if (child == 0) {
    MUST(write(ready[1], "", 1));
    get(id, 5, 64, 0);
    MUST(put(id, 6, "answer", 0));
    _exit(0);
  }
  char c;
  MUST(read(ready[0], &c, 1));
  sleep_ms(20);
  MUST(put(id, 4, "not this", 0));
  MUST(put(id, 5, "this", 0));
  get(id, 6, 64, 0);
  MUST(waitpid(child, NULL, 0));
  get(id, 0, 64, 0);

  struct msqid_ds d;
  MUST(msgctl(id, IPC_STAT, &d));
  d.msg_qbytes = 4;
  MUST(msgctl(id, IPC_SET, &d));
  MUST(put(id, 1, "abc", 0));
  fflush(stdout);
  pid_t sender = MUST(fork());
  if (sender == 0) {
    MUST(write(ready[1], "", 1));
    _exit(put(id, 2, "def", 0) == 0 ? 7 : 8);
  }
  MUST(read(ready[0], &c, 1));
  sleep_ms(20);
  get(id, 1, 64, 0);
  int status;
  MUST(waitpid(sender, &status, 0));
  print_status("sender", status);
  get(id, 0, 64, 0);

  fflush(stdout);
  pid_t removed = MUST(fork());
  if (removed == 0) {
    MUST(write(ready[1], "", 1));
    get(id, 0, 64, 0);
    _exit(0);
  }
  MUST(read(ready[0], &c, 1));
  sleep_ms(20);
  MUST(msgctl(id, IPC_RMID, NULL));
  MUST(waitpid(removed, NULL, 0));
}

static void keyed(void) {
  key_t key = 0x3e550000 ^ getpid();
  CHECK(msgget(key, 0));
  int id = MUST(msgget(key, IPC_CREAT | IPC_EXCL | 0600));
  CHECK(msgget(key, IPC_CREAT | IPC_EXCL | 0600));
  TRUE(msgget(key, 0) == id);
  MUST(msgctl(id, IPC_RMID, NULL));
}

int guest(int argc, char **argv) {
  (void)argc, (void)argv;
  types();
  waiting();
  keyed();
  struct msginfo info;
  TRUE(msgctl(0, IPC_INFO, (void *)&info) >= 0);
  printf("max %d queue %d ids %d map %d pool %d size %d messages %d segments %d\n", info.msgmax, info.msgmnb, info.msgmni,
         info.msgmap, info.msgpool, info.msgssz, info.msgtql, info.msgseg);
  return 0;
}
