#include "runtime/vmem.h"

#include <stdint.h>
#include <sys/mman.h>

#include "runtime/check.h"

enum { VMEM_PAGE_BYTES = 4096 };

static void unmap(char *p, size_t bytes) {
  if (bytes != 0) rt_assert(munmap(p, bytes) == 0);
}

void *vmem_reserve(size_t bytes, size_t align) {
  rt_assert(align != 0 && (align & (align - 1)) == 0);
  rt_assert(bytes != 0 && bytes % VMEM_PAGE_BYTES == 0);
  size_t slack = align > VMEM_PAGE_BYTES ? align - VMEM_PAGE_BYTES : 0;
  if (bytes > SIZE_MAX - slack) return NULL;
  char *p = mmap(NULL, bytes + slack, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1,
                 0);
  if (p == MAP_FAILED) return NULL;
  size_t before = -(uintptr_t)p & (align - 1);
  unmap(p, before);
  unmap(p + before + bytes, slack - before);
  return p + before;
}

bool vmem_commit(void *p, size_t bytes) {
  return mprotect(p, bytes, PROT_READ | PROT_WRITE) == 0;
}

/* A kernel without huge pages refuses, and nothing is lost. */
void vmem_prefer_huge(void *p, size_t bytes) { (void)madvise(p, bytes, MADV_HUGEPAGE); }

void vmem_decommit(void *p, size_t bytes) {
  /* Fails only for memory that is locked or not ours. */
  rt_assert(madvise(p, bytes, MADV_DONTNEED) == 0);
}

/* Mapping anew, not mprotect: the kernel also forgets that the pages counted as committed. */
void vmem_uncommit(void *p, size_t bytes) {
  void *q = mmap(p, bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1,
                 0);
  if (q != p) rt_die("address space of %zu bytes could not be cleared", bytes);
}

bool vmem_guard(void *p, size_t bytes) { return mprotect(p, bytes, PROT_NONE) == 0; }

void vmem_release(void *p, size_t bytes) { unmap(p, bytes); }
