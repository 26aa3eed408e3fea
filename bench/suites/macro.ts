// Whole programs, timed from outside: start, python, sysbench where it is installed.
import { cpSync, existsSync, mkdirSync, readdirSync } from 'node:fs';
import type { Benchmark } from '../benchmark.js';
import { flagsOf, folderOf, PLACES, type Place } from './places.js';

const MODULES =
  'import argparse,ast,asyncio,base64,bisect,calendar,cmd,code,codecs,collections,configparser,csv,ctypes,datetime,decimal,difflib,dis,' +
  'doctest,email,filecmp,fractions,ftplib,getopt,gettext,glob,gzip,hashlib,heapq,html,http.server,imaplib,inspect,ipaddress,json,logging,' +
  'lzma,mailbox,mimetypes,multiprocessing,pathlib,pdb,pickle,pickletools,plistlib,pprint,profile,pydoc,random,sched,shelve,smtplib,' +
  'sqlite3,ssl,statistics,subprocess,tarfile,tempfile,timeit,trace,tracemalloc,turtle if 0 else None';

const PYTHON = '/usr/bin/python3';
const IMPORTS = MODULES.replace(',turtle if 0 else None', '');

/** Folders in /usr/lib in which Python's own modules lie, such as `python3.11`. */
const libraries = (): string[] => readdirSync('/usr/lib').filter((name) => /^python3\.\d+$/.test(name));

/** What no import wants, and most of what there is. */
const UNWANTED = /\/(dist-packages|site-packages|test|ensurepip|idlelib|lib2to3|config-[^/]*)$/;

function copyLibrary(home: string): true {
  mkdirSync(`${home}/lib`, { recursive: true });
  for (const name of libraries())
    cpSync(`/usr/lib/${name}`, `${home}/lib/${name}`, {
      recursive: true,
      dereference: true,
      preserveTimestamps: true,
      filter: (from) => !UNWANTED.test(from),
    });
  return true;
}

/**
 * The same imports from a library that lies in one kind of filesystem. The first start fills the caches on both sides (and in a tmpfs it
 * needs the copy); the second is timed by the shell.
 */
function python(place: Place): Benchmark {
  const script = `
    set -e
    if [ "$1" != "$2" ]; then mkdir -p "$2"; cp -a "$1/." "$2"; trap 'rm -r "$2"' EXIT; fi
    export PYTHONHOME="$2" PYTHONDONTWRITEBYTECODE=1
    ${PYTHON} -c "$3"
    begin=$(date +%s%N)
    ${PYTHON} -c "$3"
    echo $(($(date +%s%N) - begin))`;
  return {
    name: `app/python/${place}`,
    timing: 'self',
    prepare: (world) =>
      existsSync(PYTHON) &&
      libraries().length > 0 &&
      copyLibrary(`${folderOf(world, place === 'tmpfs' ? 'root' : place)}/python`),
    command: (world) => {
      const home = `${folderOf(world, place)}/python`;
      const from = place === 'tmpfs' ? `${folderOf(world, 'root')}/python` : home;
      return ['/bin/sh', '-c', script, 'sh', from, home, IMPORTS];
    },
    flags: (world) => flagsOf(world, place),
  };
}

const sysbench = (name: string, ...args: string[]): Benchmark => ({
  name,
  timing: 'process',
  prepare: () => existsSync('/usr/bin/sysbench'),
  command: () => ['/usr/bin/sysbench', ...args, 'run'],
});

export const MACRO: readonly Benchmark[] = [
  { name: 'start/true', timing: 'process', command: () => ['/bin/true'] },
  {
    name: 'app/python',
    timing: 'process',
    prepare: () => existsSync(PYTHON),
    command: () => [PYTHON, '-c', IMPORTS],
  },
  ...PLACES.map(python),
  sysbench('cpu/prime', 'cpu', '--events=2000', '--time=0'),
  sysbench('mem/bandwidth', 'memory', '--memory-total-size=4G', '--time=0'),
];
