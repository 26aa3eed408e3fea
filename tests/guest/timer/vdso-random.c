// __vdso_getrandom (vdso(7), random(4)): state that a library keeps, in the way of glibc 2.41; threads, forks, handlers in the middle.
// guest: linux 6.11
#include "../guest.h"
#include "vdso.h"
#include <pthread.h>
#include <sys/random.h>

#ifndef MAP_DROPPABLE
#define MAP_DROPPABLE 0x08
#endif
#define MANY (3 << 20)

struct parameters {
  uint32_t state_size, protection, flags, reserved[13];
};

static ssize_t (*v_random)(void *, size_t, unsigned, void *, size_t);
static struct parameters parameters;
static char *states;
static volatile sig_atomic_t handled;

static bool all_different(unsigned char (*made)[32], int count) {
  for (int i = 0; i < count; i++)
    for (int j = 0; j < i; j++)
      if (memcmp(made[i], made[j], 32) == 0) return false;
  return true;
}

// Bits of a fair coin: within eight standard deviations of the middle; and as many equal neighbours as there should be.
static bool looks_random(const unsigned char *bytes, size_t count) {
  size_t ones = 0, runs = 0;
  for (size_t i = 0; i < count; i++) ones += __builtin_popcount(bytes[i]), runs += i > 0 && bytes[i] == bytes[i - 1];
  double off = (double)ones - count * 4.0;
  return off * off < 64 * count * 2.0 && (count < 65536 || (runs > count / 512 && runs < count / 128));
}

static void *thread(void *at) {
  unsigned char (*out)[32] = at;
  char *state = mmap(NULL, PAGE, parameters.protection, parameters.flags, -1, 0);
  for (int i = 0; i < 8; i++) v_random(out[i], 32, 0, state, parameters.state_size);
  return NULL;
}

static void on_alarm(int number) {
  (void)number;
  unsigned char bytes[32];
  if (v_random(bytes, 32, 0, states, parameters.state_size) == 32) handled++;
}

static void in_handlers(void) {
  static unsigned char bytes[200];
  struct itimerval often = {{0, 300}, {0, 300}}, never = {0};
  signal(SIGALRM, on_alarm);
  setitimer(ITIMER_REAL, &often, NULL);
  bool good = true;
  while (handled < 200) good = good && v_random(bytes, sizeof bytes, 0, states, parameters.state_size) == sizeof bytes;
  setitimer(ITIMER_REAL, &never, NULL);
  TRUE(good);
}

int guest(int argc, char **argv) {
  (void)argc, (void)argv;
  *(void **)&v_random = lookup("__vdso_getrandom", "LINUX_2.6");
  TRUE(v_random != NULL);
  if (v_random == NULL) return 1;
  CHECK(v_random(NULL, 0, 0, &parameters, ~0UL));
  printf("protection %x flags %x\n", parameters.protection, parameters.flags);
  TRUE(parameters.state_size > 0 && parameters.state_size <= PAGE);
  uint32_t size = parameters.state_size;
  states = mmap(NULL, PAGE, parameters.protection, parameters.flags, -1, 0);
  TRUE(states != MAP_FAILED);

  static unsigned char made[26][32], many[MANY];
  for (int i = 0; i < 8; i++) CHECK(v_random(made[i], 32, 0, states, size));
  CHECK(v_random(NULL, 0, 0, states, size));
  CHECK(v_random(many, 1, GRND_NONBLOCK, states, size));
  CHECK(v_random(many, 1, GRND_INSECURE, states, size));
  CHECK(v_random(many, 1, 0x100, states, size));
  CHECK(v_random(many, 1, 0, states, size + 1));
  errno = 0;
  CHECK(v_random(many, 1, 0, states + PAGE - 8, size));
  for (int i = 1; i <= 300; i++)
    if (v_random(many + i * 300, i, 0, states, size) != i || (i > 20 && !looks_random(many + i * 300, i))) printf("%d bytes\n", i);
  CHECK(v_random(many, MANY, 0, states, size));
  TRUE(looks_random(many, MANY));

  unsigned char (*shared)[32] = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  IN_CHILD("child", v_random(shared[0], 32, 0, states, size));
  memcpy(made[8], shared[0], 32);
  v_random(made[9], 32, 0, states, size);
  pthread_t threads[1];
  pthread_create(threads, NULL, thread, made[10]);
  thread(made[18]);
  pthread_join(threads[0], NULL);
  TRUE(all_different(made, 26));
  in_handlers();
  return 0;
}
