#define _GNU_SOURCE
#include "CProcess.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

static int argument_count;
static char **arguments;
static struct rlimit original_descriptors;
static struct rlimit original_core;

// The C library passes the arguments of main to constructors.
__attribute__((constructor)) static void remember(int count, char **words) {
  argument_count = count;
  arguments = words;
  getrlimit(RLIMIT_NOFILE, &original_descriptors);
  getrlimit(RLIMIT_CORE, &original_core);
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
  // The soft limit only: children get theirs back.
  struct rlimit core = {.rlim_cur = 0, .rlim_max = original_core.rlim_max};
  setrlimit(RLIMIT_CORE, &core);
}

uint64_t sallyport_original_descriptor_limit(void) { return original_descriptors.rlim_cur; }

void sallyport_name_thread(const char *name) { prctl(PR_SET_NAME, name); }

// Between vfork and exec: only functions that are safe after fork.
static int prepare_descriptors(const struct sallyport_child *child) {
  int sources[3] = {child->input, child->output, child->errors};
  // A source must not be overwritten before it is used.
  for (int target = 0; target < 3; target++) {
    if (sources[target] < 3 && sources[target] != target) {
      sources[target] = fcntl(sources[target], F_DUPFD_CLOEXEC, 3);
      if (sources[target] < 0) return errno;
    }
  }
  for (int target = 0; target < 3; target++) {
    int code = sources[target] == target ? fcntl(target, F_SETFD, 0) : dup2(sources[target], target);
    if (code < 0) return errno;
  }
  return 0;
}

static int become(const struct sallyport_child *child, pid_t parent) {
  for (int number = 1; number < NSIG; number++) {
    struct sigaction action = {.sa_handler = SIG_DFL};
    sigaction(number, &action, NULL);
  }
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, NULL);
  if (child->leads_group && setpgid(0, 0) != 0) return errno;
  if (child->dies_with_thread) {
    if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0) return errno;
    if (getppid() != parent) _exit(127);
  }
  int code = prepare_descriptors(child);
  if (code != 0) return code;
  setrlimit(RLIMIT_NOFILE, &original_descriptors);
  setrlimit(RLIMIT_CORE, &original_core);
  execvpe(child->program, child->arguments, child->environment);
  return errno;
}

int sallyport_spawn(const struct sallyport_child *child, pid_t *process) {
  // The child shares this memory until exec, so it reports its error here.
  volatile int failure = 0;
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  pid_t parent = getpid();
  pid_t started = vfork();
  if (started == 0) {
    failure = become(child, parent);
    _exit(127);
  }
  int code = started < 0 ? errno : failure;
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  if (started < 0) return code;
  if (code != 0) {
    // The child has exited already.
    int status;
    while (waitpid(started, &status, 0) < 0 && errno == EINTR) {
    }
    return code;
  }
  *process = started;
  return 0;
}
