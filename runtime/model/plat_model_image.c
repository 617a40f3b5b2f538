/* The world kept and put back. At the image every writable page of the world becomes read-only; the
 * first write to one faults, its bytes are copied aside, and from then on every restore copies them
 * back. After a few runs nothing faults any more and a restore is a row of page copies.
 *
 * Moments of a run may be kept besides: each has a copy of its own of every page that any run had
 * written by then. A page that is written later for the first time was at the moment what it is in
 * the image. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "plat_model_int.h"
#include "runtime/check.h"
#include "runtime/vmem.h"

enum {
  PAGE_BYTES = 4096,
  PAGES_MAX = 1 << 20,       /* written by some run: 4 GiB */
  KEPT_MAX = 4096,           /* separate ranges of writable pages */
  FRESH_MAX = 1024,          /* ranges committed by one run */
  CRASHES = 5,               /* signals that a program's own fault raises */
  NEAR_NIL = 1 << 16         /* addresses below are members of an object that is not there */
};

/* Which part of a page is put back. */
struct part {
  uint32_t from, bytes;
};

/* A page some run has written. */
struct page {
  char *at;
  const char *copy;
  struct part part;
};

/* The live part of each thread's stack, and its end, by slot; NULL: unused slot. */
struct stacks {
  char *low[PLAT_MODEL_CHOOSER_THREADS];
  char *high[PLAT_MODEL_CHOOSER_THREADS];
};

/* A moment of a run. Its memory is kept for the next one. */
struct moment {
  uint32_t page_count, room;
  struct part *parts;
  char *copies;
};

/* In malloc's memory or mapped apart, so that a restore leaves it alone. */
static struct image {
  struct model_range kept[KEPT_MAX];   /* the image's pages */
  uint32_t kept_count;
  struct model_range fresh[FRESH_MAX]; /* committed by the run under way, outside them */
  uint32_t fresh_count;
  struct page *pages;
  char *copies;
  uint32_t page_count;
  void *signal_stack;
  struct stacks stacks;                /* at the mark */
  struct moment moment[PLAT_MODEL_KEPT_MAX];
  struct sigaction previous[CRASHES];
  stack_t previous_stack;              /* for signals */
} *image;

static const struct crash {
  int number;
  const char *name;
} crashes[CRASHES] = {{SIGSEGV, "SIGSEGV"}, {SIGBUS, "SIGBUS"}, {SIGFPE, "SIGFPE"},
                      {SIGILL, "SIGILL"},   {SIGABRT, "SIGABRT"}};

static char *page_of(const char *p) { return (char *)((uintptr_t)p / PAGE_BYTES * PAGE_BYTES); }

static bool is_kept(const char *p) {
  for (uint32_t i = 0; i < image->kept_count; i++)
    if (p >= image->kept[i].low && p < image->kept[i].high) return true;
  return false;
}

static void set_access(const struct model_range *r, int access) {
  if (mprotect(r->low, (size_t)(r->high - r->low), access) != 0)
    rt_fatal(RT_END_NOMEM, "out of memory: the kernel refuses to protect the world's pages");
}

/* ---- writes ---------------------------------------------------------------------------------- */

/* The part of a page that a run may read before it writes it: all of it, or of a thread's stack
 * what was live at the mark, or of a table the entries of threads that there can be, or what is
 * before the sites, which nobody writes. */
static struct part live_part(const char *at, const struct stacks *stacks) {
  const char *low = at, *high = at + PAGE_BYTES, *sites = (const char *)model_vm_hot.sites;
  if (model_is_in_stacks(at)) {
    const char *live = high;
    for (uint32_t i = 0; i < PLAT_MODEL_CHOOSER_THREADS; i++)
      if (stacks->high[i] > at && stacks->low[i] < high) live = stacks->low[i];
    if (live > low) low = live;
  } else if (at == (char *)model.live) {
    high = (char *)&model.live[PLAT_MODEL_CHOOSER_THREADS];
  } else if (at == (char *)model.free_slots) {
    high = (char *)&model.free_slots[PLAT_MODEL_CHOOSER_THREADS];
  } else if (sites > low && sites < high) {
    high = sites;
  }
  return (struct part){(uint32_t)(low - at), (uint32_t)(high - low)};
}

static void keep_page(char *at) {
  if (image->page_count == PAGES_MAX) _Exit(3);
  char *copy = image->copies + (size_t)image->page_count * PAGE_BYTES;
  san_copy(copy, at, PAGE_BYTES);
  image->pages[image->page_count++] = (struct page){at, copy, live_part(at, &image->stacks)};
  if (mprotect(at, PAGE_BYTES, PROT_READ | PROT_WRITE) != 0) _Exit(3);
}

static const struct crash *crash_of(int number) {
  const struct crash *c = crashes;
  while (c->number != number) c++;
  return c;
}

