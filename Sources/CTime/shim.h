// strptime, which the C library declares only on request and Swift's view of it leaves out.
#include <time.h>

char *strptime(const char *text, const char *format, struct tm *time);
