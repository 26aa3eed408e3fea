// One system call, by number. The families of calls live in TypeScript (src/*.ts), which lay out structures in the argument
// page; this function is the whole native surface for them. A pointer argument is an offset into the argument page, named by
// a bit mask, and checked: no address from JavaScript reaches the kernel as it is. Behind the page lies a guard page, so that
// a length that is too large ends in EFAULT.
#include "state.h"

#include <cerrno>
#include <unistd.h>

namespace host {

int64_t Call(State& state) {
  const int64_t mask = state.arg(7);
  long values[6];
  for (int i = 0; i < 6; i++) {
    const int64_t value = state.arg(1 + i);
    if ((mask & (int64_t{1} << i)) == 0) {
      values[i] = value;
      continue;
    }
    if (value < 0 || value >= static_cast<int64_t>(kSharedBytes)) return -EFAULT;
    values[i] = reinterpret_cast<long>(state.page + value);
  }
  const long result =
      syscall(state.arg(0), values[0], values[1], values[2], values[3], values[4], values[5]);
  return result == -1 ? -errno : result;
}

}  // namespace host
