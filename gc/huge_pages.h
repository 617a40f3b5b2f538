/* A setting of the heap, for who reads settings and for the heap. */
#ifndef GC_HUGE_PAGES_H
#define GC_HUGE_PAGES_H

/* What the heap asks the operating system for in pages of 2 MiB, which cost one fault and one
 * clearing of their whole size when first touched. */
enum gc_huge_pages {
  GC_HUGE_ALL,   /* all of it: fewest faults */
  GC_HUGE_LARGE, /* what lies whole inside one object of fresh memory, as Go does */
  GC_HUGE_NONE
};

#endif
