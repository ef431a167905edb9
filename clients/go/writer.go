package sallyport

import (
	"os"
	"runtime"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// maxKeptBuffer is the size in bytes of the largest buffer kept for reuse.
const maxKeptBuffer = 1 << 20

// writer sends whole lines down a pipe and never blocks a caller: the sender writes what the pipe
// accepts at once, and a goroutine writes the rest. Concurrent lines are sent together.
type writer struct {
	file *os.File
	raw  syscall.RawConn
	wake chan struct{}

	mu sync.Mutex
	// queued is the data behind the part that is being written.
	queued []byte
	// busy is true while a caller writes or is about to.
	busy   bool
	closed bool
	lines  uint64
}

func newWriter(file *os.File) (*writer, error) {
	raw, err := file.SyscallConn()
	if err != nil {
		return nil, err
	}
	return &writer{file: file, raw: raw, wake: make(chan struct{}, 1)}, nil
}

// send accepts a line, which the caller may reuse. The number of the line, from 1, is stored before
// it is sent; false means that the writer is closed. isAlone says that no other caller is about to
// send.
func (w *writer) send(line []byte, number *atomic.Uint64, isAlone bool) bool {
	w.mu.Lock()
	if w.closed {
		w.mu.Unlock()
		return false
	}
	w.lines++
	if number != nil {
		number.Store(w.lines)
	}
	w.queued = append(w.queued, line...)
	if w.busy {
		w.mu.Unlock()
		return true
	}
	w.busy = true
	if !isAlone {
		// Other callers that are about to send do so now, and one write covers all. For a single
		// caller this would only wake a thread that finds nothing to do.
		w.mu.Unlock()
		runtime.Gosched()
		w.mu.Lock()
	}
	defer w.mu.Unlock()
	batch := w.queued
	w.queued = batch[tryWrite(w.raw, batch):]
	if len(w.queued) == 0 && cap(batch) <= maxKeptBuffer {
		w.queued = batch[:0]
	}
	if len(w.queued) == 0 && !w.closed {
		w.busy = false
	} else {
		w.wake <- struct{}{}
	}
	return true
}

// abandon is close for a pipe without a reader.
func (w *writer) abandon() {
	w.file.SetWriteDeadline(time.Now())
	w.close()
}

// close closes the pipe after all sent lines.
func (w *writer) close() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.closed {
		return
	}
	w.closed = true
	if !w.busy {
		w.busy = true
		w.wake <- struct{}{}
	}
}

// run writes the rest, until close. An error means that the host is gone; the reader of its output
// reports that.
func (w *writer) run() {
	defer w.file.Close()
	var spare []byte
	for range w.wake {
		for {
			w.mu.Lock()
			if len(w.queued) == 0 {
				w.busy = false
				closed := w.closed
				w.mu.Unlock()
				if closed {
					return
				}
				break
			}
			batch := w.queued
			w.queued = spare[:0]
			w.mu.Unlock()
			w.file.Write(batch)
			if spare = batch; cap(spare) > maxKeptBuffer {
				spare = nil
			}
		}
	}
}
