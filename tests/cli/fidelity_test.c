/* tricolor fidelity: which words mean which workloads, what is run, and how numbers are judged. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sims/fidelity.h"
#include "sims/fidelity_account.h"
#include "tests/cli/harness.h"

#define CONFIGS "TRICOLOR_CONFIGS=" TEST_CONFIGS

static void test_words(void **state) {
  (void)state;
  unlink("log");
  const struct outcome *r = cli(CONFIGS " FAKE_LOG=log", "fidelity e-mutx");
  assert_int_equal(r->status, 2);
  assert_string_equal(r->out, "");
  assert_contains(r->err, "no workload \"e-mutx\"; did you mean e-mutex?\nThere are:\n  a  ");
  assert_contains(r->err, "\n  e-shard ");
  assert_int_equal(cli(CONFIGS " FAKE_LOG=log", "fidelity a zzz")->status, 2);
  assert_int_equal(cli(CONFIGS " FAKE_LOG=log", "fidelity --set gc.gogc=50")->status, 2);
  r = cli("FAKE_LOG=log", "fidelity a"); /* the harness's own configs/ has no recording */
  assert_int_equal(r->status, 2);
  assert_contains(r->err, "fidelity/recorded.json; nothing was run");
  assert_int_equal(count_files("log"), 0);
}

/* The fake engine's numbers are far from Go's: all of that is printed, and the status is 0. */
static void test_missed(void **state) {
  (void)state;
  const struct outcome *r = cli(CONFIGS, "fidelity e --runs 1 --json out.json");
  assert_int_equal(r->status, 0);
  assert_contains(r->out, "e-mutex, GOGC 50: ");
  assert_contains(r->out, "e-shard, GOGC 200: ");
  assert_lacks(r->out, "\na, GOGC");
  assert_contains(r->out, "missed");
  assert_contains(r->out, "Within their bounds: GC cycles 1 of ");
  char *text = read_file("out.json");
  cJSON *doc = cJSON_Parse(text);
  free(text);
  assert_string_equal(item_at(doc, "schema")->valuestring, "tricolor.fidelity/1");
  assert_int_equal(cJSON_GetArraySize(item_at(doc, "cases")), 12);
  assert_true(number_at(doc, "cases.0.cycles.ours") == 12);
  assert_true(number_at(doc, "cases.0.cycles.recorded") == 6);
  cJSON_Delete(doc);
}

static void test_failed_engine(void **state) {
  (void)state;
  const struct outcome *r = cli(CONFIGS " FAKE_MODE_concurrent=crash", "fidelity b --runs 1");
  assert_int_equal(r->status, 3);
  assert_contains(r->err, "tricolor fidelity: b, GOGC 50: ");
  assert_contains(r->err, "was killed by SIGSEGV");
}

static void set(struct fid_case *c, enum fid_side_id side, enum fid_quantity q, double value) {
  c->side[side].value[q] = c->side[side].low[q] = c->side[side].high[q] = value;
}

static struct fid_case empty_case(void) {
  struct fid_case c = {.bucket_bytes = FID_NONE};
  for (int side = 0; side < FID_SIDES; side++) fid_side_clear(&c.side[side]);
  return c;
}

static void test_judge_counts(void **state) {
  (void)state;
  struct fid_case c = empty_case();
  assert_int_equal(fid_judge(&c, FID_CYCLES), FID_UNKNOWN);
  set(&c, FID_OURS, FID_CYCLES, 6);
  set(&c, FID_RECORDED, FID_CYCLES, 7);
  assert_int_equal(fid_judge(&c, FID_CYCLES), FID_WITHIN);
  set(&c, FID_GO, FID_CYCLES, 8); /* counts for more than the recording */
  assert_int_equal(fid_judge(&c, FID_CYCLES), FID_MISSED);
  set(&c, FID_OURS, FID_MALLOCS, 1000);
  set(&c, FID_RECORDED, FID_MALLOCS, 1064);
  set(&c, FID_OURS, FID_BYTES, 50000);
  set(&c, FID_RECORDED, FID_BYTES, 50000);
  assert_int_equal(fid_judge(&c, FID_MALLOCS), FID_STARTUP);
  assert_int_equal(fid_judge(&c, FID_BYTES), FID_EXACT);
  set(&c, FID_RECORDED, FID_MALLOCS, 1065);
  assert_int_equal(fid_judge(&c, FID_MALLOCS), FID_MISSED);
  c.side[FID_RECORDED].low[FID_MALLOCS] = 1050; /* Go's runs span 50: ours is 50 below */
  c.side[FID_RECORDED].high[FID_MALLOCS] = 1100;
  assert_int_equal(fid_judge(&c, FID_MALLOCS), FID_MISSED); /* no map that grew */
  set(&c, FID_OURS, FID_GROWTHS, 1);
  assert_int_equal(fid_judge(&c, FID_MALLOCS), FID_SEED);
  c.side[FID_RECORDED].low[FID_MALLOCS] = 1051;
  assert_int_equal(fid_judge(&c, FID_MALLOCS), FID_MISSED);
}

