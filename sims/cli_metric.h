/* Numbers in result documents: found by path, combined over runs.
 *
 * A metric's path is the keys from the top of tricolor.result/1 joined by dots
 * ("pauses.p99_ns", "maps.m.growths", "mmu.0.utilisation": items of a list by number from 0).
 * true and false count as 1 and 0, a list as the number of its items ("violations"). */
#ifndef SIMS_CLI_METRIC_H
#define SIMS_CLI_METRIC_H

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stdint.h>

/* The item at path, or NULL. A key may itself contain dots: the longest key that fits is taken. */
const cJSON *sim_metric_find(const cJSON *doc, const char *path);
/* The number of an item. False: it is NULL, null, or neither number, bool nor list. */
bool sim_metric_value(const cJSON *item, double *out);
/* The number at path. False: no such item, or it has none. */
bool sim_metric_number(const cJSON *doc, const char *path, double *out);

/* Folds values[0..count) of one metric into a JSON value the caller owns; may reorder values. */
typedef cJSON *sim_metric_fold(double *values, uint32_t count);
/* A document of the shape of docs[0] with each number replaced by fold of the numbers at the same
 * place in all docs (those that have one there; null where none has). Text is left out; so are the
 * seed, the configuration and lists other than mmu; window_ns stays what it is, it names a point of
 * a curve. */
cJSON *sim_metric_combine(const cJSON *const *docs, uint32_t count, sim_metric_fold *fold);
/* The same for ratios ours[i] / theirs[i]; fold sees the ratios of the slots where both have a
 * number and theirs is not 0. */
cJSON *sim_metric_ratios(const cJSON *const *ours, const cJSON *const *theirs, uint32_t count,
                         sim_metric_fold *fold);

#endif
