#include "gc/pages.h"

#include "runtime/check.h"
#include "runtime/meta.h"

enum { COMMIT_STEP_BYTES = 64 * 1024 };

static uint64_t min_u64(uint64_t a, uint64_t b) {
  return a < b ? a : b;
}

/* ---- one chunk ------------------------------------------------------------------------------- */

/* Mask of count bits from bit first; count 1..64 - first. */
static uint64_t mask_of(uint32_t first, uint64_t count) {
  return (count == 64 ? UINT64_MAX : (1ULL << count) - 1) << first;
}

/* Length of the longest run of ones in x. */
static uint32_t longest_ones(uint64_t x) {
  uint32_t length = 0;
  for (; x != 0; length++) x &= x << 1;
  return length;
}

/* Bits that start a run of at least count ones inside x; count 1..64. */
static uint64_t runs_of(uint64_t x, uint64_t count) {
  uint64_t have = 1; /* every set bit of x starts a run of at least `have` */
  while (have < count && x != 0) {
    uint64_t step = min_u64(have, count - have);
    x &= x >> step;
    have += step;
  }
  return x;
}

static struct gc_page_runs chunk_runs(const struct gc_page_chunk *chunk) {
  struct gc_page_runs runs = {0, 0, 0};
  uint32_t open = 0; /* length of the run that ends at the end of the words seen */
  bool is_all_free = true;
  for (uint32_t i = 0; i < GC_PAGES_CHUNK_WORDS; i++) {
    uint64_t x = chunk->free[i];
    if (x == UINT64_MAX) {
      open += 64;
      continue;
    }
    open += (uint32_t)__builtin_ctzll(~x);
    if (is_all_free) runs.prefix = open;
    is_all_free = false;
    if (open > runs.longest) runs.longest = open;
    uint32_t inside = longest_ones(x);
    if (inside > runs.longest) runs.longest = inside;
    open = (uint32_t)__builtin_clzll(~x);
  }
  if (is_all_free) runs.prefix = open;
  runs.suffix = open;
  if (open > runs.longest) runs.longest = open;
  return runs;
}

/* First page of the first run of count free pages inside the chunk, which has one. */
static uint32_t chunk_find(const struct gc_page_chunk *chunk, uint64_t count) {
  uint32_t open = 0;
  for (uint32_t i = 0; i < GC_PAGES_CHUNK_WORDS; i++) {
    uint64_t x = chunk->free[i];
    uint32_t low = x == UINT64_MAX ? 64 : (uint32_t)__builtin_ctzll(~x);
    if (open + low >= count) return i * 64 - open;
    if (low == 64) {
      open += 64;
      continue;
    }
    uint64_t starts = count <= 64 ? runs_of(x, count) : 0;
    if (starts != 0) return i * 64 + (uint32_t)__builtin_ctzll(starts);
    open = (uint32_t)__builtin_clzll(~x);
  }
  rt_die("page tree promised a run of %llu pages", (unsigned long long)count);
}

/* ---- the tree -------------------------------------------------------------------------------- */

/* Pages a node's range covers; nodes of one depth cover the same. */
static uint32_t node_pages(const struct gc_pages *pages, uint32_t node) {
  uint32_t depth = 31 - (uint32_t)__builtin_clz(node);
  return pages->leaves / (1U << depth) * GC_PAGES_CHUNK;
}

static struct gc_page_runs join(struct gc_page_runs a, struct gc_page_runs b, uint32_t half) {
  struct gc_page_runs runs;
  runs.prefix = a.prefix == half ? half + b.prefix : a.prefix;
  runs.suffix = b.suffix == half ? half + a.suffix : b.suffix;
  runs.longest = a.suffix + b.prefix;
  if (a.longest > runs.longest) runs.longest = a.longest;
  if (b.longest > runs.longest) runs.longest = b.longest;
  return runs;
}

/* Recomputes the nodes over chunks [first, last]. */
static void update_tree(struct gc_pages *pages, uint64_t first, uint64_t last) {
  rt_assert(last < pages->leaves);
  uint32_t low = pages->leaves + (uint32_t)first, high = pages->leaves + (uint32_t)last;
  for (uint32_t node = low; node <= high; node++)
    pages->tree[node] = chunk_runs(&pages->chunks[node - pages->leaves]);
  uint32_t half = GC_PAGES_CHUNK;
  for (low /= 2, high /= 2; low != 0; low /= 2, high /= 2, half *= 2) {
    for (uint32_t node = low; node <= high; node++)
      pages->tree[node] = join(pages->tree[2 * node], pages->tree[2 * node + 1], half);
  }
}