static void test_judge_shares(void **state) {
  (void)state;
  struct fid_case c = empty_case();
  set(&c, FID_OURS, FID_ASSIST, 0.05);
  set(&c, FID_GO, FID_ASSIST, 0.009); /* too small a share to compare */
  assert_int_equal(fid_judge(&c, FID_ASSIST), FID_UNKNOWN);
  set(&c, FID_GO, FID_ASSIST, 0.07);
  assert_int_equal(fid_judge(&c, FID_ASSIST), FID_WITHIN);
  set(&c, FID_GO, FID_ASSIST, 0.08);
  assert_int_equal(fid_judge(&c, FID_ASSIST), FID_MISSED);
  assert_true(isnan(fid_alike(&c, FID_ASSIST))); /* no run of either is known */
  set(&c, FID_RECORDED, FID_ASSIST, 0.04); /* Go's own medians: 4 % there, 8 % here */
  assert_int_equal(fid_judge(&c, FID_ASSIST), FID_VARIES);
  set(&c, FID_RECORDED, FID_ASSIST, 0.06);
  assert_int_equal(fid_judge(&c, FID_ASSIST), FID_MISSED);
}

static void set_goals(struct fid_side *side, double cycles, uint32_t count, const double *goals) {
  side->value[FID_CYCLES] = cycles;
  side->value[FID_GOAL] = goals[0];
  side->goal_count = count;
  for (uint32_t i = 0; i < count; i++) side->goal_low[i] = side->goal_high[i] = goals[i];
}

static void test_judge_goals(void **state) {
  (void)state;
  const double mb = 1e6;
  struct fid_case c = empty_case();
  c.gogc = 100;
  set_goals(&c.side[FID_OURS], 3, 3, (const double[]){400 * mb, 200 * mb, 100 * mb});
  set_goals(&c.side[FID_RECORDED], 3, 3, (const double[]){400 * mb, 205 * mb, 100 * mb});
  assert_int_equal(fid_judge(&c, FID_GOAL), FID_WITHIN);
  c.side[FID_RECORDED].goal_low[1] = 210 * mb;
  c.side[FID_RECORDED].goal_high[1] = 220 * mb; /* somewhere in there */
  assert_int_equal(fid_judge(&c, FID_GOAL), FID_MISSED);
  c.side[FID_RECORDED].goal_low[1] = 190 * mb;
  assert_true(fid_difference(&c, FID_GOAL) == 0);
  /* One cycle more at the end of ours: the others are held against each other. */
  set_goals(&c.side[FID_RECORDED], 2, 2, (const double[]){200 * mb, 100 * mb});
  assert_true(fid_difference(&c, FID_GOAL) == 0);
  /* Two more: nothing is shifted. */
  c.side[FID_RECORDED].value[FID_CYCLES] = 1;
  assert_int_equal(fid_judge(&c, FID_GOAL), FID_MISSED);
}

static void test_judge_small_goals(void **state) {
  (void)state;
  const double mb = 1e6;
  struct fid_case c = empty_case();
  c.gogc = 100;
  set_goals(&c.side[FID_OURS], 1, 1, (const double[]){3 * mb});
  set_goals(&c.side[FID_RECORDED], 1, 1, (const double[]){3.2 * mb});
  assert_int_equal(fid_judge(&c, FID_GOAL), FID_STARTUP);
  set_goals(&c.side[FID_RECORDED], 1, 1, (const double[]){2.8 * mb}); /* Go's is never lower */
  assert_int_equal(fid_judge(&c, FID_GOAL), FID_MISSED);
  set_goals(&c.side[FID_GO], 1, 1, (const double[]){2 * mb});
  assert_int_equal(fid_judge(&c, FID_GOAL), FID_MISSED);
  set_goals(&c.side[FID_RECORDED], 1, 1, (const double[]){3 * mb}); /* ours is as recorded */
  assert_int_equal(fid_judge(&c, FID_GOAL), FID_VARIES);
}

