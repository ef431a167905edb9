package sallyport

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// maxLine is the maximum number of bytes of a line of the host.
	maxLine = 1 << 30
	// readBuffer is the number of bytes read at a time.
	readBuffer = 64 << 10
	// yieldTime is the time without a reading caller after which the goroutine reads again.
	yieldTime = 10 * time.Millisecond
	// loneCalls is the number of consecutive single calls before the goroutine leaves reading to
	// callers: two alternating callers would otherwise switch back and forth.
	loneCalls = 8
)

// output is the stdout of the host. A goroutine reads it, unless a single caller does it for a
// while.
//
// For sequential calls, passing each response to another goroutine is the largest cost: the
// scheduler wakes a thread that finds nothing to do. So a caller without other calls in flight asks
// the goroutine to leave reading to such callers. The goroutine does so after several of them,
// until none has come for yieldTime.
type output struct {
	file *os.File
	// turn is held by the reader, and guards the fields below.
	turn  sync.Mutex
	lines *bufio.Reader
	// long is the start of a line that exceeds the buffer, or came in pieces.
	long   []byte
	isLate bool

	// isAsked is set by a single caller who could not read; yields is true while the goroutine
	// waits for wake. Each is set before the other is read, so nobody waits without being woken.
	isAsked, yields atomic.Bool
	leads           atomic.Uint64
	wake            chan struct{}

	deadlines sync.Mutex
	// tail is the deadline for reading the output of an exited process; zero while it runs.
	tail time.Time
}

func newOutput(file *os.File) *output {
	return &output{file: file, lines: bufio.NewReaderSize(file, readBuffer), wake: make(chan struct{}, 1)}
}

// read delivers every line of the host, until its output ends.
func (h *Host) read() {
	o := h.output
	o.turn.Lock()
	defer o.turn.Unlock()
	alone := 0
	for {
		h.flow.wait()
		if !h.readPiece() {
			if len(o.long) > 0 {
				h.log.add(fmt.Sprintf("(truncated) %.200s", o.long))
			}
			return
		}
		if o.isAsked.Swap(false) && len(h.slots) == 0 && h.controls.Load() == 0 {
			alone++
		} else {
			alone = 0
		}
		if alone >= loneCalls && o.lines.Buffered() == 0 {
			o.leaveToCallers()
			alone = 0
		}
	}
}

// lead reads for a single caller, until its response has arrived or ctx ends. It may return without
// either.
func (h *Host) lead(ctx context.Context, call *pending) {
	o := h.output
	if len(h.slots) != 1 || h.controls.Load() > 0 {
		o.rouse()
		return
	}
	if !o.turn.TryLock() {
		o.isAsked.Store(true)
		o.rouse()
		return
	}
	o.leads.Add(1)
	unwatch := func() bool { return true }
	if ctx.Done() != nil {
		unwatch = context.AfterFunc(ctx, o.interrupt)
	}
	for len(call.answer) == 0 && ctx.Err() == nil && h.readPiece() {
	}
	unwatch()
	isFinished := len(call.answer) > 0 && o.lines.Buffered() == 0
	o.turn.Unlock()
	// Checked after releasing the turn: a later caller gets it.
	if !isFinished || len(h.slots) > 0 || h.controls.Load() > 0 {
		o.rouse()
	}
}

// readPiece reads a line, or a part of one; false at the end of the output. The holder of the turn
// calls it.
func (h *Host) readPiece() bool {
	o := h.output
	piece, err := o.lines.ReadSlice('\n')
	if len(piece) > 0 {
		o.isLate = false
	}
	switch {
	case err == nil && len(o.long) == 0:
		h.receive(piece)
	case err == nil:
		line := append(o.long, piece...)
		o.long = nil
		h.receive(line)
	default:
		o.long = append(o.long, piece...)
		if !errors.Is(err, bufio.ErrBufferFull) && !(errors.Is(err, os.ErrDeadlineExceeded) && o.renew()) {
			return false
		}
	}
	if len(o.long) > maxLine {
		h.log.add(fmt.Sprintf("(the host sent a line of more than %d bytes)", maxLine))
		o.long = nil
		h.process.Process.Kill()
		return false
	}
	return true
}

// leaveToCallers returns with the turn when a reader is needed, or no caller has come to read.
func (o *output) leaveToCallers() {
	select {
	case <-o.wake: // from before
	default:
	}
	o.yields.Store(true)
	o.turn.Unlock()
	timer := time.NewTimer(yieldTime)
	defer timer.Stop()
	leads, isLeft := o.leads.Load(), !o.isAsked.Load()
	for isLeft {
		select {
		case <-o.wake:
			isLeft = false
		case <-timer.C:
			now := o.leads.Load()
			isLeft, leads = now != leads, now
			timer.Reset(yieldTime)
		}
	}
	o.yields.Store(false)
	o.turn.Lock()
}

// rouse makes the goroutine read again: a message is expected that no caller may be reading.
func (o *output) rouse() {
	if o.yields.Load() {
		select {
		case o.wake <- struct{}{}:
		default:
		}
	}
}

// interrupt stops the read of a caller whose context has ended. A late interrupt does no harm: see
// renew.
func (o *output) interrupt() { o.file.SetReadDeadline(time.Unix(1, 0)) }

// ended records that the process has exited: another process may hold its output open.
func (o *output) ended() {
	o.deadlines.Lock()
	defer o.deadlines.Unlock()
	o.tail = time.Now().Add(tailWait)
	o.file.SetReadDeadline(o.tail)
}

// renew sets the next deadline after one has passed; false if that was the last.
func (o *output) renew() bool {
	o.deadlines.Lock()
	defer o.deadlines.Unlock()
	switch {
	case o.tail.IsZero() || time.Now().Before(o.tail): // an interruption
		o.file.SetReadDeadline(o.tail)
	case !o.isLate:
		// What the process wrote may still be in the pipe.
		o.isLate = true
		o.file.SetReadDeadline(time.Now().Add(tailWait / 10))
	default:
		return false
	}
	return true
}
