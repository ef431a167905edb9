// What Swift cannot do on Linux without /proc, without libdispatch, or between fork and exec.
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

// The arguments as the kernel passed them. Swift's CommandLine reads /proc/self/cmdline, and a
// process without /proc would run with no options at all.
int sallyport_argument_count(void);
const char *sallyport_argument(int position);

// Raises the soft limit of descriptors to the hard one, and sets the limit of core dumps to 0 unless
// they are allowed. Children that sallyport_spawn starts get the limits that the process had before.
void sallyport_set_limits(int allows_core_dumps);

// The soft limit of descriptors when the process started.
uint64_t sallyport_original_descriptor_limit(void);

// The name of the calling thread: at most 15 bytes.
void sallyport_name_thread(const char *name);

struct sallyport_child {
  // Found on the PATH of this process unless it contains a slash.
  const char *program;
  // Both end with NULL.
  char *const *arguments;
  char *const *environment;
  // Become 0, 1 and 2 of the child.
  int input, output, errors;
  // Whether the child leads a new process group.
  int leads_group;
  // Whether the child is killed when the thread that starts it ends.
  int dies_with_thread;
};

// Starts a program with default signal handling and the original limits.
//
// Returns 0 or an errno: also of the child's exec, such as ENOENT.
int sallyport_spawn(const struct sallyport_child *child, pid_t *process);

// Makes Swift's runtime pass its jobs to this function instead of libdispatch.
typedef void (*sallyport_enqueue)(void *job);
void sallyport_take_jobs(sallyport_enqueue enqueue);

// Runs a job on the calling thread.
void sallyport_run_job(void *job);
