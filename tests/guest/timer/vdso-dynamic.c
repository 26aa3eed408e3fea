// guest: dynamic
// The same as vdso.c with the dynamic linker, which finds the vDSO first.
#include "vdso.c"
