#include "sims/memory.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sims/protocol.h"

static void out_of_memory(void) {
  fputs("tricolor: out of memory\n", stderr);
  _Exit(TRI_EXIT_ENGINE);
}

void *sim_alloc(size_t bytes) {
  void *p = calloc(1, bytes == 0 ? 1 : bytes);
  if (p == NULL) out_of_memory();
  return p;
}

void *sim_resize(void *array, size_t bytes) {
  array = realloc(array, bytes);
  if (array == NULL) out_of_memory();
  return array;
}

char *sim_strdup(const char *text) {
  size_t bytes = strlen(text) + 1;
  return memcpy(sim_alloc(bytes), text, bytes);
}

char *sim_printf(const char *format, ...) {
  va_list args;
  char *text = NULL;
  va_start(args, format);
  int n = vasprintf(&text, format, args);
  va_end(args);
  if (n < 0) out_of_memory();
  return text;
}

void *sim_grow(void *array, uint32_t *room, uint32_t count, size_t item_bytes) {
  if (count < *room) return array;
  *room = *room == 0 ? 16 : *room * 2;
  array = realloc(array, *room * item_bytes);
  if (array == NULL) out_of_memory();
  return array;
}
