/* Tokens and schedule files: what is written is read back, and every damage is refused with its
 * reason. */
#include "world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "runtime/rng.h"
#include "sims/explore/violation.h"

/* ---- tokens ---------------------------------------------------------------------------------- */

static void make_op(uint64_t *seed, char *op) {
  static const char letters[] = "abcXYZ019_.,()[]+*/=!|-";
  uint32_t length = rng_fastrandn(seed, XP_OP_TEXT);
  for (uint32_t i = 0; i < length; i++) op[i] = letters[rng_fastrandn(seed, sizeof letters - 1)];
  op[length] = '\0';
}

static void make_schedule(uint64_t *seed, struct xp_schedule *s) {
  uint32_t nth[8] = {0};
  s->scenario = (uint32_t)rng_fastrand64(seed);
  s->build = (uint32_t)rng_fastrand64(seed);
  for (uint32_t i = rng_fastrandn(seed, 6); i > 0; i--)
    xp_schedule_add_choice(s, rng_fastrandn(seed, INT32_MAX));
  for (uint32_t i = rng_fastrandn(seed, 12); i > 0; i--) {
    struct xp_directive d = {.thread = rng_fastrandn(seed, 8), .to = rng_fastrandn(seed, 100)};
    d.nth = nth[d.thread] += 1 + rng_fastrandn(seed, 50);
    make_op(seed, d.op);
    xp_schedule_add(s, &d);
  }
}

static void assert_same(const struct xp_schedule *a, const struct xp_schedule *b) {
  assert_int_equal(a->scenario, b->scenario);
  assert_int_equal(a->build, b->build);
  assert_int_equal(a->choice_count, b->choice_count);
  assert_int_equal(a->count, b->count);
  for (uint32_t i = 0; i < a->choice_count; i++) assert_int_equal(a->choices[i], b->choices[i]);
  for (uint32_t i = 0; i < a->count; i++) {
    const struct xp_directive *x = &a->directives[i], *y = &b->directives[i];
    assert_true(x->thread == y->thread && x->nth == y->nth && x->to == y->to);
    assert_string_equal(x->op, y->op);
  }
}

/* Changes, drops or adds one letter. */
static void damage(uint64_t *seed, const char *token, char *out) {
  size_t length = strlen(token), at = rng_fastrandn(seed, (uint32_t)length);
  char letter = (char)(' ' + rng_fastrandn(seed, 95));
  memcpy(out, token, at);
  switch (rng_fastrandn(seed, 3)) {
    case 0:
      if (letter == token[at]) letter = letter == 'q' ? 'r' : 'q';
      out[at] = letter;
      memcpy(out + at + 1, token + at + 1, length - at);
      break;
    case 1:
      memcpy(out + at, token + at + 1, length - at);
      break;
    default:
      out[at] = letter;
      memcpy(out + at + 1, token + at, length - at + 1);
  }
}

enum { ROUNDS = 20000 };

static void tokens_are_read_back(void **state) {
  (void)state;
  uint64_t seed = 1, passed = 0, damages = 0;
  for (uint64_t round = ROUNDS; round > 0; round--) {
    struct xp_schedule s = {.count = 0}, back = {.count = 0};
    char error[XP_ERROR_TEXT], other[4096];
    make_schedule(&seed, &s);
    char *token = xp_token_format(&s);
    assert_true(xp_token_parse(token, &back, error));
    assert_same(&s, &back);
    xp_schedule_free(&back);
    for (int i = 0; i < 5; i++, damages++) {
      damage(&seed, token, other);
      if (xp_token_parse(other, &back, error)) {
        passed++;
        xp_schedule_free(&back);
      } else {
        assert_true(strlen(error) > 20 && back.count == 0 && back.directives == NULL);
      }
    }
    free(token);
    xp_schedule_free(&s);
  }
  /* A 16-bit check finds every change of one letter in place; of others it misses 1 in 65536. */
  assert_true(passed <= damages / 10000);
}

/* After 23 letters of a good beginning. */
#define GOOD "tri1:00000000:00000000:"
static const struct {
  const char *token, *reason;
} refused[] = {
    {"", "1: expected \"tri1:\", with which every token begins, found the end"},
    {"tri2:1", "4: expected \"tri1:\", with which every token begins, found '2'"},
    {"tri1:0000000G", "13: expected 8 hex digits of the scenario, found 'G'"},
    {"tri1:00000000", "14: expected ':' after the scenario, found the end"},
    {"tri1:00000000:0000", "19: expected 8 hex digits of the build, found the end"},
    {GOOD, "24: expected the choices (\"c=0.2.1\" or \"-\"), found the end"},
    {GOOD "c=", "26: expected a choice, found the end"},
    {GOOD "c=01:-:", "26: expected a number below 2147483648 without leading zeros, found '0'"},
    {GOOD "c=9999999999:",
     "26: expected a number below 2147483648 without leading zeros, found '9'"},
    {GOOD "-:", "26: expected a thread (\"t3\") or \"-\", found the end"},
    {GOOD "-:t", "27: expected a thread's number, found the end"},
    {GOOD "-:t1>", "28: expected '.' and the number of the decision, found '>'"},
    {GOOD "-:t1.2@>t3:", "31: expected an operation (\"lock(m)\"), found '>'"},
    {GOOD "-:t1.2", "30: expected \">t\" and the thread that goes on, found the end"},
    {GOOD "-:t1.2>t3", "33: expected ';' or ':' after a directive, found the end"},
    {GOOD "-:-:12", "30: expected 4 hex digits of the check at the end, found the end"},
    {GOOD "-:-:6465 ", "32: expected nothing after the check, found 0x20"},
    {GOOD "-:-:\xc3", "28: expected 4 hex digits of the check at the end, found 0xc3"},
};

