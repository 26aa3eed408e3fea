// Finding symbols of the vDSO as glibc and as musl find them: by its dynamic section, with no library code.
#include <elf.h>
#include <link.h>
#include <sys/auxv.h>

static unsigned elf_hash(const char *name) {
  unsigned h = 0;
  for (; *name; name++) {
    h = (h << 4) + (unsigned char)*name;
    h = (h ^ (h >> 24 & 0xf0)) & 0x0fffffff;
  }
  return h;
}

static bool version_matches(const ElfW(Verdef) *def, int wanted, const char *strings, const char *version) {
  unsigned hash = elf_hash(version);
  for (;;) {
    if (!(def->vd_flags & VER_FLG_BASE) && (def->vd_ndx & 0x7fff) == wanted) break;
    if (def->vd_next == 0) return false;
    def = (const void *)((const char *)def + def->vd_next);
  }
  const ElfW(Verdaux) *aux = (const void *)((const char *)def + def->vd_aux);
  return def->vd_hash == hash && strcmp(strings + aux->vda_name, version) == 0;
}

// By walking the dynamic section: the symbol with this name, version, type and binding; no library code.
static void *lookup(const char *name, const char *version) {
  const ElfW(Ehdr) *header = (const void *)getauxval(AT_SYSINFO_EHDR);
  if (header == NULL) return NULL;
  const ElfW(Phdr) *ph = (const void *)((const char *)header + header->e_phoff);
  const char *base = NULL;
  const ElfW(Dyn) *dynamic = NULL;
  for (int i = 0; i < header->e_phnum; i++) {
    if (ph[i].p_type == PT_LOAD && base == NULL) base = (const char *)header + ph[i].p_offset - ph[i].p_vaddr;
    if (ph[i].p_type == PT_DYNAMIC) dynamic = (const void *)((const char *)header + ph[i].p_offset);
  }
  if (base == NULL || dynamic == NULL) return NULL;
  const char *strings = NULL;
  const ElfW(Sym) *symbols = NULL;
  const uint32_t *hash = NULL;
  const uint16_t *versions = NULL;
  const ElfW(Verdef) *definitions = NULL;
  for (; dynamic->d_tag != DT_NULL; dynamic++) {
    const void *at = base + dynamic->d_un.d_ptr;
    if (dynamic->d_tag == DT_STRTAB) strings = at;
    if (dynamic->d_tag == DT_SYMTAB) symbols = at;
    if (dynamic->d_tag == DT_HASH) hash = at;
    if (dynamic->d_tag == DT_VERSYM) versions = at;
    if (dynamic->d_tag == DT_VERDEF) definitions = at;
  }
  if (strings == NULL || symbols == NULL || hash == NULL || versions == NULL || definitions == NULL) return NULL;
  for (uint32_t i = 0; i < hash[1]; i++) {
    int type = symbols[i].st_info & 0xf, binding = symbols[i].st_info >> 4;
    if (type != STT_FUNC && type != STT_NOTYPE) continue;
    if ((binding != STB_GLOBAL && binding != STB_WEAK) || symbols[i].st_shndx == 0) continue;
    if (strcmp(name, strings + symbols[i].st_name) != 0) continue;
    if (version_matches(definitions, versions[i] & 0x7fff, strings, version)) return (void *)(base + symbols[i].st_value);
  }
  return NULL;
}
