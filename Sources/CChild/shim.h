// Starting a program, with what posix_spawn(3) leaves out: the signal that follows the death of the
// parent, the limit of descriptors, and that no inherited descriptor is passed on.
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#ifndef SYS_pidfd_open
#define SYS_pidfd_open 434
#endif
#ifndef SYS_close_range
#define SYS_close_range 436
#endif

int execvpe(const char *file, char *const arguments[], char *const environment[]);

struct sallyport_child_program {
  char *const *arguments;
  char *const *environment;
  int input;
  int output;
  int error;
  // Descriptors that the program may have; 0 to leave the limit as it is.
  unsigned long descriptors;
  // Bytes of memory that it may write, RLIMIT_DATA of setrlimit(2); 0 for no limit.
  unsigned long memory;
  // The working directory; 0 for that of the host.
  const char *directory;
};

// Only in the child. It shares the memory of the parent until it executes the program, so it only
// makes system calls. Returns the errno of what failed.
static inline int sallyport_child_become(const struct sallyport_child_program *program, pid_t parent) {
  // A session without a terminal: a program that asks for a passphrase there fails, and does not
  // stop. Its group is signalled as one.
  if (setsid() < 0) return errno;
  for (int number = 1; number < NSIG; number++) {
    if (number != SIGKILL && number != SIGSTOP) signal(number, SIG_DFL);
  }
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  // The parent may have died before.
  if (getppid() != parent) return ESRCH;
  // Above the three that follow, so that none overwrites another.
  int input = fcntl(program->input, F_DUPFD, 3);
  int output = fcntl(program->output, F_DUPFD, 3);
  int error = fcntl(program->error, F_DUPFD, 3);
  if (input < 0 || output < 0 || error < 0) return errno;
  if (dup2(input, 0) < 0 || dup2(output, 1) < 0 || dup2(error, 2) < 0) return errno;
  // Descriptors that the host inherited are not closed on execution.
  if (syscall(SYS_close_range, 3u, UINT_MAX, 0u) != 0) {
    for (int descriptor = 3; descriptor < 4096; descriptor++) close(descriptor);
  }
  if (program->descriptors != 0) {
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && program->descriptors < limit.rlim_cur) {
      limit.rlim_cur = program->descriptors;
      setrlimit(RLIMIT_NOFILE, &limit);
    }
  }
  if (program->memory != 0) {
    struct rlimit limit = {program->memory, program->memory};
    if (setrlimit(RLIMIT_DATA, &limit) != 0) return errno;
  }
  if (program->directory != 0 && chdir(program->directory) != 0) return errno;
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, 0);
  execvpe(program->arguments[0], program->arguments, program->environment);
  return errno;
}

// Starts the program in a separate process group. The calling thread must live as long as the process: its
// end counts as the death of the parent. Returns 0 or an errno.
static inline __attribute__((noinline)) int sallyport_child_start(
    const struct sallyport_child_program *program, pid_t *process) {
  sigset_t all, previous;
  volatile int failure = 0;
  pid_t parent = getpid();
  // No handler of the host may run in the child.
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &previous);
  pid_t child = vfork();
  if (child == 0) {
    failure = sallyport_child_become(program, parent);
    _exit(127);
  }
  if (child < 0) failure = errno;
  pthread_sigmask(SIG_SETMASK, &previous, 0);
  if (child > 0 && failure != 0) {
    int status;
    while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
    }
  }
  *process = child;
  return failure;
}

// A descriptor that is readable when the process has ended; -1 if the kernel has none.
static inline int sallyport_child_descriptor(pid_t process) {
  return (int)syscall(SYS_pidfd_open, process, 0);
}

// Whether a child has ended. It is left to be reaped, so that its id is not reused.
static inline int sallyport_child_has_ended(pid_t process) {
  siginfo_t info;
  info.si_pid = 0;
  int result = waitid(P_PID, (id_t)process, &info, WEXITED | WNOHANG | WNOWAIT);
  return result != 0 ? errno != EINTR : info.si_pid == process;
}
