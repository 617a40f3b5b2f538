#include "gc/sema.h"

#include "gc/world.h"
#include "runtime/lockrank.h"

void gc_sema_init(struct gc_sema *s, uint32_t value, const char *name) {
  plat_mutex_init(&s->lock, RT_RANK_SYNC, name);
  s->value = value;
  s->head = s->tail = NULL;
  s->name = name;
}

bool gc_sema_try_acquire(struct gc_sema *s) {
  plat_mutex_lock(&s->lock);
  bool taken = s->value > 0;
  if (taken) s->value--;
  plat_mutex_unlock(&s->lock);
  return taken;
}

void gc_sema_acquire(struct gc_mutator *self, struct gc_sema *s) {
  rt_assert(self->no_preempt == 0);
  plat_mutex_lock(&s->lock);
  if (s->value > 0) {
    s->value--;
    plat_mutex_unlock(&s->lock);
    return;
  }
  self->queue_next = NULL;
  if (s->tail != NULL) {
    s->tail->queue_next = self;
  } else {
    s->head = self;
  }
  s->tail = self;
  gc_world->park(self, &s->lock, s->name);
}

void gc_sema_release(struct gc_mutator *self, struct gc_sema *s) {
  plat_mutex_lock(&s->lock);
  struct gc_mutator *waiter = s->head;
  if (waiter == NULL) {
    s->value++;
  } else {
    s->head = waiter->queue_next;
    if (s->head == NULL) s->tail = NULL;
    waiter->queue_next = NULL;
  }
  plat_mutex_unlock(&s->lock);
  if (waiter != NULL) gc_world->ready(self, waiter, true);
}
