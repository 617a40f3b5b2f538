#include "gc/collector.h"

void gc_config_default(struct gc_config *c) {
  *c = (struct gc_config){
      .gogc = 100,
      .memory_limit_bytes = INT64_MAX,
      .wb_entries = 256,
      .barrier = "hybrid",
      .pacer = "go1.19",
      .assist = true,
      .idle_workers = UINT32_MAX,
  };
}
