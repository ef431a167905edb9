// statfs, which Swift's view of the C library leaves out.
#include <sys/vfs.h>
