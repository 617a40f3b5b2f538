/* Pages from the operating system; under both platforms' plat_vm_*. Part of the platform seam. */
#ifndef RUNTIME_VMEM_H
#define RUNTIME_VMEM_H

#include <stdbool.h>
#include <stddef.h>

/* Inaccessible address space that costs nothing; align a power of two. NULL: refused. */
void *vmem_reserve(size_t bytes, size_t align);
/* Makes reserved pages accessible; zeroed when first committed or after vmem_decommit. */
bool vmem_commit(void *p, size_t bytes);
/* Hint: this committed memory will be used densely, so large pages suit it. */
void vmem_prefer_huge(void *p, size_t bytes);
/* Forgets the contents; the pages read as zero and may be written again at once. */
void vmem_decommit(void *p, size_t bytes);
/* Forgets the contents and makes the pages inaccessible again; the addresses stay reserved. */
void vmem_uncommit(void *p, size_t bytes);
bool vmem_guard(void *p, size_t bytes);
void vmem_release(void *p, size_t bytes);

#endif