static void damage_is_named(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
    struct xp_schedule s = {.count = 0};
    char error[XP_ERROR_TEXT], whole[XP_ERROR_TEXT];
    assert_false(xp_token_parse(refused[i].token, &s, error));
    snprintf(whole, sizeof whole, "token, column %s", refused[i].reason);
    assert_string_equal(error, whole);
  }
}

static void a_wrong_check_is_named(void **state) {
  (void)state;
  struct xp_schedule s = {.count = 0};
  char error[XP_ERROR_TEXT];
  assert_false(xp_token_parse(GOOD "-:-:0000", &s, error));
  assert_string_equal(error, "token: the check at its end is 0000, but the text before it gives "
                             "6465: some letter was changed or lost in copying");
}

static void order_is_checked(void **state) {
  (void)state;
  struct xp_schedule s = {.count = 0}, back = {.count = 0};
  char error[XP_ERROR_TEXT];
  xp_schedule_add(&s, &(struct xp_directive){.thread = 1, .nth = 4, .to = 2});
  xp_schedule_add(&s, &(struct xp_directive){.thread = 1, .nth = 4, .to = 3});
  char *token = xp_token_format(&s);
  assert_false(xp_token_parse(token, &back, error));
  assert_string_equal(
      error, "token: directive t1.4 stands after t1.4; a thread's decisions are in order");
  free(token);
  xp_schedule_free(&s);
}

static void operations_are_worded(void **state) {
  (void)state;
  static const char *const words[][2] = {
      {"at_u32_load_acquire(&p->attention)", "load(p.attention)"},
      {"plat_mutex_lock(&w.stack[i].safe)", "lock(w.stack[i].safe)"},
      {"at_u64_cas_acqrel(&x->y.z)", "cas(x.y.z)"},
      {"plat_slot_store(slot)", "slot_store(slot)"},
      {"plat_st(&cells[i % 8])", "st(cells[i_8])"},
      {"plat_note_wait_until(&m->note, deadline)", "wait_until(m.note,deadline)"},
      {"thread ends", "thread_ends"},
  };
  for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
    struct plat_site site = {.file = "f.c", .func = "f", .what = words[i][0]};
    char text[XP_OP_TEXT];
    xp_op_text(&site, text, sizeof text);
    assert_string_equal(text, words[i][1]);
  }
}

/* ---- files ----------------------------------------------------------------------------------- */

static char folder[] = "/tmp/tricolor-schedule-XXXXXX";

static void write_text(const char *path, const char *text) {
  FILE *f = fopen(path, "w");
  assert_non_null(f);
  fputs(text, f);
  assert_int_equal(fclose(f), 0);
}

static void assert_refused(const char *text, const char *reason) {
  char path[64], error[XP_ERROR_TEXT], whole[XP_ERROR_TEXT];
  struct xp_file f;
  snprintf(path, sizeof path, "%s/bad", folder);
  write_text(path, text);
  assert_false(xp_file_read(path, &f, error));
  snprintf(whole, sizeof whole, "%s: no schedule file: %s", path, reason);
  assert_string_equal(error, whole);
  unlink(path);
}

#define HEAD "{\"schema\":\"tricolor.schedule/1\",\"name\":\"x\",\"scenario\":\"\","
#define VERDICT "\"verdict\":{\"end\":\"failed\",\"message\":\"m\",\"kind_number\":2,\"points\":3}}"

static void bad_files_are_refused(void **state) {
  (void)state;
  struct xp_file f;
  char error[XP_ERROR_TEXT];
  assert_non_null(mkdtemp(folder));
  assert_refused("{", "it is not JSON");
  assert_refused("{}", "\"schema\" is not \"tricolor.schedule/1\"");
  assert_refused(HEAD VERDICT, "\"token\", \"scenario\" or \"name\" is missing");
  assert_refused(HEAD "\"token\":\"x\"}", "\"verdict\" is missing or unknown");
  assert_refused(HEAD "\"token\":\"tri1:x\"," VERDICT,
                 "token, column 6: expected 8 hex digits of the scenario, found 'x'");
  assert_false(xp_file_read("/nowhere/x.schedule.json", &f, error));
  assert_string_equal(error, "cannot read /nowhere/x.schedule.json: No such file or directory");
  assert_false(xp_file_read("/tmp", &f, error));
  assert_string_equal(error, "cannot read /tmp");
  assert_int_equal(rmdir(folder), 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(tokens_are_read_back),
      cmocka_unit_test(damage_is_named),
      cmocka_unit_test(a_wrong_check_is_named),
      cmocka_unit_test(order_is_checked),
      cmocka_unit_test(operations_are_worded),
      cmocka_unit_test(bad_files_are_refused),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
