#include "runtime/meta.h"

#include "runtime/check.h"
#include "runtime/lockrank.h"
#include "runtime/plat.h"

enum { META_CHUNK_BYTES = 256 * 1024, META_PAGE_BYTES = 8192 };

static PLAT_STATE struct {
  struct plat_mutex lock;
  char *next, *end;          /* free rest of the newest chunk; lock */
  struct at_u64 committed;   /* bytes; written under lock, read by anyone as a figure */
} meta = {.lock = PLAT_MUTEX_INITIALIZER(RT_RANK_META, "meta")};

static void *take_from_os(size_t bytes) {
  void *p = plat_vm_reserve(bytes, META_PAGE_BYTES);
  if (p == NULL || plat_vm_commit(p, bytes) != RT_OK)
    rt_fatal(RT_END_NOMEM, "out of memory: %zu bytes of metadata refused", bytes);
  at_u64_store_relaxed(&meta.committed, at_u64_load_relaxed(&meta.committed) + bytes);
  return p;
}

static void *alloc_locked(size_t bytes, size_t align) {
  rt_assert(plat_mutex_held(&meta.lock));
  if (bytes > META_CHUNK_BYTES / 4) {
    size_t pages = (bytes + META_PAGE_BYTES - 1) / META_PAGE_BYTES;
    return take_from_os(pages * META_PAGE_BYTES);
  }
  size_t skip = -(uintptr_t)meta.next & (align - 1);
  if ((size_t)(meta.end - meta.next) < skip + bytes) {
    meta.next = take_from_os(META_CHUNK_BYTES);
    meta.end = meta.next + META_CHUNK_BYTES;
    skip = 0;
  }
  char *p = meta.next + skip;
  meta.next = p + bytes;
  return p;
}

void *rt_meta_alloc(size_t bytes, size_t align) {
  rt_assert(align != 0 && (align & (align - 1)) == 0 && align <= META_PAGE_BYTES);
  rt_assert(bytes <= SIZE_MAX / 2);
  plat_mutex_lock(&meta.lock);
  void *p = alloc_locked(bytes == 0 ? 1 : bytes, align);
  plat_mutex_unlock(&meta.lock);
  return p;
}

uint64_t rt_meta_committed_bytes(void) { return at_u64_load_relaxed(&meta.committed); }
