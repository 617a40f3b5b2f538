/* Expected failures of the core. Bugs are rt_assert (runtime/check.h), never an rt_err. */
#ifndef RUNTIME_ERR_H
#define RUNTIME_ERR_H

enum rt_err {
  RT_OK = 0,
  RT_ERR_NOMEM,   /* the operating system refused memory or address space */
  RT_ERR_CAP,     /* the configured memory cap of this run is reached */
  RT_ERR_THREAD,  /* the operating system refused a thread */
  RT_ERR_LIMIT    /* a documented fixed limit is reached */
};

#define RT_MUST_USE __attribute__((warn_unused_result))

#endif
