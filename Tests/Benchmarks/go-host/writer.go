package main

import (
	"bufio"
	"io"
	"sync"
)

// replyWriter keeps frames whole and spares system calls: the buffer is flushed when it is full,
// or when the last expected reply has been written. No reply can be left behind in it, since a
// reader that waits for input leaves only requests that will end. A flush per line costs a fifth.
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

// write puts out one whole frame; an empty one (a notification's) only counts.
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
