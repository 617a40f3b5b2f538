/* Scenario texts with a known verdict: some written by hand (cases.def), many more derived from the
 * loader's table, so that every key is tried with every wrong kind of value and with its bounds. */
#ifndef TESTS_SCENARIO_CASES_H
#define TESTS_SCENARIO_CASES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum case_kind {
  CASE_VALID,     /* loads; the schema accepts it */
  CASE_LEXICAL,   /* not strict JSON */
  CASE_STRUCTURE, /* the loader and the schema refuse it */
  CASE_MEANING    /* the loader refuses it, the schema cannot know */
};

struct test_case {
  enum case_kind kind;
  bool again; /* the same row was tried in another variant */
  char *text;
  size_t length;
  uint32_t line, column; /* of the error; 0: not stated */
  char *pointer;         /* of the error; NULL: not stated */
  char *fragment;        /* part of the message; NULL: not stated */
};

struct test_cases {
  struct test_case *list;
  uint32_t count, room;
};

struct test_cases cases_all(void);
void cases_free(struct test_cases *cases);

#endif
