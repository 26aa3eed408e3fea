// Whole programs, timed from outside: start, python, a C build, sysbench where it is installed.
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import type { Benchmark, World } from '../benchmark.js';

const MODULES =
  'import argparse,ast,asyncio,base64,bisect,calendar,cmd,code,codecs,collections,configparser,csv,ctypes,datetime,decimal,difflib,dis,' +
  'doctest,email,filecmp,fractions,ftplib,getopt,gettext,glob,gzip,hashlib,heapq,html,http.server,imaplib,inspect,ipaddress,json,logging,' +
  'lzma,mailbox,mimetypes,multiprocessing,pathlib,pdb,pickle,pickletools,plistlib,pprint,profile,pydoc,random,sched,shelve,smtplib,' +
  'sqlite3,ssl,statistics,subprocess,tarfile,tempfile,timeit,trace,tracemalloc,turtle if 0 else None';

function sources(world: World): boolean {
  if (!existsSync('/usr/bin/make') || !existsSync('/usr/bin/gcc')) return false;
  const folder = `${world.folder}/build`;
  mkdirSync(folder, { recursive: true });
  const objects: string[] = [];
  for (let i = 0; i < 12; i++) {
    const body = `#include <stdio.h>\n#include <stdlib.h>\n#include <string.h>\nint f${i}(int x) { return x * ${i}; }\n`;
    writeFileSync(`${folder}/f${i}.c`, body);
    objects.push(`f${i}.o`);
  }
  writeFileSync(`${folder}/main.c`, 'int f3(int);\nint main(void) { return f3(0); }\n');
  writeFileSync(
    `${folder}/Makefile`,
    `main: main.o ${objects.join(' ')}\n\tgcc -o main main.o ${objects.join(' ')}\n`,
  );
  return true;
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
    prepare: () => existsSync('/usr/bin/python3'),
    command: () => ['/usr/bin/python3', '-c', MODULES.replace(',turtle if 0 else None', '')],
  },
  {
    name: 'app/build',
    timing: 'process',
    prepare: sources,
    command: (world) => ['/bin/sh', '-c', `cd ${world.folder}/build && rm -f *.o main && make -s -j2`],
  },
  sysbench('cpu/prime', 'cpu', '--events=2000', '--time=0'),
  sysbench('mem/bandwidth', 'memory', '--memory-total-size=4G', '--time=0'),
];
