// Whole programs, timed from outside: start, python, sysbench where it is installed.
import { existsSync } from 'node:fs';
import type { Benchmark } from '../benchmark.js';

const MODULES =
  'import argparse,ast,asyncio,base64,bisect,calendar,cmd,code,codecs,collections,configparser,csv,ctypes,datetime,decimal,difflib,dis,' +
  'doctest,email,filecmp,fractions,ftplib,getopt,gettext,glob,gzip,hashlib,heapq,html,http.server,imaplib,inspect,ipaddress,json,logging,' +
  'lzma,mailbox,mimetypes,multiprocessing,pathlib,pdb,pickle,pickletools,plistlib,pprint,profile,pydoc,random,sched,shelve,smtplib,' +
  'sqlite3,ssl,statistics,subprocess,tarfile,tempfile,timeit,trace,tracemalloc,turtle if 0 else None';

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
  sysbench('cpu/prime', 'cpu', '--events=2000', '--time=0'),
  sysbench('mem/bandwidth', 'memory', '--memory-total-size=4G', '--time=0'),
];
