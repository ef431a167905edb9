package main

import (
	"bufio"
	"io"
	"sync"
)

// replyWriter writes whole frames and reduces system calls: it flushes the buffer when it is full,
// or when the last expected response has been written. No response can remain in the buffer,
// because all pending requests finish while the reader waits for input. A flush per line costs one
// fifth of the throughput.
type replyWriter struct {
	mutex    sync.Mutex
	buffer   *bufio.Writer
	expected int
	failure  error
}

func newReplyWriter(output io.Writer) *replyWriter {
	return &replyWriter{buffer: bufio.NewWriterSize(output, 256<<10)}
}

// expect announces one later call of write.
func (w *replyWriter) expect() {
	w.mutex.Lock()
	w.expected++
	w.mutex.Unlock()
}

// write writes one whole frame. An empty frame (of a notification) only counts.
func (w *replyWriter) write(frame []byte) {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	if _, err := w.buffer.Write(frame); err != nil {
		w.failure = err
	}
	w.expected--
	if w.expected == 0 {
		if err := w.buffer.Flush(); err != nil {
			w.failure = err
		}
	}
}

func (w *replyWriter) err() error {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	return w.failure
}
