#include "CProcess.h"

#include <stddef.h>

// Of Swift's concurrency runtime (ConcurrencyHooks.cpp). A hook also gets the function that it
// replaces.
#define SWIFT __attribute__((swiftcall))
extern SWIFT void (*swift_task_enqueueGlobal_hook)(void *job, void *original);
extern SWIFT void swift_job_run(void *job, void *executor, void *implementation);

static sallyport_enqueue enqueue_job;

static SWIFT void enqueue(void *job, void *original) {
  (void)original;
  enqueue_job(job);
}

void sallyport_take_jobs(sallyport_enqueue new_enqueue) {
  enqueue_job = new_enqueue;
  swift_task_enqueueGlobal_hook = enqueue;
}

// Without an executor the job runs as one of the global pool.
void sallyport_run_job(void *job) { swift_job_run(job, NULL, NULL); }