/* Where an access went, the same on every machine. */
static void describe_address(const siginfo_t *info, char *out, size_t bytes) {
  uintptr_t address = (uintptr_t)info->si_addr;
  uint64_t object = model_object_id(info->si_addr);
  bool is_access = info->si_signo == SIGSEGV || info->si_signo == SIGBUS;
  out[0] = '\0';
  if (!is_access || info->si_code <= 0) return;
  if (address < NEAR_NIL && info->si_code != SI_KERNEL) /* that one knows no address */
    snprintf(out, bytes, ": it touched address %llu", (unsigned long long)address);
  else if (plat_model_region_of(object) == PLAT_REGION_ARENA)
    snprintf(out, bytes, ": it touched memory that is not committed, at 0x%llx of the arena",
             (unsigned long long)(object & ~(UINT64_C(15) << 60)));
  else
    snprintf(out, bytes, ": it touched memory that is not there");
}

/* The run under way ends with what the program did last. */
_Noreturn static void crash_run(const siginfo_t *info) {
  char text[512], where[128];
  const struct plat_site *s = model.running->pending.site;
  describe_address(info, where, sizeof where);
  snprintf(text, sizeof text, "the program crashed: %s in %s, after %s at %s:%u%s",
           crash_of(info->si_signo)->name, model.running->name, s->what,
           s->file + strspn(s->file, "./"), (unsigned)s->line, where);
  model_end_run(PLAT_MODEL_FAILED, -1, text);
}

/* A write to a page of the image, or a fault of the program, or of what runs outside it: that
 * happens again, in the usual way. */
static void on_fault(int number, siginfo_t *info, void *context) {
  char *at = page_of(info->si_addr);
  (void)context;
  if (number == SIGSEGV && info->si_code == SEGV_ACCERR && is_kept(at)) {
    keep_page(at);
    return;
  }
  if (model_in_explored_run() && info->si_code != SI_USER) crash_run(info);
  sigaction(number, &image->previous[crash_of(number) - crashes], NULL);
  if (info->si_code <= 0) raise(number); /* by raise or kill: nothing would happen again */
}

static void handle_faults(void) {
  struct sigaction action = {.sa_sigaction = on_fault,
                             .sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER};
  stack_t stack = {.ss_sp = image->signal_stack, .ss_size = MODEL_SIGNAL_STACK_BYTES};
  sigemptyset(&action.sa_mask);
  rt_assert(sigaltstack(&stack, &image->previous_stack) == 0);
  for (uint32_t i = 0; i < CRASHES; i++)
    rt_assert(sigaction(crashes[i].number, &action, &image->previous[i]) == 0);
}

/* ---- taking ---------------------------------------------------------------------------------- */

static void keep_range(char *low, char *high) {
  if (low >= high) return;
  if (image->kept_count == KEPT_MAX) rt_die("the world lies in more than %d pieces", KEPT_MAX);
  image->kept[image->kept_count++] = (struct model_range){low, high};
}

/* Of one writable mapping what belongs to the world, in whole pages. */
static void keep_mapping(char *low, char *high, const struct model_range *world, uint32_t count) {
  for (uint32_t i = 0; i < count; i++) {
    char *from = page_of(world[i].low), *to = page_of(world[i].high + PAGE_BYTES - 1);
    keep_range(low > from ? low : from, high < to ? high : to);
  }
}

/* The kernel knows best which pages can be written. */
static void find_mappings(void) {
  struct model_range world[MODEL_RANGES_MAX];
  uint32_t count = model_vm_ranges(world);
  char line[512], access[8];
  unsigned long low, high;
  FILE *maps = fopen("/proc/self/maps", "r");
  if (maps == NULL) rt_fatal(RT_END_NOMEM, "exploring needs /proc/self/maps");
  while (fgets(line, sizeof line, maps) != NULL) {
    if (sscanf(line, "%lx-%lx %7s", &low, &high, access) != 3 || access[1] != 'w') continue;
    keep_mapping((char *)low, (char *)high, world, count);
  }
  fclose(maps);
}

/* The rest of a stack is written before it is read. A thread that was left on another stack, a
 * goroutine's, has something on its own that only the scheduler knows the extent of. */
static void find_stacks(struct stacks *out) {
  *out = (struct stacks){.low = {NULL}};
  for (uint32_t i = 0; i < model.live_count; i++) {
    const struct model_thread *t = model.live[i];
    void *low, *high;
    ctx_stack_bounds(&t->ctx, &low, &high);
    if ((char *)low < (char *)t->ctx.stack_low || low >= high) low = t->ctx.stack_low;
    out->low[t->slot] = low;
    out->high[t->slot] = high;
  }
}

void model_image_take(void) {
  rt_assert(image == NULL);
  image = model_map_apart((sizeof *image + PAGE_BYTES - 1) / PAGE_BYTES * PAGE_BYTES);
  image->pages = model_map_apart(PAGES_MAX * sizeof *image->pages);
  image->copies = model_map_apart((size_t)PAGES_MAX * PAGE_BYTES);
  image->signal_stack = model_map_apart(MODEL_SIGNAL_STACK_BYTES);
  model_stacks_commit(PLAT_MODEL_CHOOSER_THREADS); /* of threads that runs will start, too */
  find_mappings();
  find_stacks(&image->stacks);
  handle_faults();
  for (uint32_t i = 0; i < image->kept_count; i++) set_access(&image->kept[i], PROT_READ);
}

