/* The model's memory: one arena at a fixed order of offsets, another one for stacks of goroutines,
 * stacks of threads, names of objects and sites, and the reset of the world. */
#include <stdlib.h>
#include <string.h>

#include "plat_model_int.h"
#include "runtime/check.h"
#include "runtime/vmem.h"

enum {
  VM_PAGE_BYTES = 8192,
  EXTENTS_MAX = 4096,
  MAIN_STACK_BYTES = 8 << 20,
  THREAD_STACK_BYTES = 512 << 10
};
static const uint64_t ARENA_BYTES_MAX = 1ull << 40;
static const uint64_t ARENA_BYTES_MIN = 1ull << 30;
static const uint64_t ARENA_ALIGN = 1ull << 30; /* offsets mean the same for any base below this */

/* Placed by the linker around the named sections and the executable; absent if empty. */
#define LINKER_SYMBOL __attribute__((weak, visibility("hidden")))
extern char __start_tri_state[] LINKER_SYMBOL, __stop_tri_state[] LINKER_SYMBOL;
extern const struct plat_site __start_tri_sites[] LINKER_SYMBOL;
extern const struct plat_site __stop_tri_sites[] LINKER_SYMBOL;
extern char __executable_start[] LINKER_SYMBOL, _end[] LINKER_SYMBOL;

struct extent {
  uint64_t offset, bytes;
};

/* Address space that is handed out from the bottom up. */
struct space {
  char *base;
  uint64_t bytes, used;        /* offsets below used have been handed out */
  uint32_t extent_count;
  struct extent *extents;      /* released ranges below used, by offset, never adjacent */
};
/* The arena; for plat_vm_reserve_stacks. Apart, because how large stacks are, and what lies in them
 * where, is the compiler's and the sanitizer's business: the arena's offsets are not. */
enum { SPACE_ARENA, SPACE_STACKS, SPACES };

struct model_vm_hot model_vm_hot;

static struct {
  struct model_range table[MODEL_RANGES_MAX - 4]; /* model_table's */
  uint32_t table_count;
  char *world_at;              /* plat_model_world_alloc: the rest of its chunk */
  size_t world_left;
  struct space space[SPACES];
  char *stacks;                /* of threads */
  uint64_t stacks_bytes;
  uint32_t stacks_committed;   /* slots below have memory */
  char *snapshot;              /* of tri_state; NULL: none taken */
} vm;

void *model_map_apart(size_t bytes) {
  void *p = vmem_reserve(bytes, VM_PAGE_BYTES);
  if (p == NULL || !vmem_commit(p, bytes))
    rt_fatal(RT_END_NOMEM, "out of memory: %zu bytes for the model refused", bytes);
  return p;
}

void *model_table(size_t bytes) {
  bytes = (bytes + VM_PAGE_BYTES - 1) / VM_PAGE_BYTES * VM_PAGE_BYTES;
  void *p = model_map_apart(bytes);
  rt_assert(vm.table_count < MODEL_RANGES_MAX - 4);
  vm.table[vm.table_count++] = (struct model_range){p, (char *)p + bytes};
  return p;
}

extern char __data_start[] LINKER_SYMBOL;

uint32_t model_vm_ranges(struct model_range *out) {
  uint32_t n = vm.table_count;
  memcpy(out, vm.table, n * sizeof *out);
  out[n++] = (struct model_range){__data_start, _end};
  for (uint32_t i = 0; i < SPACES; i++)
    out[n++] = (struct model_range){vm.space[i].base, vm.space[i].base + vm.space[i].bytes};
  out[n++] = (struct model_range){vm.stacks, vm.stacks + vm.stacks_bytes};
  return n;
}

/* FNV-1a of file and line; leading "../" depends on the build directory and is left out. */
static uint32_t hash_site(const struct plat_site *s) {
  const char *file = s->file;
  uint32_t h = 2166136261u ^ s->line;
  while (*file == '.' || *file == '/') file++;
  for (h *= 16777619u; *file != '\0'; file++) h = (h ^ (unsigned char)*file) * 16777619u;
  return h;
}

