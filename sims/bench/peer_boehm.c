/* The peer of kernel alloc32: Boehm's GC_MALLOC called directly, without any of our runtime. */
#include <gc/gc.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { DEFAULT_COUNT = 20000000 };

static uint64_t now_ns(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

/* The request is "alloc32 [COUNT]", as arguments or on standard input. */
static uint64_t requested_count(int argc, char **argv) {
  char name[32] = "";
  unsigned long long count = DEFAULT_COUNT;
  if (argc >= 2 && argv[1][0] != '-') {
    snprintf(name, sizeof name, "%s", argv[1]);
    if (argc == 3) count = strtoull(argv[2], NULL, 10);
  } else if (scanf("%31s %llu", name, &count) < 1) {
    return 0;
  }
  return strcmp(name, "alloc32") == 0 ? count : 0;
}

int main(int argc, char **argv) {
  uint64_t count = requested_count(argc, argv);
  if (count == 0) {
    fprintf(stderr, "usage: peer-boehm alloc32 [COUNT]\n");
    return 2;
  }
  GC_INIT();
  uint64_t start = now_ns();
  for (uint64_t i = 0; i < count; i++) {
    void *p = GC_MALLOC(32);
    __asm__ volatile("" : : "r"(p) : "memory");
  }
  printf("{\"type\":\"result\",\"result\":{\"schema\":\"tricolor.result/1\","
         "\"kernel\":\"alloc32\",\"ns_per_op\":%.4f}}\n",
         (double)(now_ns() - start) / (double)count);
  return fflush(stdout) == 0 ? 0 : 3;
}
