/* Which pages of the heap's address range are free: address-ordered first fit.
 *
 * One bit per page, in chunks of 512 pages, and over the chunks a binary tree whose nodes know the
 * free run at the start, the longest one and the one at the end of their range. Finding the first
 * run of n pages and updating the tree take time logarithmic in the size of the heap.
 *
 * A struct gc_pages has no lock of its own: one owner at a time (gc/heap.c: the heap lock).
 * Page numbers count from the start of the reserved range.
 */
#ifndef GC_PAGES_H
#define GC_PAGES_H

#include "runtime/plat.h"

#define GC_PAGES_NONE UINT64_MAX

enum { GC_PAGES_CHUNK = 512, GC_PAGES_CHUNK_WORDS = GC_PAGES_CHUNK / 64 };

struct gc_page_chunk {
  uint64_t free[GC_PAGES_CHUNK_WORDS];       /* bit: the page is free */
  uint64_t fresh[GC_PAGES_CHUNK_WORDS];      /* bit: never taken, still zero from the system */
  uint64_t heads[GC_PAGES_CHUNK_WORDS];      /* bit: first page of a span in use (gc/heap.c) */
  struct at_u64 marks[GC_PAGES_CHUNK_WORDS]; /* page-mark bits (F2.9.7); any thread */
};

/* Free runs of a range of pages, in pages. */
struct gc_page_runs {
  uint32_t prefix, longest, suffix;
};

struct gc_pages {
  struct gc_page_chunk *chunks; /* reserved for the largest heap, committed as it grows */
  uint64_t committed_bytes;     /* of the chunk array */
  uint64_t reserved_bytes;
  uint64_t npages;              /* pages grown so far; later ones are never free */
  struct gc_page_runs *tree;    /* node 1 is the root, chunk c is node leaves + c */
  uint32_t leaves;              /* a power of two, 0: no tree yet */
};

/* Reserves for at most max_pages pages. */
enum rt_err gc_pages_init(struct gc_pages *pages, uint64_t max_pages) RT_MUST_USE;
void gc_pages_finish(struct gc_pages *pages);
/* Appends count free and fresh pages. */
enum rt_err gc_pages_grow(struct gc_pages *pages, uint64_t count) RT_MUST_USE;

/* Takes the lowest-addressed run of count pages: its first page, or GC_PAGES_NONE. */
uint64_t gc_pages_alloc(struct gc_pages *pages, uint64_t count);
void gc_pages_free(struct gc_pages *pages, uint64_t first, uint64_t count);
/* Clears the fresh bits of pages that were taken; returns how many were set. */
uint64_t gc_pages_use(struct gc_pages *pages, uint64_t first, uint64_t count);

/* Up to 64 neighbouring pages taken out at once, for a P to hand out without the lock. */
struct gc_page_cache {
  uint64_t first; /* page of bit 0; a multiple of 64 */
  uint64_t free;  /* bit: the page is in the cache and free */
  uint64_t fresh; /* bit: ... and fresh */
};
/* Takes every free page of the aligned group of 64 that holds the first free page.
 * false: no page is free. The cache must be empty. */
bool gc_pages_take_cache(struct gc_pages *pages, struct gc_page_cache *cache);
void gc_pages_give_cache(struct gc_pages *pages, struct gc_page_cache *cache);
/* First fit inside the cache; *fresh: fresh pages among them. No lock: the owner's own. */
uint64_t gc_page_cache_alloc(struct gc_page_cache *cache, uint64_t count, uint64_t *fresh);

/* The bits are the tree's; ends the run when not. For tests and checking mode. */
void gc_pages_check(const struct gc_pages *pages);

#endif
