//go:build unix

package sallyport

import "syscall"

// tryWrite writes what the pipe accepts without blocking, and returns the number of bytes.
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
