/* JSON for people: what fits stays on one line, the rest is indented by two. */
#ifndef TESTS_SCENARIO_PRETTY_H
#define TESTS_SCENARIO_PRETTY_H

struct cJSON;

/* A fresh string that ends with a newline. */
char *pretty_json(const struct cJSON *value);

#endif
