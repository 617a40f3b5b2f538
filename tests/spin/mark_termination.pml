/* Mark termination as the design has it, small enough for SPIN to visit every state.
 *
 * A number stands for a set of objects: what matters is where grey objects wait, not which they are.
 *   wb[p]      in P p's barrier buffer        queue[p]   in its work buffer
 *   global     in buffers anybody may take    in_hand[p] being scanned by its worker
 *   below      white, to be found by scanning what is grey, unless a store gets there first
 *   late       white, and below nothing grey: a store may shade them all the same, at any time
 *
 * Properties: when marking is declared over, no grey object waits anywhere; marking does get over (no
 * end state but the last); and between two stops that came too early some object is scanned, so that
 * there are never more of them than objects.
 *
 * Left out of the design, each to be caught:
 * NO_RAGGED          the ragged barrier before the stop: the world is stopped for the same work over
 *                    and over; without the second look, work is lost
 * NO_RECHECK         the second look after the stop (issue 27993). The barrier is no snapshot: a P
 *                    that has not been visited yet may work off its own buffer, whose objects no
 *                    visit sees then, while the mutator of one that has been visited shades what it
 *                    found below them
 * NO_RECHECK_GLOBAL  the part of it that looks at the global buffers: that P's worker may have passed
 *                    such an object on before it was stopped
 */
#ifndef NP
#define NP 2
#endif
#ifndef BELOW
#define BELOW 3
#endif
#ifndef LATE
#define LATE 1
#endif
#ifndef HANDOFF
#define HANDOFF 2
#endif
#define NPROC NP /* workers there can be */
#define OBJECTS (1 + BELOW + LATE)

byte wb[NP], queue[NP], in_hand[NP];
byte global = 1; /* the roots */
byte below = BELOW, late = LATE;
byte nwait = NPROC;
bool wanted;     /* some worker found marking complete and waits for the semaphore */
bool passed_on[NP]; /* P p's work went to others since it was last visited */
byte restarts;   /* stops that came too early */
bool stopping, parked[NP], over;

inline count_grey() {
  grey = global;
  q = 0;
  do
  :: q < NP -> grey = grey + wb[q] + queue[q] + in_hand[q]; q++
  :: else -> break
  od;
  q = 0
}

/* By the P itself, or by the visitor while the P is at a safepoint. */
inline flush(p) {
  queue[p] = queue[p] + wb[p];
  wb[p] = 0
}

/* Scans what is in hand: some of the objects below are below it, all if nothing else is grey. */
inline scan(p) {
  atomic {
    in_hand[p] = 0;
    count_grey();
    do
    :: below > 0 -> below--; queue[p]++
    :: below == 0 || grey > 0 || queue[p] > 0 -> break
    od;
    grey = 0
  }
}

inline work(p) {
  atomic { nwait--; assert(nwait < NPROC) };
  do
  :: stopping -> break /* preempted; what is left stays in the P's buffer */
  :: atomic { !stopping && queue[p] > 0 -> queue[p]--; in_hand[p] = 1 };
     scan(p)
  :: atomic { !stopping && queue[p] >= HANDOFF -> queue[p]--; global++; passed_on[p] = true }
  :: atomic { !stopping && queue[p] == 0 && global > 0 -> global--; queue[p]++ }
  :: atomic { !stopping && queue[p] == 0 && global == 0 && wb[p] > 0 -> flush(p) }
  :: atomic { !stopping && queue[p] == 0 && global == 0 && wb[p] == 0 -> break }
  od;
  atomic {
    nwait++;
    if
    :: nwait == NPROC && global == 0 -> wanted = true
    :: else
    fi
  }
}

/* A P: its mutator stores, its worker marks, and it stops when it is asked to. */
proctype processor(byte me) {
  byte grey, q;
  do
  :: over -> break
  :: atomic { stopping -> parked[me] = true };
     atomic { !stopping -> parked[me] = false }
  :: atomic {
       !stopping && below > 0 -> /* overwrites the pointer to a white object below a grey one */
       count_grey();
       if
       :: grey > 0 -> below--; wb[me]++
       :: else
       fi;
       grey = 0
     }
  :: atomic { !stopping && late > 0 && !over -> late--; wb[me]++ }
  :: atomic { !stopping && wb[me] > 0 -> flush(me) }
  :: !stopping && (queue[me] > 0 || global > 0) -> work(me)
  od
}

inline ragged_barrier() {
  flushed = false;
  p = 0;
  do
  :: p < NP ->
     atomic {
       in_hand[p] == 0 -> /* at a safepoint */
       flush(p);
       if
       :: queue[p] > 0 -> global = global + queue[p]; queue[p] = 0; flushed = true
       :: else -> flushed = flushed || passed_on[p]
       fi;
       passed_on[p] = false
     };
     p++
  :: else -> break
  od
}

inline stop_the_world() {
  stopping = true;
  p = 0;
  do
  :: p < NP -> parked[p]; p++
  :: else -> break
  od
}

inline start_the_world() {
  stopping = false;
  p = 0;
  do
  :: p < NP -> !parked[p]; p++
  :: else -> break
  od
}

inline look_again() {
  atomic {
    found = false;
    p = 0;
    do
    :: p < NP ->
       flush(p);
       if
       :: queue[p] > 0 -> found = true
       :: else
       fi;
       p++
    :: else -> break
    od;
#ifndef NO_RECHECK_GLOBAL
    found = found || global > 0;
#endif
    p = 0
  }
}

/* Whoever holds the semaphore: one at a time. */
proctype finisher() {
  byte p, grey, q;
  bool flushed, found;
wait:
  atomic { wanted -> wanted = false };
again:
  if
  :: nwait == NPROC && global == 0
  :: else -> goto wait
  fi;
#ifndef NO_RAGGED
  ragged_barrier();
  if
  :: flushed -> goto again
  :: else
  fi;
#endif
  stop_the_world();
#ifndef NO_RECHECK
  look_again();
  if
  :: found ->
     restarts++;
     assert(restarts <= OBJECTS);
     start_the_world();
     goto again
  :: else
  fi;
#endif
  atomic {
    count_grey();
    assert(grey == 0);
    over = true;
    stopping = false
  }
}

init {
  byte i;
  atomic {
    do
    :: i < NP -> run processor(i); i++
    :: else -> break
    od;
    run finisher()
  }
}