/* Runs of ours are held against the nearest of Go's, and Go's among themselves. */
static void test_judge_runs(void **state) {
  (void)state;
  const double mb = 1e6;
  struct fid_case *c = calloc(1, sizeof *c);
  *c = empty_case();
  c->gogc = 100;
  c->startup_bytes = 0.1 * mb;
  struct fid_side *ours = &c->side[FID_OURS], *go = &c->side[FID_GO];
  assert_true(isnan(fid_goals_apart(c)));
  ours->run_count = 1;
  ours->run[0] = (struct fid_cycles){.count = 2, .goal = {200 * mb, 100 * mb}};
  go->run_count = 2;
  go->run[0] = (struct fid_cycles){.count = 2, .goal = {210 * mb, 100 * mb}};
  go->run[1] = (struct fid_cycles){.count = 2, .goal = {202 * mb, 100 * mb}};
  assert_int_equal(fid_judge(c, FID_GOAL), FID_WITHIN); /* 1 % from the second */
  assert_true(fid_goals_apart_of_go(c) > 0.038 && fid_goals_apart_of_go(c) < 0.040);
  go->run[1] = go->run[0];
  assert_int_equal(fid_judge(c, FID_GOAL), FID_MISSED); /* both are 4.8 % away, and agree */
  go->run[1].goal[0] = 221 * mb;
  assert_int_equal(fid_judge(c, FID_GOAL), FID_MISSED); /* 5 % apart, but two runs tell nothing */
  ours->run[0] = (struct fid_cycles){.count = 3, .goal = {400 * mb, 210 * mb, 100 * mb}};
  assert_true(fid_goals_apart(c) == 0); /* one cycle more, the last */
  ours->run[0] = (struct fid_cycles){.count = 3, .goal = {210 * mb, 150 * mb, 100 * mb}};
  assert_true(fid_goals_apart(c) == 0); /* or one between */
  ours->run[0] = (struct fid_cycles){.count = 4, .goal = {210 * mb, 150 * mb, 100 * mb, 50 * mb}};
  assert_true(fid_goals_apart(c) > 0.3); /* not two */
  ours->run[0] = (struct fid_cycles){.count = 1, .goal = {200 * mb}};
  go->run[0] = (struct fid_cycles){.count = 1, .goal = {190 * 1048576.0}}; /* 199.2 MB */
  go->run[1] = go->run[0];
  assert_true(fid_goals_apart(c) > 0.003);
  go->run[0].is_rounded[0] = go->run[1].is_rounded[0] = true;
  assert_true(fid_goals_apart(c) == 0); /* or up to a MiB more */
  ours->run[0] = (struct fid_cycles){.count = 2, .goal = {200 * mb, 4 * mb}};
  go->run[0] = go->run[1] = (struct fid_cycles){.count = 2, .goal = {200 * mb, 4.2 * mb}};
  assert_int_equal(fid_judge(c, FID_GOAL), FID_STARTUP);
  free(c);
}

enum { SAMPLE = 7 };

/* Goals and shares of count runs, drawn from the numbers in turn and all of them shifted. */
static void set_sample(struct fid_side *side, uint32_t count, const double *numbers,
                       double shift) {
  side->run_count = count;
  for (uint32_t i = 0; i < count; i++) {
    double goal = 1e8 * numbers[i] * (1 + shift);
    side->run[i] = (struct fid_cycles){.count = 2, .goal = {goal, 5e7}};
    side->assist[i] = 0.02 * numbers[i] * (1 + shift);
  }
}

/* Samples that differ as runs of one kind do are alike; a shift of all runs by as much as one run
 * is from the next is found out. */
