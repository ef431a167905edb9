// strptime, which the C library declares only on request and Swift's view of it leaves out.
#include <time.h>

char *strptime(const char *text, const char *format, struct tm *time);

// The same of pipe2. With pipe and fcntl, a program that another thread starts in between would
// inherit the ends.
int pipe2(int ends[2], int flags);