static void space_init(struct space *s) {
  s->bytes = ARENA_BYTES_MAX;
  while ((s->base = vmem_reserve(s->bytes, ARENA_ALIGN)) == NULL) {
    s->bytes /= 2;
    if (s->bytes < ARENA_BYTES_MIN)
      rt_fatal(RT_END_NOMEM, "out of memory: no address space for the model");
  }
  s->extents = model_table(EXTENTS_MAX * sizeof *s->extents);
}

void model_vm_init(void) {
  if (vm.stacks != NULL) return;
  for (uint32_t i = 0; i < SPACES; i++) space_init(&vm.space[i]);
  model_vm_hot.arena = (uintptr_t)vm.space[SPACE_ARENA].base;
  model_vm_hot.arena_bytes = vm.space[SPACE_ARENA].bytes;
  vm.stacks_bytes = (uint64_t)SAN_STACK_FACTOR *
                    (MAIN_STACK_BYTES + (uint64_t)PLAT_MODEL_THREADS_MAX * THREAD_STACK_BYTES);
  vm.stacks = vmem_reserve(vm.stacks_bytes, VM_PAGE_BYTES);
  if (vm.stacks == NULL) rt_fatal(RT_END_NOMEM, "out of memory: no address space for stacks");
  size_t sites = (size_t)(__stop_tri_sites - __start_tri_sites);
  uint32_t *hashes = model_table(sites * sizeof *hashes);
  for (size_t i = 0; i < sites; i++) hashes[i] = hash_site(&__start_tri_sites[i]);
  model_vm_hot.site_hashes = hashes;
  model_vm_hot.sites = __start_tri_sites;
}

uint32_t plat_model_site_index(const struct plat_site *site) {
  return (uint32_t)(site - __start_tri_sites);
}
uint32_t plat_model_site_count(void) { return (uint32_t)(__stop_tri_sites - __start_tri_sites); }
const struct plat_site *plat_model_site_at(uint32_t index) { return &__start_tri_sites[index]; }

/* The first row whose text begins the site's path decides. */
enum plat_model_class plat_model_class_of(const struct plat_site *site) {
  static const struct {
    const char *path;
    enum plat_model_class class;
  } rows[] = {
      {"gc/concurrent/wb.c", PLAT_CLASS_BARRIER}, {"gc/api.", PLAT_CLASS_BARRIER},
      {"gc/concurrent/", PLAT_CLASS_MARKER},      {"gc/", PLAT_CLASS_ALLOCATOR},
      {"runtime/", PLAT_CLASS_ALLOCATOR},         {"sched/", PLAT_CLASS_SCHEDULER},
      {"maps/", PLAT_CLASS_MAP},
  };
  const char *file = site->file;
  while (*file == '.' || *file == '/') file++;
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
    if (strncmp(file, rows[i].path, strlen(rows[i].path)) == 0) return rows[i].class;
  return PLAT_CLASS_PROGRAM;
}

const char *plat_model_class_name(enum plat_model_class c) {
  static const char *const names[PLAT_CLASS_COUNT] = {
      "program", "barrier", "marker", "allocator", "scheduler", "map"};
  return c < PLAT_CLASS_COUNT ? names[c] : NULL;
}

static inline uint64_t object_id(enum plat_model_region region, uint64_t offset) {
  return (uint64_t)region << 60 | offset;
}

uint64_t plat_model_object(const void *p) { return model_object_id(p); }

static inline bool is_in(const struct space *s, const void *p) {
  return (uintptr_t)p - (uintptr_t)s->base < s->bytes;
}

uint64_t model_object_id_elsewhere(const void *p) {
  uintptr_t a = (uintptr_t)p;
  const struct space *goroutines = &vm.space[SPACE_STACKS];
  if (a - (uintptr_t)__start_tri_state < (size_t)(__stop_tri_state - __start_tri_state))
    return object_id(PLAT_REGION_STATE, a - (uintptr_t)__start_tri_state);
  if (a - (uintptr_t)vm.stacks < vm.stacks_bytes)
    return object_id(PLAT_REGION_STACKS, a - (uintptr_t)vm.stacks);
  if (is_in(goroutines, p))
    return object_id(PLAT_REGION_STACKS, vm.stacks_bytes + (a - (uintptr_t)goroutines->base));
  if (a - (uintptr_t)__executable_start < (size_t)(_end - __executable_start))
    return object_id(PLAT_REGION_PROGRAM, a - (uintptr_t)__executable_start);
  return object_id(PLAT_REGION_NONE, 0);
}

