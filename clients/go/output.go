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
	// maxLine is how many bytes one line of the host may have.
	maxLine = 1 << 30
	// readBuffer is how many bytes are read at a time.
	readBuffer = 64 << 10
	// yieldTime is after how long the goroutine reads again when no caller has come to do it.
	yieldTime = 10 * time.Millisecond
	// loneCalls is how many calls in a row have to be alone before the goroutine leaves the reading to
	// callers: with two who take turns it would go to and fro.
	loneCalls = 8
)

// output is where the host writes its lines. A goroutine reads them, always, unless a caller who is
// alone does it for a while.
//
// For who makes one call after the other, handing each answer to another goroutine costs more than
// all else: the scheduler wakes a thread, which finds nothing to do. So a caller that finds no other
// call under way asks the goroutine to leave the reading to such callers, which it does after some of
// them, until none has come for yieldTime.
type output struct {
	file *os.File
	// turn is held by whoever reads, and guards what follows.
	turn  sync.Mutex
	lines *bufio.Reader
	// long is the beginning of a line that is longer than the buffer, or came in pieces.
	long   []byte
	isLate bool

	// isAsked is set by a caller who was alone and could not read; yields is true while the
	// goroutine waits for wake. Each is set before the other is looked at, so nobody waits in vain.
	isAsked, yields atomic.Bool
	leads           atomic.Uint64
	wake            chan struct{}

	deadlines sync.Mutex
	// tail is until when the output of a process that has ended is read; zero while it lives.
	tail time.Time
}

func newOutput(file *os.File) *output {
	return &output{file: file, lines: bufio.NewReaderSize(file, readBuffer), wake: make(chan struct{}, 1)}
}

// read hands over every line of the host, until its output ends.
func (h *Host) read() {
	o := h.output
	o.turn.Lock()
	defer o.turn.Unlock()
	alone := 0
	for {
		h.flow.wait()
		if !h.readPiece() {
			if len(o.long) > 0 {
				h.log.add(fmt.Sprintf("(cut off) %.200s", o.long))
			}
			return
		}
		if o.isAsked.Swap(false) && len(h.slots) == 0 {
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

// lead reads for a caller who is alone, until its answer has come or ctx ends. It may return
// without either.
func (h *Host) lead(ctx context.Context, call *pending) {
	o := h.output
	if len(h.slots) != 1 {
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
	// Looked at after the turn: who comes later gets it.
	if !isFinished || len(h.slots) > 0 {
		o.rouse()
	}
}

// readPiece reads a line, or a part of one; false at the end of the output. It is called by who has
// the turn.
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

// leaveToCallers returns with the turn when somebody is needed to read, or none came to do it.
func (o *output) leaveToCallers() {
	select {
	case <-o.wake: // of before
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

// rouse makes the goroutine read again: something is to come that no caller may be reading for.
func (o *output) rouse() {
	if o.yields.Load() {
		select {
		case o.wake <- struct{}{}:
		default:
		}
	}
}

// interrupt ends the read of a caller whose context has ended. One that comes too late disturbs
// nobody: see renew.
func (o *output) interrupt() { o.file.SetReadDeadline(time.Unix(1, 0)) }

// ended tells that the process has ended: another one may hold its output open.
func (o *output) ended() {
	o.deadlines.Lock()
	defer o.deadlines.Unlock()
	o.tail = time.Now().Add(tailWait)
	o.file.SetReadDeadline(o.tail)
}

// renew sets the deadline that holds after one that has passed; false when that was the last.
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