/* Makes the tree wide enough for chunks. Old trees stay in metadata: their sizes double, so that
 * all of them together are smaller than the one in use. */
static void widen_tree(struct gc_pages *pages, uint64_t chunks) {
  if (chunks <= pages->leaves) return;
  uint32_t leaves = pages->leaves == 0 ? 1 : pages->leaves;
  while (leaves < chunks) leaves *= 2;
  pages->tree = rt_meta_alloc(sizeof *pages->tree * 2 * leaves, PLAT_CACHE_LINE);
  uint64_t old_chunks = (pages->npages + GC_PAGES_CHUNK - 1) / GC_PAGES_CHUNK;
  pages->leaves = leaves;
  if (old_chunks > 0) update_tree(pages, 0, old_chunks - 1);
}

/* First page of the first free run of count pages, which exists. */
static uint64_t find_run(const struct gc_pages *pages, uint64_t count) {
  const struct gc_page_runs *tree = pages->tree;
  uint32_t node = 1;
  uint64_t first = 0; /* first page of the node's range */
  uint32_t half = node_pages(pages, node) / 2;
  for (; node < pages->leaves; half /= 2) {
    if (tree[2 * node].longest >= count) {
      node = 2 * node;
      continue;
    }
    if ((uint64_t)tree[2 * node].suffix + tree[2 * node + 1].prefix >= count)
      return first + half - tree[2 * node].suffix;
    node = 2 * node + 1;
    first += half;
  }
  return first + chunk_find(&pages->chunks[node - pages->leaves], count);
}

/* ---- ranges of pages ------------------------------------------------------------------------- */

/* Calls for each word of the free bits that [first, first + count) touches are made by this step:
 * the word's mask, and advances past it. */
static uint64_t next_mask(uint64_t *first, uint64_t *count, uint64_t *page) {
  uint32_t bit = (uint32_t)(*first % 64);
  uint64_t bits = min_u64(64 - bit, *count);
  *page = *first;
  *first += bits;
  *count -= bits;
  return mask_of(bit, bits);
}

static struct gc_page_chunk *chunk_of(const struct gc_pages *pages, uint64_t page) {
  rt_assert(page < pages->npages);
  return &pages->chunks[page / GC_PAGES_CHUNK];
}

static uint64_t *free_word(const struct gc_pages *pages, uint64_t page) {
  return &chunk_of(pages, page)->free[page % GC_PAGES_CHUNK / 64];
}

static void set_free(struct gc_pages *pages, uint64_t first, uint64_t count, bool is_free) {
  rt_assert(count > 0 && first + count <= pages->npages);
  uint64_t last = first + count - 1, next = first, left = count, page;
  while (left > 0) {
    uint64_t mask = next_mask(&next, &left, &page);
    uint64_t *word = free_word(pages, page);
    rt_assert((*word & mask) == (is_free ? 0 : mask)); /* neither freed nor taken twice */
    *word ^= mask;
  }
  update_tree(pages, first / GC_PAGES_CHUNK, last / GC_PAGES_CHUNK);
}

uint64_t gc_pages_use(struct gc_pages *pages, uint64_t first, uint64_t count) {
  uint64_t fresh = 0, page;
  while (count > 0) {
    uint64_t mask = next_mask(&first, &count, &page);
    uint64_t *word = &chunk_of(pages, page)->fresh[page % GC_PAGES_CHUNK / 64];
    fresh += (uint64_t)__builtin_popcountll(*word & mask);
    *word &= ~mask;
  }
  return fresh;
}

/* ---- the interface --------------------------------------------------------------------------- */

enum rt_err gc_pages_init(struct gc_pages *pages, uint64_t max_pages) {
  uint64_t chunks = (max_pages + GC_PAGES_CHUNK - 1) / GC_PAGES_CHUNK;
  uint64_t bytes = chunks * sizeof(struct gc_page_chunk);
  bytes = (bytes + COMMIT_STEP_BYTES - 1) / COMMIT_STEP_BYTES * COMMIT_STEP_BYTES;
  *pages = (struct gc_pages){.reserved_bytes = bytes};
  pages->chunks = plat_vm_reserve(bytes, 8192);
  return pages->chunks == NULL ? RT_ERR_NOMEM : RT_OK;
}

void gc_pages_finish(struct gc_pages *pages) {
  plat_vm_release(pages->chunks, pages->reserved_bytes);
  *pages = (struct gc_pages){.chunks = NULL};
}

