// `npm run soak:cpython [-- MODULE…] [--platform P]`: CPython's own test modules for threads, processes, signals and waiting, natively and in the
// sandbox; every test must end the same way. Needs Debian's python3 and libpython3.11-testsuite; takes the better part of an hour.
import { Comparison, root, skipUnless } from './outcomes.js';

const MODULES = [
  'test_asyncio',
  'test_concurrent_futures',
  'test_eintr',
  'test_epoll',
  'test_fcntl',
  'test_fork1',
  'test_mmap',
  'test_multiprocessing_fork',
  'test_multiprocessing_forkserver',
  'test_multiprocessing_main_handling',
  'test_multiprocessing_spawn',
  'test_os',
  'test_poll',
  'test_popen',
  'test_posix',
  'test_pty',
  'test_queue',
  'test_resource',
  'test_select',
  'test_selectors',
  'test_signal',
  'test_subprocess',
  'test_thread',
  'test_threading',
  'test_threadsignals',
  'test_wait3',
  'test_wait4',
];

skipUnless('/usr/lib/python3.11/test/test_os.py', 'libpython3.11-testsuite');
const comparison = new Comparison(
  {
    parse: (line) => {
      const space = line.indexOf(' ');
      return space > 0 ? [line.slice(space + 1), line.slice(0, space)] : null;
    },
    env: { PATH: '/usr/bin:/bin', LANG: 'C.UTF-8', HOME: '/tmp' },
    limitMs: 20 * 60_000,
    ownNetwork: true,
  },
  MODULES,
);
const script = `${root}tests/programs/scripts/cpython-outcomes.py`;
for (const module of comparison.names) comparison.compare(module, ['/usr/bin/python3', script, module]);
