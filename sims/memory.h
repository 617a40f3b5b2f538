/* malloc for programs of sims/, which can do nothing sensible without memory: they say so and end
 * with status 3. The engines' heap is not allocated here. */
#ifndef SIMS_MEMORY_H
#define SIMS_MEMORY_H

#include <stddef.h>
#include <stdint.h>

void *sim_alloc(size_t bytes); /* zeroed */
void *sim_resize(void *array, size_t bytes); /* realloc; the new part is not zeroed */
char *sim_strdup(const char *text);
/* printf into a fresh string. */
char *sim_printf(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* Makes room for item number count in an array of *room items; returns the array. */
void *sim_grow(void *array, uint32_t *room, uint32_t count, size_t item_bytes);

#endif
