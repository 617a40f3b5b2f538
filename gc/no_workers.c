/* What the scheduler asks of a collector (gc/collector.h) that has no workers of its own and keeps
 * nothing for a mutator: nothing to do. Linked with the collectors of which that is true. */
#include "gc/collector.h"

void gc_mutator_init(struct gc_mutator *mu) { (void)mu; }
void gc_mutator_exit(struct gc_mutator *mu) { (void)mu; }
void gc_p_acquired(struct gc_p *p) { (void)p; }

struct gc_mutator *gc_worker_find(struct gc_p *p, uint64_t now_ns) {
  (void)p, (void)now_ns;
  return NULL;
}

struct gc_mutator *gc_worker_find_idle(struct gc_p *p, uint64_t now_ns) {
  (void)p, (void)now_ns;
  return NULL;
}

bool gc_work_available(struct gc_p *p) {
  (void)p;
  return false;
}

bool gc_periodic_due(uint64_t now_ns) {
  (void)now_ns;
  return false;
}

void gc_periodic_run(struct gc_mutator *self) { (void)self; }
