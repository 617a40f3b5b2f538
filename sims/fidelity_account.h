/* What one run of ours allocated more than one run of Go, object size by object size, and why. Both
 * count what they hand out by size class; where both hash alike the difference is a short list. */
#ifndef SIMS_FIDELITY_ACCOUNT_H
#define SIMS_FIDELITY_ACCOUNT_H

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { FID_SIZES_MAX = 68 };

/* Ours less Go's. */
struct fid_account {
  bool is_known;                /* both runs tell their objects by size */
  uint32_t count;
  struct { uint32_t bytes; int64_t more; } size[FID_SIZES_MAX]; /* where they differ */
  int64_t rest_mallocs, rest_bytes; /* larger ones, and objects that share a 16-byte block */
  int64_t mallocs, bytes;       /* all of it */
};

/* What may explain a difference. */
struct fid_causes {
  double bucket_bytes;   /* of the map; not a number: no map */
  bool any_order;        /* several goroutines insert, in whatever order they get the lock */
};

void fid_account_make(struct fid_account *a, const cJSON *ours, const cJSON *go);
/* Writes "-5 x 416 B goroutine descriptors (g), ... = -10 objects, -3312 B", always terminated.
 * False: something in it has no cause; the text then says which. */
bool fid_account_explain(const struct fid_account *a, const struct fid_causes *causes, char *out,
                         size_t bytes);

#endif
