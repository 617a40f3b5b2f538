/* Faults that tests inject to see that the verifier reports them. All off unless set. */
#ifndef GC_CONCURRENT_FAULTS_H
#define GC_CONCURRENT_FAULTS_H

#include <stdbool.h>

struct gc_faults {
  bool barrier_off;                  /* stores are never recorded */
  bool flush_skipped_at_termination; /* write-barrier buffers are flushed only when they are full:
                                      * not by drains out of work, not by the ragged barrier,
                                      * not by the re-check after the stop */
  bool allocate_white;               /* new objects are not marked while marking */
  bool skip_stack_rescan;            /* rows with rescan_stacks behave as without */
  bool skip_recheck;                 /* no re-check after the stop (issue 27993) */
  bool skip_root;                    /* the first root job is claimed but not done */
};

/* Copies *f; takes effect at the next cycle. Before gc_start or between cycles. */
void gc_set_faults(const struct gc_faults *f);

#endif
