-- Traces that the JIT compiles: numbers, strings, tables, coroutines, calls of C, and a hook that interrupts compiled code.
local ffi = require 'ffi'
ffi.cdef [[
int getpid(void); int kill(int pid, int signal); unsigned alarm(unsigned seconds); void *mmap(void *, size_t, int, int, int, long);
int munmap(void *, size_t); int memcmp(const void *, const void *, size_t);
]]
print(jit.status())
local sum = 0
for i = 1, 2e7 do sum = sum + i % 7 end
print(sum)
local self, same = ffi.C.getpid(), 0
for _ = 1, 20000 do if ffi.C.getpid() == self then same = same + 1 end end
print(same)
local words = {}
for i = 1, 20000 do words[#words + 1] = ('%x'):format(i * 2654435761 % 4294967296) end
table.sort(words)
print(words[1], words[#words], #table.concat(words))
local step = coroutine.wrap(function() for i = 1, 1e5 do coroutine.yield(i) end end)
local total = 0
for i = 1, 1e5 do total = total + step() end
print(total)
local block = ffi.new('double[?]', 4096)
for round = 1, 100 do for i = 0, 4095 do block[i] = block[i] + i * round end end
print(block[4095])
for i = 1, 200 do
  local page = ffi.C.mmap(nil, 65536, 3, 0x22, -1, 0)
  ffi.fill(page, 65536, i)
  assert(ffi.C.munmap(page, 65536) == 0)
end
local made = 0
for i = 1, 300 do made = made + assert(loadstring('local n = 0 for j = 1, 200 do n = n + j * ' .. i .. ' end return n'))() end
print(made)
print(pcall(error, 'thrown'))
print(select(2, pcall(string.rep, 'x', -1)), io.popen('echo child'):read('*a'))