void *model_stack(uint32_t slot, size_t *bytes) {
  uint64_t main_bytes = (uint64_t)SAN_STACK_FACTOR * MAIN_STACK_BYTES;
  uint64_t thread_bytes = (uint64_t)SAN_STACK_FACTOR * THREAD_STACK_BYTES;
  uint64_t whole = slot == 0 ? main_bytes : thread_bytes;
  char *low = vm.stacks + (slot == 0 ? 0 : main_bytes + (slot - 1) * thread_bytes);
  rt_assert(slot <= vm.stacks_committed);
  /* The lowest page stays inaccessible: a guard. */
  if (slot == vm.stacks_committed) {
    if (!vmem_commit(low + VM_PAGE_BYTES, whole - VM_PAGE_BYTES)) return NULL;
    vm.stacks_committed++;
  }
  *bytes = whole - VM_PAGE_BYTES;
  return low + VM_PAGE_BYTES;
}

void model_stacks_commit(uint32_t slots) {
  size_t bytes;
  for (uint32_t i = vm.stacks_committed; i < slots; i++)
    if (model_stack(i, &bytes) == NULL) rt_fatal(RT_END_NOMEM, "out of memory: no stacks");
}

bool model_is_in_stacks(const void *p) {
  return (uintptr_t)p - (uintptr_t)vm.stacks < vm.stacks_bytes;
}

/* ---- plat_vm_* ------------------------------------------------------------------------------- */

static void extent_delete(struct space *s, uint32_t i) {
  memmove(&s->extents[i], &s->extents[i + 1], (--s->extent_count - i) * sizeof *s->extents);
}

/* Enters a range; when the table is full the range is lost, which only wastes address space. */
static void extent_insert(struct space *s, uint64_t offset, uint64_t bytes) {
  uint32_t i = 0;
  if (bytes == 0) return;
  while (i < s->extent_count && s->extents[i].offset < offset) i++;
  rt_assert(i == 0 || s->extents[i - 1].offset + s->extents[i - 1].bytes <= offset);
  rt_assert(i == s->extent_count || offset + bytes <= s->extents[i].offset);
  if (i < s->extent_count && s->extents[i].offset == offset + bytes) {
    bytes += s->extents[i].bytes;
    extent_delete(s, i);
  }
  if (i > 0 && s->extents[i - 1].offset + s->extents[i - 1].bytes == offset) {
    s->extents[i - 1].bytes += bytes;
    return;
  }
  if (s->extent_count == EXTENTS_MAX) return;
  memmove(&s->extents[i + 1], &s->extents[i], (s->extent_count++ - i) * sizeof *s->extents);
  s->extents[i] = (struct extent){offset, bytes};
}

static char *take(struct space *s, uint64_t offset, uint64_t skip, uint64_t bytes,
                  uint64_t available) {
  extent_insert(s, offset, skip);
  extent_insert(s, offset + skip + bytes, available - skip - bytes);
  return s->base + offset + skip;
}

static void *reserve(uint32_t space, size_t bytes, size_t align) {
  model_vm_init();
  struct space *s = &vm.space[space];
  rt_assert(bytes != 0 && bytes % VM_PAGE_BYTES == 0);
  rt_assert((align & (align - 1)) == 0 && align <= ARENA_ALIGN);
  if (align < VM_PAGE_BYTES) align = VM_PAGE_BYTES;
  for (uint32_t i = 0; i < s->extent_count; i++) {
    struct extent e = s->extents[i];
    uint64_t skip = -e.offset & (align - 1);
    if (e.bytes < skip || e.bytes - skip < bytes) continue;
    extent_delete(s, i);
    return take(s, e.offset, skip, bytes, e.bytes);
  }
  uint64_t skip = -s->used & (align - 1);
  uint64_t left = s->bytes - s->used;
  if (left < skip || left - skip < bytes) return NULL;
  uint64_t offset = s->used;
  s->used += skip + bytes;
  return take(s, offset, skip, bytes, skip + bytes);
}

