/* Chrome's trace format as Perfetto accepts it: B and E only, in order of time, a track per actor;
 * phases are asynchronous spans. */
#include <inttypes.h>
#include <string.h>

#include "sims/explore/trace.h"

static void write_string(FILE *out, const char *text) {
  fputc('"', out);
  for (; *text != '\0'; text++) {
    unsigned char c = (unsigned char)*text;
    if (c == '"' || c == '\\') fputc('\\', out);
    if (c < 0x20 || c > 0x7e)
      fprintf(out, "\\u%04x", c);
    else
      fputc(c, out);
  }
  fputc('"', out);
}

static void write_names(const struct xp_trace *t, FILE *out) {
  for (uint32_t i = 0; i < t->actor_count; i++) {
    fprintf(out, "{\"ph\":\"M\",\"pid\":1,\"tid\":%u,\"name\":\"thread_name\",\"args\":{\"name\":",
            i + 1);
    write_string(out, t->actors[i]);
    fprintf(out, "}},\n{\"ph\":\"M\",\"pid\":1,\"tid\":%u,\"name\":\"thread_sort_index\","
            "\"args\":{\"sort_index\":%u}},\n", i + 1, i);
  }
}

static void write_phase(FILE *out, const char *phase, char ph, uint32_t step) {
  if (phase == NULL || phase[0] == '\0') return;
  fprintf(out, "{\"ph\":\"%c\",\"pid\":1,\"tid\":1,\"cat\":\"phase\",\"id\":1,\"ts\":%u,\"name\":",
          ph, step);
  write_string(out, phase);
  fputs("},\n", out);
}

static void write_event(const struct xp_event *e, FILE *out) {
  char text[4 * XP_NAME];
  const struct plat_site *site = plat_model_site_at(e->site);
  unsigned tid = e->actor + 1;
  xp_event_text(e, text, sizeof text);
  if (e->is_preemption)
    fprintf(out, "{\"ph\":\"i\",\"s\":\"t\",\"pid\":1,\"tid\":%u,\"ts\":%u,"
            "\"name\":\"preempts\"},\n", tid, e->step);
  fprintf(out, "{\"ph\":\"B\",\"pid\":1,\"tid\":%u,\"ts\":%u,\"cat\":", tid, e->step);
  write_string(out, plat_model_class_name(plat_model_class_of(site)));
  fputs(",\"name\":", out);
  write_string(out, text);
  fprintf(out, ",\"args\":{\"site\":");
  const char *file = site->file;
  while (*file == '.' || *file == '/') file++;
  write_string(out, file);
  fprintf(out, ",\"line\":%u,\"colours\":", site->line);
  write_string(out, e->colours);
  fprintf(out, "}},\n{\"ph\":\"E\",\"pid\":1,\"tid\":%u,\"ts\":%u},\n", tid, e->step + 1);
}

bool xp_trace_perfetto(const struct xp_trace *t, FILE *out) {
  const char *phase = "";
  fputs("{\"displayTimeUnit\":\"ns\",\"traceEvents\":[\n", out);
  write_names(t, out);
  for (uint32_t i = 0; i < t->count; i++) {
    const struct xp_event *e = &t->events[i];
    if (strcmp(phase, e->phase) != 0) {
      write_phase(out, phase, 'e', e->step);
      write_phase(out, e->phase, 'b', e->step);
      phase = e->phase;
    }
    write_event(e, out);
  }
  write_phase(out, phase, 'e', t->count + 1);
  fputs("{\"ph\":\"M\",\"pid\":1,\"name\":\"process_name\",\"args\":{\"name\":\"tricolor\"}}\n]}\n",
        out);
  return fflush(out) == 0 && ferror(out) == 0;
}
