/* Memory for the runtime's own structures: zeroed, aligned, never given back. */
#ifndef RUNTIME_META_H
#define RUNTIME_META_H

#include <stddef.h>
#include <stdint.h>

/* bytes zeroed bytes at a multiple of align (a power of two, at most 8192), valid until the process
 * ends. Never NULL: when the operating system refuses, the run ends (RT_END_NOMEM).
 * Any thread; takes the META lock, so with no lock of that rank or above held. */
void *rt_meta_alloc(size_t bytes, size_t align) __attribute__((malloc));

/* Bytes taken from the operating system for metadata so far. Any thread. */
uint64_t rt_meta_committed_bytes(void);

#endif