static enum rt_err commit_chunks(struct gc_pages *pages, uint64_t chunks) {
  uint64_t need = chunks * sizeof(struct gc_page_chunk);
  if (need <= pages->committed_bytes) return RT_OK;
  need = (need + COMMIT_STEP_BYTES - 1) / COMMIT_STEP_BYTES * COMMIT_STEP_BYTES;
  rt_assert(need <= pages->reserved_bytes);
  char *from = (char *)pages->chunks + pages->committed_bytes;
  enum rt_err err = plat_vm_commit(from, need - pages->committed_bytes);
  if (err == RT_OK) pages->committed_bytes = need;
  return err;
}

enum rt_err gc_pages_grow(struct gc_pages *pages, uint64_t count) {
  uint64_t first = pages->npages, end = first + count;
  uint64_t chunks = (end + GC_PAGES_CHUNK - 1) / GC_PAGES_CHUNK;
  enum rt_err err = commit_chunks(pages, chunks);
  if (err != RT_OK) return err;
  widen_tree(pages, chunks);
  pages->npages = end;
  uint64_t next = first, left = count, page;
  while (left > 0) {
    uint64_t mask = next_mask(&next, &left, &page);
    chunk_of(pages, page)->fresh[page % GC_PAGES_CHUNK / 64] |= mask;
  }
  set_free(pages, first, count, true);
  return RT_OK;
}

uint64_t gc_pages_alloc(struct gc_pages *pages, uint64_t count) {
  rt_assert(count > 0);
  if (pages->leaves == 0 || pages->tree[1].longest < count) return GC_PAGES_NONE;
  uint64_t first = find_run(pages, count);
  set_free(pages, first, count, false);
  return first;
}

void gc_pages_free(struct gc_pages *pages, uint64_t first, uint64_t count) {
  set_free(pages, first, count, true);
}

bool gc_pages_take_cache(struct gc_pages *pages, struct gc_page_cache *cache) {
  rt_assert(cache->free == 0);
  if (pages->leaves == 0 || pages->tree[1].longest == 0) return false;
  uint64_t page = find_run(pages, 1) / 64 * 64;
  uint64_t *word = free_word(pages, page);
  uint64_t *fresh = &chunk_of(pages, page)->fresh[page % GC_PAGES_CHUNK / 64];
  *cache = (struct gc_page_cache){.first = page, .free = *word, .fresh = *fresh & *word};
  *fresh &= ~*word;
  *word = 0;
  update_tree(pages, page / GC_PAGES_CHUNK, page / GC_PAGES_CHUNK);
  return true;
}

void gc_pages_give_cache(struct gc_pages *pages, struct gc_page_cache *cache) {
  if (cache->free != 0) {
    uint64_t *word = free_word(pages, cache->first);
    rt_assert((*word & cache->free) == 0);
    *word |= cache->free;
    chunk_of(pages, cache->first)->fresh[cache->first % GC_PAGES_CHUNK / 64] |= cache->fresh;
    update_tree(pages, cache->first / GC_PAGES_CHUNK, cache->first / GC_PAGES_CHUNK);
  }
  *cache = (struct gc_page_cache){0, 0, 0};
}

uint64_t gc_page_cache_alloc(struct gc_page_cache *cache, uint64_t count, uint64_t *fresh) {
  rt_assert(count >= 1 && count <= 64);
  uint64_t starts = runs_of(cache->free, count);
  if (starts == 0) return GC_PAGES_NONE;
  uint32_t bit = (uint32_t)__builtin_ctzll(starts);
  uint64_t mask = mask_of(bit, count);
  *fresh = (uint64_t)__builtin_popcountll(cache->fresh & mask);
  cache->free &= ~mask;
  cache->fresh &= ~mask;
  return cache->first + bit;
}

void gc_pages_check(const struct gc_pages *pages) {
  for (uint32_t node = 2 * pages->leaves; node-- > 1;) {
    struct gc_page_runs want =
        node >= pages->leaves
            ? ((uint64_t)(node - pages->leaves) * GC_PAGES_CHUNK < pages->npages
                   ? chunk_runs(&pages->chunks[node - pages->leaves])
                   : (struct gc_page_runs){0, 0, 0})
            : join(pages->tree[2 * node], pages->tree[2 * node + 1], node_pages(pages, node) / 2);
    struct gc_page_runs have = pages->tree[node];
    rt_assert(have.prefix == want.prefix && have.suffix == want.suffix);
    rt_assert(have.longest == want.longest);
  }
}
