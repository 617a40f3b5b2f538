/* Go's size classes (F2.1). Class 0 stands for large objects. */
#ifndef GC_SIZECLASS_H
#define GC_SIZECLASS_H

#include <stdint.h>

enum {
  GC_SIZE_CLASSES = 68,
  GC_SMALL_MAX_BYTES = 32768 /* largest size served from a size class */
};

struct gc_size_class {
  uint32_t bytes;     /* slot size */
  uint32_t npages;    /* pages of one span */
  uint32_t nelems;    /* slots of one span */
  uint32_t div_magic; /* slot of a byte offset: offset * div_magic >> 32 (F2.1.5) */
};
extern const struct gc_size_class gc_size_classes[GC_SIZE_CLASSES];

/* Indexed by (bytes + 7) / 8 up to 1024 bytes, by (bytes - 1024 + 127) / 128 above. */
extern const uint8_t gc_size_to_class_8[129];
extern const uint8_t gc_size_to_class_128[249];

/* The smallest class whose slots hold bytes; bytes <= GC_SMALL_MAX_BYTES. 0 bytes: class 0. */
static inline uint32_t gc_size_class_of(uint64_t bytes) {
  return bytes <= 1024 ? gc_size_to_class_8[(bytes + 7) / 8]
                       : gc_size_to_class_128[(bytes - 1024 + 127) / 128];
}

/* Bytes an allocation of this size really takes (F2.1.3, Go's roundupsize). */
uint64_t gc_round_up_bytes(uint64_t bytes);

#endif
