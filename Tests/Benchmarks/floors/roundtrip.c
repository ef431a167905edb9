/* Measures round trips over pipes on one core: starts a host, writes one line, waits for the response,
 * and only then writes the next. A client in Python would take longer than the host.
 *
 *   roundtrip LINES COMMAND...
 *
 * Sends each line of the file LINES. Writes the responses to stdout, and the median time of a round
 * trip in microseconds to stderr. This program and the host run on the same core.
 */
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { LINE_BYTES = 64 * 1024 };

static void fail(const char *problem) {
  perror(problem);
  exit(1);
}

static void use_last_core(void) {
  cpu_set_t allowed, one;
  int last = 0;
  if (sched_getaffinity(0, sizeof allowed, &allowed)) fail("sched_getaffinity");
  for (int core = 0; core < CPU_SETSIZE; core++) {
    if (CPU_ISSET(core, &allowed)) last = core;
  }
  CPU_ZERO(&one);
  CPU_SET(last, &one);
  if (sched_setaffinity(0, sizeof one, &one)) fail("sched_setaffinity");
}

static pid_t start(char **command, int *requests, int *responses) {
  int input[2], output[2];
  if (pipe(input) || pipe(output)) fail("pipe");
  pid_t child = fork();
  if (child < 0) fail("fork");
  if (child == 0) {
    dup2(input[0], STDIN_FILENO);
    dup2(output[1], STDOUT_FILENO);
    close(input[0]), close(input[1]), close(output[0]), close(output[1]);
    execvp(command[0], command);
    _exit(127);
  }
  close(input[0]), close(output[1]);
  *requests = input[1];
  *responses = output[0];
  return child;
}

static size_t read_line(int descriptor, char *line) {
  size_t used = 0;
  while (used == 0 || line[used - 1] != '\n') {
    ssize_t count = read(descriptor, line + used, LINE_BYTES - used);
    if (count <= 0) fail("no response");
    used += (size_t)count;
  }
  return used;
}

static double microseconds(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * 1e6 + now.tv_nsec / 1e3;
}

static int ascending(const void *a, const void *b) {
  double left = *(const double *)a, right = *(const double *)b;
  return (left > right) - (left < right);
}

int main(int count, char **words) {
  if (count < 3) return fprintf(stderr, "usage: roundtrip LINES COMMAND...\n"), 2;
  FILE *lines = fopen(words[1], "r");
  if (!lines) fail(words[1]);
  use_last_core();
  int requests, responses;
  pid_t child = start(words + 2, &requests, &responses);
  static char request[LINE_BYTES], response[LINE_BYTES];
  size_t trips = 0, capacity = 1024;
  double *times = malloc(capacity * sizeof *times);
  while (times && fgets(request, sizeof request, lines)) {
    size_t bytes = strlen(request);
    double begin = microseconds();
    if (write(requests, request, bytes) != (ssize_t)bytes) fail("write");
    size_t answered = read_line(responses, response);
    if (trips == capacity) times = realloc(times, (capacity *= 2) * sizeof *times);
    if (!times) break;
    times[trips++] = microseconds() - begin;
    fwrite(response, 1, answered, stdout);
  }
  if (!times || trips == 0) fail("no round trip");
  close(requests);
  int status;
  waitpid(child, &status, 0);
  qsort(times, trips, sizeof *times, ascending);
  fprintf(stderr, "%.3f\n", times[trips / 2]);
  return status != 0;
}
