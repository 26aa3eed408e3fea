// Builds with make and gcc: a project of some ten thousand lines as people write them, and one of a dozen files of four lines,
// where next to nothing is measured but how compilers start.
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import type { Benchmark, World } from '../benchmark.js';

const UNITS = 12;
const TABLES = 20;

/** A hash table with its functions, and a mixer that walks bytes through it. */
function table(unit: number, i: number): string {
  const buckets = ((unit * 31 + i * 17) % 97) + 3;
  const step = ((unit * 13 + i * 7) % 89) + 2;
  return `struct entry_${i} { uint32_t key; uint32_t hits; char name[${24 + i}]; struct entry_${i} *next; };
static struct entry_${i} *table_${i}[${buckets}];

static struct entry_${i} *find_${i}(uint32_t key)
{
	struct entry_${i} *e;
	for (e = table_${i}[key % ${buckets}]; e != NULL; e = e->next)
		if (e->key == key)
			return e;
	return NULL;
}

static int insert_${i}(uint32_t key, const char *name)
{
	struct entry_${i} *e = find_${i}(key);
	if (e == NULL) {
		e = calloc(1, sizeof *e);
		if (e == NULL)
			return -ENOMEM;
		e->key = key;
		e->next = table_${i}[key % ${buckets}];
		table_${i}[key % ${buckets}] = e;
	}
	e->hits += ${step};
	snprintf(e->name, sizeof e->name, "%s-%u", name, key);
	return (int)e->hits;
}

int unit${unit}_mix_${i}(const uint8_t *data, size_t size)
{
	uint32_t state = ${buckets * 7919}u;
	size_t at;
	for (at = 0; at < size; at++) {
		switch (data[at] & 7) {
		case 0: state = rotate(state, ${(i % 31) + 1}) ^ data[at]; break;
		case 1: state += (uint32_t)data[at] * ${step}u; break;
		case 2: state ^= state >> ${(i % 15) + 3}; break;
		case 3: if (insert_${i}(state, "unit${unit}") < 0) return -1; break;
		case 4: state -= (uint32_t)at; break;
		default: state = state * 33u + data[at];
		}
	}
	return (int)(state & 0x7fffffff);
}
`;
}

function unitSource(unit: number): string {
  const includes = ['<stdio.h>', '<stdlib.h>', '<string.h>', '<errno.h>', '"project.h"'];
  const numbers = Array.from({ length: TABLES }, (_, i) => i);
  const calls = numbers.map((i) => `\tsum ^= unit${unit}_mix_${i}(data, size);\n`).join('');
  return `${includes.map((name) => `#include ${name}\n`).join('')}
${numbers.map((i) => table(unit, i)).join('\n')}
int unit${unit}(const uint8_t *data, size_t size)
{
	int sum = 0;
${calls}	return sum;
}
`;
}

function writeProject(folder: string): void {
  const units = Array.from({ length: UNITS }, (_, i) => i);
  for (const unit of units) writeFileSync(`${folder}/unit${unit}.c`, unitSource(unit));
  const declarations = units.map((unit) => `int unit${unit}(const uint8_t *data, size_t size);\n`).join('');
  const rotate =
    'static inline uint32_t rotate(uint32_t v, unsigned by) { return v << by | v >> (32 - by); }\n';
  writeFileSync(`${folder}/project.h`, `#include <stddef.h>\n#include <stdint.h>\n${rotate}${declarations}`);
  const calls = units.map((unit) => `\tsum ^= unit${unit}(data, sizeof data);\n`).join('');
  const main = `int main(void)\n{\n\tconst uint8_t data[] = "project";\n\tint sum = 0;\n${calls}\tprintf("%d\\n", sum);\n\treturn 0;\n}\n`;
  writeFileSync(`${folder}/main.c`, `#include <stdio.h>\n#include "project.h"\n${main}`);
  const objects = ['main.o', ...units.map((unit) => `unit${unit}.o`)].join(' ');
  const rules = `main: ${objects}\n\t$(CC) -o $@ ${objects}\n${objects}: project.h\n`;
  writeFileSync(`${folder}/Makefile`, `CFLAGS = -O2\n${rules}`);
}

function writeTiny(folder: string): void {
  const objects: string[] = [];
  for (let i = 0; i < UNITS; i++) {
    const body = `#include <stdio.h>\n#include <stdlib.h>\n#include <string.h>\nint f${i}(int x) { return x * ${i}; }\n`;
    writeFileSync(`${folder}/f${i}.c`, body);
    objects.push(`f${i}.o`);
  }
  writeFileSync(`${folder}/main.c`, 'int f3(int);\nint main(void) { return f3(0); }\n');
  writeFileSync(
    `${folder}/Makefile`,
    `main: main.o ${objects.join(' ')}\n\tgcc -o main main.o ${objects.join(' ')}\n`,
  );
}

function build(name: string, write: (folder: string) => void): Benchmark {
  const folderOf = (world: World): string => `${world.folder}/${name.replace('/', '-')}`;
  return {
    name,
    timing: 'process',
    prepare: (world) => {
      if (!existsSync('/usr/bin/make') || !existsSync('/usr/bin/gcc')) return false;
      mkdirSync(folderOf(world), { recursive: true });
      write(folderOf(world));
      return true;
    },
    command: (world) => ['/bin/sh', '-c', `cd ${folderOf(world)} && rm -f *.o main && make -s -j2`],
  };
}

export const BUILD: readonly Benchmark[] = [
  build('app/build', writeProject),
  build('app/build-tiny', writeTiny),
];