/* What a sanitizer knows of stacks and heap is not kept; all of them is open again. */
static inline void restore_page(char *at, const char *copy, struct part part) {
  san_copy(at + part.from, copy + part.from, part.bytes);
  if (!SAN_HAS_SHADOW) return;
  enum plat_model_region region = plat_model_region_of(plat_model_object(at));
  if (region == PLAT_REGION_ARENA || region == PLAT_REGION_STACKS) san_unpoison(at, PAGE_BYTES);
}

void model_image_restore(uint32_t from) {
  const struct moment *m = from == 0 ? NULL : &image->moment[from - 1];
  uint32_t own = m == NULL ? 0 : m->page_count;
  for (uint32_t i = 0; i < own; i++)
    restore_page(image->pages[i].at, m->copies + (size_t)i * PAGE_BYTES, m->parts[i]);
  for (uint32_t i = own; i < image->page_count; i++)
    restore_page(image->pages[i].at, image->pages[i].copy, image->pages[i].part);
  for (uint32_t i = 0; i < image->fresh_count; i++)
    vmem_uncommit(image->fresh[i].low, (size_t)(image->fresh[i].high - image->fresh[i].low));
  image->fresh_count = 0;
}

static bool make_room(struct moment *m) {
  if (m->room >= image->page_count) return true;
  uint32_t room = image->page_count + image->page_count / 2;
  free(m->parts);
  free(m->copies);
  m->parts = malloc(room * sizeof *m->parts);
  m->copies = aligned_alloc(PAGE_BYTES, (size_t)room * PAGE_BYTES);
  m->room = m->parts == NULL || m->copies == NULL ? 0 : room;
  return m->room != 0;
}

bool model_image_keep(uint32_t slot) {
  struct moment *m = &image->moment[slot];
  struct stacks stacks;
  if (image->fresh_count != 0 || !make_room(m)) return false;
  find_stacks(&stacks);
  m->page_count = image->page_count;
  for (uint32_t i = 0; i < m->page_count; i++) {
    char *at = image->pages[i].at;
    struct part part = m->parts[i] = live_part(at, &stacks);
    san_copy(m->copies + (size_t)i * PAGE_BYTES + part.from, at + part.from, part.bytes);
  }
  return true;
}

void model_image_drop(void) {
  if (image == NULL) return;
  struct image *i = image;
  for (uint32_t k = 0; k < i->kept_count; k++) set_access(&i->kept[k], PROT_READ | PROT_WRITE);
  model_image_restore(0);
  for (uint32_t k = 0; k < CRASHES; k++)
    rt_assert(sigaction(crashes[k].number, &i->previous[k], NULL) == 0);
  for (uint32_t k = 0; k < PLAT_MODEL_KEPT_MAX; k++) {
    free(i->moment[k].parts);
    free(i->moment[k].copies);
  }
  rt_assert(sigaltstack(&i->previous_stack, NULL) == 0);
  image = NULL;
  vmem_release(i->pages, PAGES_MAX * sizeof *i->pages);
  vmem_release(i->copies, (size_t)PAGES_MAX * PAGE_BYTES);
  vmem_release(i->signal_stack, MODEL_SIGNAL_STACK_BYTES);
  vmem_release(i, (sizeof *i + PAGE_BYTES - 1) / PAGE_BYTES * PAGE_BYTES);
}

void model_image_each(void (*visit)(const struct model_range *now, const char *before, void *arg),
                      void *arg) {
  for (uint32_t i = 0; i < image->page_count; i++) {
    const struct page *p = &image->pages[i];
    struct model_range now = {p->at, p->at + PAGE_BYTES};
    visit(&now, p->copy, arg);
  }
  for (uint32_t i = 0; i < image->fresh_count; i++) visit(&image->fresh[i], NULL, arg);
}

/* ---- address space in an explored run -------------------------------------------------------- */

/* Pages of the image stay as they are: what was released in this run reads as zero already. */
bool model_image_commit(void *p, size_t bytes) {
  char *low = p, *end = low + bytes;
  while (low < end) {
    char *high = low;
    bool kept = is_kept(low);
    while (high < end && is_kept(high) == kept) high += PAGE_BYTES;
    if (!kept) {
      if (image->fresh_count == FRESH_MAX || !vmem_commit(low, (size_t)(high - low))) return false;
      image->fresh[image->fresh_count++] = (struct model_range){low, high};
    }
    low = high;
  }
  return true;
}

__attribute__((no_sanitize_address)) uint64_t plat_model_word(const void *address,
                                                              uint32_t bytes) {
  const unsigned char *from = address;
  uint64_t word = 0;
  for (uint32_t i = 0; i < bytes; i++) word |= (uint64_t)from[i] << 8 * i;
  return word;
}