static void test_judge_samples(void **state) {
  (void)state;
  static const double one[SAMPLE] = {1.00, 1.22, 1.05, 1.18, 1.10, 1.26, 1.01};
  static const double other[SAMPLE] = {1.20, 1.03, 1.24, 1.08, 1.15, 0.99, 1.12};
  struct fid_case *c = calloc(1, sizeof *c);
  *c = empty_case();
  struct fid_side *ours = &c->side[FID_OURS], *go = &c->side[FID_GO];
  set(c, FID_OURS, FID_ASSIST, 0.02);
  set(c, FID_GO, FID_ASSIST, 0.04);
  set_sample(ours, SAMPLE, one, 0.05);
  set_sample(go, SAMPLE, other, 0.05);
  assert_true(fid_alike(c, FID_GOAL) > 0.3 && fid_alike(c, FID_ASSIST) > 0.3);
  assert_int_equal(fid_judge(c, FID_ASSIST), FID_VARIES);
  set_sample(ours, SAMPLE, one, 0.25);
  assert_true(fid_alike(c, FID_GOAL) < 0.01 && fid_alike(c, FID_ASSIST) < 0.01);
  assert_int_equal(fid_judge(c, FID_GOAL), FID_MISSED);
  assert_int_equal(fid_judge(c, FID_ASSIST), FID_MISSED);
  set_sample(ours, FID_RUNS_TOLD, one, 0.35); /* the least number: 1 of 126 ways to deal */
  set_sample(go, FID_RUNS_TOLD, other, 0.05);
  assert_true(fid_alike(c, FID_GOAL) < 0.01);
  set_sample(go, FID_RUNS_TOLD - 1, other, 0.05);
  assert_true(isnan(fid_alike(c, FID_GOAL)));
  assert_int_equal(fid_judge(c, FID_ASSIST), FID_MISSED);
  free(c);
}

static cJSON *objects(const char *sizes, double mallocs, double bytes) {
  char text[512];
  snprintf(text, sizeof text,
           "{\"gc\":{\"mallocs\":%.0f,\"bytes_allocated\":%.0f,\"by_size\":[%s]}}", mallocs, bytes,
           sizes);
  return cJSON_Parse(text);
}

struct account_case { const char *ours, *go; double mallocs, bytes; bool any_order, named; };

/* Each difference has to have a cause; what has none is said. mallocs, bytes: ours less Go's. */
static void test_account(void **state) {
  (void)state;
#define SIZE(b, n) "{\"bytes\":" #b ",\"mallocs\":" #n "}"
  static const struct account_case cases[] = {
    {SIZE(144, 100), SIZE(144, 100) "," SIZE(416, 5), -5, -5 * 416, false, true},
    {SIZE(144, 100) "," SIZE(416, 5), SIZE(144, 100), 5, 5 * 416, false, false}, /* ours: no */
    {SIZE(144, 101), SIZE(144, 100), 1, 144, false, false},
    {SIZE(144, 101), SIZE(144, 100), 1, 144, true, true},
    {SIZE(16, 9), SIZE(16, 10), 0, -16, false, true}, /* another block, the same objects */
    {SIZE(16, 9), SIZE(16, 10), 0, -17, false, false}, /* a byte has no cause */
    {SIZE(80, 1), SIZE(80, 2), -1, -80, false, false},
    {SIZE(144, 1), SIZE(144, 1), 1, 40960, false, false},
    {SIZE(144, 1), SIZE(144, 1), 1, 40960, true, true},
  };
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    struct fid_causes causes = {144, cases[i].any_order};
    struct fid_account a;
    char text[400];
    cJSON *ours = objects(cases[i].ours, 1000 + cases[i].mallocs, 1e6 + cases[i].bytes);
    cJSON *go = objects(cases[i].go, 1000, 1e6);
    fid_account_make(&a, ours, go);
    assert_true(a.is_known);
    bool named = fid_account_explain(&a, &causes, text, sizeof text);
    if (named != cases[i].named) print_error("case %zu: %s\n", i, text);
    assert_int_equal(named, cases[i].named);
    assert_int_equal(strstr(text, "UNEXPLAINED") == NULL, named);
    cJSON_Delete(ours);
    cJSON_Delete(go);
  }
#undef SIZE
}

int main(int argc, char **argv) {
  harness_open(argc, argv);
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_words), cmocka_unit_test(test_missed),
    cmocka_unit_test(test_failed_engine), cmocka_unit_test(test_judge_counts),
    cmocka_unit_test(test_judge_shares), cmocka_unit_test(test_judge_goals),
    cmocka_unit_test(test_judge_small_goals), cmocka_unit_test(test_judge_runs),
    cmocka_unit_test(test_judge_samples),
    cmocka_unit_test(test_account),
  };
  int failed = cmocka_run_group_tests(tests, NULL, NULL);
  harness_close();
  return failed;
}