void *plat_vm_reserve(size_t bytes, size_t align) { return reserve(SPACE_ARENA, bytes, align); }
void *plat_vm_reserve_stacks(size_t bytes) { return reserve(SPACE_STACKS, bytes, VM_PAGE_BYTES); }

/* The space of a range that has been handed out; its offset there. */
static struct space *space_of(const void *p, size_t bytes, uint64_t *offset) {
  struct space *s = &vm.space[is_in(&vm.space[SPACE_STACKS], p) ? SPACE_STACKS : SPACE_ARENA];
  *offset = (uint64_t)((uintptr_t)p - (uintptr_t)s->base);
  rt_assert(*offset % VM_PAGE_BYTES == 0 && bytes % VM_PAGE_BYTES == 0);
  rt_assert(*offset < s->used && bytes <= s->used - *offset);
  return s;
}

static void check_range(const void *p, size_t bytes) {
  uint64_t offset;
  space_of(p, bytes, &offset);
}

void plat_vm_prefer_huge(void *p, size_t bytes) { vmem_prefer_huge(p, bytes); }

enum rt_err plat_vm_commit(void *p, size_t bytes) {
  check_range(p, bytes);
  /* Here and not on release: the shadow of a whole reservation is gigabytes. */
  plat_unpoison(p, bytes);
  bool done = model_in_explored_run() ? model_image_commit(p, bytes) : vmem_commit(p, bytes);
  return done ? RT_OK : RT_ERR_NOMEM;
}

/* In an explored run the image's pages keep their access, and only lose their contents. */
static void forget(void *p, size_t bytes, void (*give_back)(void *, size_t)) {
  if (model_in_explored_run()) {
    memset(p, 0, bytes);
  } else {
    give_back(p, bytes);
  }
}

void plat_vm_decommit(void *p, size_t bytes) {
  check_range(p, bytes);
  forget(p, bytes, vmem_decommit);
}

bool plat_vm_guard(void *p, size_t bytes) {
  check_range(p, bytes);
  return model_in_explored_run() || vmem_guard(p, bytes);
}

void plat_vm_release(void *p, size_t bytes) {
  uint64_t offset;
  struct space *s = space_of(p, bytes, &offset);
  forget(p, bytes, vmem_uncommit);
  extent_insert(s, offset, bytes);
}

void *plat_model_world_alloc(size_t bytes) {
  enum { CHUNK_BYTES = 1 << 20 };
  bytes = (bytes + PLAT_CACHE_LINE - 1) / PLAT_CACHE_LINE * PLAT_CACHE_LINE;
  if (bytes > vm.world_left) {
    size_t chunk = (bytes + CHUNK_BYTES - 1) / CHUNK_BYTES * CHUNK_BYTES;
    vm.world_at = plat_vm_reserve(chunk, VM_PAGE_BYTES);
    if (vm.world_at == NULL || plat_vm_commit(vm.world_at, chunk) != RT_OK)
      rt_fatal(RT_END_NOMEM, "out of memory: %zu bytes of the world refused", bytes);
    vm.world_left = chunk;
  }
  void *p = vm.world_at;
  vm.world_at += bytes;
  vm.world_left -= bytes;
  return p;
}

/* ---- the world as a whole -------------------------------------------------------------------- */

static size_t state_bytes(void) { return (size_t)(__stop_tri_state - __start_tri_state); }

void plat_model_snapshot(void) {
  rt_assert(model.running == NULL || model.running == &model.host);
  if (vm.snapshot == NULL) vm.snapshot = model_table(state_bytes() + 1);
  memcpy(vm.snapshot, __start_tri_state, state_bytes());
}

void plat_model_reset(void) {
  rt_assert(model.running == NULL || model.running == &model.host);
  if (vm.snapshot != NULL) memcpy(__start_tri_state, vm.snapshot, state_bytes());
  for (uint32_t i = 0; i < SPACES; i++) {
    struct space *s = &vm.space[i];
    if (s->used != 0) vmem_uncommit(s->base, s->used);
    s->used = 0;
    s->extent_count = 0;
  }
  vm.world_left = 0;
  plat_seed(0);
}
