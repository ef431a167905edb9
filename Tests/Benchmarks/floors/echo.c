/* The floor of a round trip over pipes: writes each line back unchanged. */
#include <stddef.h>
#include <unistd.h>

static char buffer[64 * 1024];

int main(void) {
  for (;;) {
    ssize_t count = read(STDIN_FILENO, buffer, sizeof buffer);
    if (count <= 0) return count == 0 ? 0 : 1;
    for (ssize_t written = 0; written < count;) {
      ssize_t now = write(STDOUT_FILENO, buffer + written, (size_t)(count - written));
      if (now < 0) return 1;
      written += now;
    }
  }
}
