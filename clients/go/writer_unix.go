//go:build unix

package sallyport

import "syscall"

// tryWrite writes what the pipe takes without waiting, and tells how much that was.
func tryWrite(raw syscall.RawConn, data []byte) int {
	written := 0
	raw.Write(func(descriptor uintptr) bool {
		if count, err := syscall.Write(int(descriptor), data); err == nil {
			written = count
		}
		return true
	})
	return written
}
