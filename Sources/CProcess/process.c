#define _GNU_SOURCE
#include "CProcess.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/uio.h>
#include <sys/vfs.h>

static int argument_count;
static char **arguments;
static struct rlimit original_descriptors;

// The C library passes the arguments of main to constructors.
__attribute__((constructor)) static void remember(int count, char **words) {
  argument_count = count;
  arguments = words;
  getrlimit(RLIMIT_NOFILE, &original_descriptors);
}

int sallyport_argument_count(void) { return argument_count; }

const char *sallyport_argument(int position) {
  return position >= 0 && position < argument_count ? arguments[position] : NULL;
}

void sallyport_set_limits(int allows_core_dumps) {
  struct rlimit descriptors = original_descriptors;
  descriptors.rlim_cur = descriptors.rlim_max;
  setrlimit(RLIMIT_NOFILE, &descriptors);
  if (allows_core_dumps) return;
  struct rlimit core;
  if (getrlimit(RLIMIT_CORE, &core) != 0) return;
  core.rlim_cur = 0;
  setrlimit(RLIMIT_CORE, &core);
}

uint64_t sallyport_original_descriptor_limit(void) { return original_descriptors.rlim_cur; }

uint64_t sallyport_descriptor_limit(void) {
  struct rlimit limit;
  return getrlimit(RLIMIT_NOFILE, &limit) == 0 ? limit.rlim_cur : original_descriptors.rlim_cur;
}

void sallyport_name_thread(const char *name) { prctl(PR_SET_NAME, name); }

int sallyport_open_path(const char *path) { return open(path, O_PATH | O_NOFOLLOW | O_CLOEXEC); }

int sallyport_is_of_proc(int descriptor) {
  struct statfs information;
  return fstatfs(descriptor, &information) == 0 && information.f_type == PROC_SUPER_MAGIC;
}

ssize_t sallyport_write_without_waiting(int descriptor, const void *bytes, size_t count) {
  struct iovec piece = {(void *)bytes, count};
  return pwritev2(descriptor, &piece, 1, -1, RWF_NOWAIT);
}
