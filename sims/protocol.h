/* Between the front end and an engine.
 *
 * The front end starts `tricolor-<platform>-<collector>` (found in $TRICOLOR_LIBEXEC when that is
 * set, else beside its own executable, else in the libexec directory of the installation), with
 *   argv: --run N/M (which run of how many), --gctrace (forward gctrace lines), --events FILE;
 *     the model only: --explore (search), --replay TOKEN (one schedule), with it --schedule FILE
 *     (that the token is from), --drift (look for what has moved), --trace FILE
 *   stdin: the resolved scenario JSON, then end of file
 *   stdout: one JSON document a line:
 *     {"type":"progress","phase":"setup"|"run"|"report","done":0..1,"what":"writer: map.put m"}
 *     {"type":"gctrace","line":"gc 1 @0.000s ..."}        with --gctrace
 *     {"type":"result","result":{...tricolor.result/1...}} the last line; tricolor.explore/1 with
 *     --explore and --replay, where the phase is "explore" and SIGTERM asks for the result so far
 *     {"type":"so-far","result":{...}}: the model's, stands for the last line of one that dies
 *   stderr: free text, kept for the report of a failure (last 4 KiB)
 * Exit status of an engine: 0 a result was written; 1 a result with violations was written;
 * 2 the scenario was refused (message on stderr); 3 the engine failed (a result line marked
 * "partial": true where possible). An engine never writes a file except --events
 * and --trace.
 */
#ifndef SIMS_PROTOCOL_H
#define SIMS_PROTOCOL_H

#define TRICOLOR_RESULT_SCHEMA "tricolor.result/1"
#define TRICOLOR_PREDICT_SCHEMA "tricolor.predict/1"
#define TRICOLOR_COMPARE_SCHEMA "tricolor.compare/1"
#define TRICOLOR_EXPLORE_SCHEMA "tricolor.explore/1"
#define TRICOLOR_SCHEDULE_SCHEMA "tricolor.schedule/1"
#define TRICOLOR_MUTANTS_SCHEMA "tricolor.mutants/1"

#define TRICOLOR_SCHEDULE_SUFFIX ".schedule.json" /* of a schedule file */

enum { TRI_EXIT_OK = 0, TRI_EXIT_FAILED = 1, TRI_EXIT_INPUT = 2, TRI_EXIT_ENGINE = 3 };

#endif
