// Makes Synchronization.Mutex visible to ThreadSanitizer: linked only by Tests/sanitize.sh.
//
// The fast path of Mutex is inlined into this project's code, so it is instrumented. The slow path,
// taken when two threads meet, is in libswiftSynchronization.so, which is not. Without this file,
// every contended lock is reported as a data race.

#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdint.h>

void __tsan_acquire(void *address);
void __tsan_release(void *address);

#define HANDLE __attribute__((swift_context)) void *handle
#define SWIFT __attribute__((swiftcall))

typedef SWIFT void (*LockSlow)(uint32_t thread, HANDLE);
typedef SWIFT void (*UnlockSlow)(HANDLE);

#define LOCK_SLOW "$s15Synchronization12_MutexHandleV9_lockSlowyys6UInt32VF"
#define UNLOCK_SLOW "$s15Synchronization12_MutexHandleV11_unlockSlowyyF"

SWIFT void lock_slow(uint32_t thread, HANDLE) __asm__(LOCK_SLOW);
SWIFT void lock_slow(uint32_t thread, HANDLE) {
  ((LockSlow)dlsym(RTLD_NEXT, LOCK_SLOW))(thread, handle);
  __tsan_acquire(handle);
}

SWIFT void unlock_slow(HANDLE) __asm__(UNLOCK_SLOW);
SWIFT void unlock_slow(HANDLE) {
  __tsan_release(handle);
  ((UnlockSlow)dlsym(RTLD_NEXT, UNLOCK_SLOW))(handle);
}
