package plugin

import (
	"io"
	"sync"
)

// writer sends whole lines. Lines that arrive while it writes are sent together.
type writer struct {
	out    io.Writer
	mu     sync.Mutex
	wake   *sync.Cond
	queued []byte
	busy   bool
	closed bool
}

func newWriter(out io.Writer) *writer {
	made := &writer{out: out}
	made.wake = sync.NewCond(&made.mu)
	go made.run()
	return made
}

// send takes a line, with its end.
func (w *writer) send(line []byte) {
	w.mu.Lock()
	w.queued = append(w.queued, line...)
	w.mu.Unlock()
	w.wake.Broadcast()
}

// close returns when all lines are written.
func (w *writer) close() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.closed = true
	w.wake.Broadcast()
	for len(w.queued) > 0 || w.busy {
		w.wake.Wait()
	}
}

func (w *writer) run() {
	var spare []byte
	w.mu.Lock()
	defer w.mu.Unlock()
	for {
		for len(w.queued) == 0 {
			if w.closed {
				return
			}
			w.wake.Wait()
		}
		batch := w.queued
		w.queued, w.busy = spare[:0], true
		w.mu.Unlock()
		// An error means that the host has gone; EOF on stdin ends the process.
		w.out.Write(batch)
		if spare = batch; cap(spare) > 1<<20 {
			spare = nil
		}
		w.mu.Lock()
		w.busy = false
		w.wake.Broadcast()
	}
}
