// What Swift cannot do on Linux without /proc or without libdispatch.
#pragma once

#include <stdint.h>
#include <sys/types.h>

// The arguments as the kernel passed them. Swift's CommandLine reads /proc/self/cmdline, and a
// process without /proc would run with no options at all.
int sallyport_argument_count(void);
const char *sallyport_argument(int position);

// Raises the soft limit of descriptors to the hard one, and sets the limit of core dumps to 0 unless
// they are allowed.
void sallyport_set_limits(int allows_core_dumps);

// The soft limit of descriptors when the process started.
uint64_t sallyport_original_descriptor_limit(void);

// The soft limit of descriptors now.
uint64_t sallyport_descriptor_limit(void);

// The name of the calling thread: at most 15 bytes.
void sallyport_name_thread(const char *name);

// Opens a file, also a symbolic link, only to examine it (O_PATH).
int sallyport_open_path(const char *path);

// Whether the open file is of the file system that exposes processes (proc(5)).
int sallyport_is_of_proc(int descriptor);

// Writes to a pipe or a socket what it takes at once (RWF_NOWAIT of pwritev2(2)), whether or not the
// descriptor blocks. Its mode is not changed, since other processes may share it.
ssize_t sallyport_write_without_waiting(int descriptor, const void *bytes, size_t count);

// Makes Swift's runtime pass its jobs to this function instead of libdispatch.
typedef void (*sallyport_enqueue)(void *job);
void sallyport_take_jobs(sallyport_enqueue enqueue);

// Runs a job on the calling thread.
void sallyport_run_job(void *job);
