// A C project of some sixty files for make: headers that include each other, a library, a generated source, and a program that uses all.
import { mkdirSync, writeFileSync } from 'node:fs';

const MODULES = 56;

function moduleSource(index: number): string {
  const next = (index * 7 + 1) % MODULES;
  return [
    '#include <stdio.h>',
    '#include <string.h>',
    '#include "module.h"',
    `static int table[] = {${Array.from({ length: 40 }, (_, i) => (i * index) % 97).join(', ')}};`,
    `int module_${index}(int depth) {`,
    '  int sum = 0;',
    '  for (unsigned i = 0; i < sizeof table / sizeof *table; i++) sum += table[i];',
    `  return depth == 0 ? sum : sum + module_${next}(depth - 1);`,
    '}',
    '',
  ].join('\n');
}

const MAKEFILE = `CFLAGS = -O1 -Wall
OBJECTS = $(patsubst %.c,out/%.o,$(sort $(wildcard module_*.c))) out/generated.o
all: out/program
	./out/program
out/generated.c: | out
	{ echo 'int generated(void) {'; echo '  return 42;'; echo '}'; } >$@
out/generated.o: out/generated.c
	$(CC) $(CFLAGS) -c -o $@ $<
out/%.o: %.c module.h | out
	$(CC) $(CFLAGS) -MMD -c -o $@ $<
out/libmodules.a: $(OBJECTS)
	$(AR) rcsD $@ $^
out/program: main.c out/libmodules.a
	$(CC) $(CFLAGS) -o $@ main.c -Lout -lmodules
out:
	mkdir out
`;

/** Fills `folder`; `make` there builds the program and runs it. */
export function makeProject(folder: string): void {
  mkdirSync(folder, { recursive: true });
  const indexes = Array.from({ length: MODULES }, (_, index) => index);
  for (const index of indexes) writeFileSync(`${folder}/module_${index}.c`, moduleSource(index));
  const prototypes = indexes.map((index) => `int module_${index}(int);`).join('\n');
  writeFileSync(`${folder}/module.h`, `#pragma once\n${prototypes}\nint generated(void);\n`);
  writeFileSync(
    `${folder}/main.c`,
    '#include <stdio.h>\n#include "module.h"\nint main(void) { printf("%d %d\\n", module_3(9), generated()); return 0; }\n',
  );
  writeFileSync(`${folder}/Makefile`, MAKEFILE);
}
