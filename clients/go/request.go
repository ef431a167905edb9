package sallyport

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// maxTimeout is the host's maximum deadline; a later one is sent as this.
	maxTimeout = 24 * time.Hour
	// answerGrace is the extra time for the host, which knows the deadline of a call too, to report
	// the outcome before the call is cancelled.
	answerGrace = 250 * time.Millisecond
)

// pending is a request without a response.
type pending struct {
	id uint64
	// line is the number of the line that it was sent as.
	line atomic.Uint64
	// answer has room for one message, so that the sender never waits for the receiver.
	answer chan message
	// inbox gets the notifications; nil if none are requested.
	inbox *inbox
	// isControl says that the host needs no slot for it.
	isControl bool
	// refusals gets the error of a request for whose response nobody waits.
	refusals *inbox
}

// requests are answered requests, for reuse.
var requests = sync.Pool{New: func() any { return &pending{answer: make(chan message, 1)} }}

// lines are sent buffers, for reuse.
var lines = sync.Pool{New: func() any { return new([]byte) }}

func newLine() []byte { return (*lines.Get().(*[]byte))[:0] }

// send waits for a slot and sends a request. The line is everything before the id, for an invoke
// everything before the deadline, which is known only now. The line is consumed.
func (h *Host) send(ctx context.Context, sent *pending, line []byte, isInvoke bool) error {
	if err := ctx.Err(); err != nil {
		return contextError(err, OutcomeNotApplied, "It was not sent.")
	}
	select {
	case h.slots <- struct{}{}:
	case <-ctx.Done():
		return contextError(ctx.Err(), OutcomeNotApplied, "It was not sent.")
	case <-h.closing:
		return ErrClosed
	case <-h.failed:
		return h.Err()
	}

	if err := h.register(sent); err != nil {
		<-h.slots
		return err
	}
	if isInvoke {
		line = appendDeadline(ctx, line)
	}
	return h.write(sent, line)
}

// sendControl sends a request for which the host needs no slot, such as an acknowledgement.
func (h *Host) sendControl(sent *pending, line []byte) error {
	sent.isControl = true
	if err := h.register(sent); err != nil {
		return err
	}
	err := h.write(sent, line)
	h.output.rouse()
	return err
}

// register gives a request its id. From then on it gets a response.
func (h *Host) register(sent *pending) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.exit != nil {
		return h.exit
	}
	if h.isClosed {
		return ErrClosed
	}
	h.lastID++
	sent.id = h.lastID
	h.calls[sent.id] = sent
	if sent.isControl {
		h.controls.Add(1)
	}
	return nil
}

// release frees the slot of a request.
func (h *Host) release(sent *pending) {
	if sent.isControl {
		h.controls.Add(-1)
	} else {
		<-h.slots
	}
}

func (h *Host) write(sent *pending, line []byte) error {
	line = strconv.AppendUint(append(line, `,"id":`...), sent.id, 10)
	line = append(line, '}', '\n')
	wasTaken := h.out.send(line, &sent.line, len(h.slots) == 1)
	if cap(line) <= maxKeptBuffer {
		lines.Put(&line)
	}
	if !wasTaken {
		return h.unsent(sent)
	}
	return nil
}

// unsent takes back what the pipe did not accept: the host was closed, or has exited and is about
// to fail its calls.
func (h *Host) unsent(sent *pending) error {
	select {
	case <-h.closing:
	default:
		return nil
	}
	if h.take(sent.id) != nil {
		h.release(sent)
		return ErrClosed
	}
	return nil
}

// appendDeadline closes the options and params of an invoke.
func appendDeadline(ctx context.Context, line []byte) []byte {
	if deadline, ok := ctx.Deadline(); ok {
		left := min(time.Until(deadline), maxTimeout)
		if line[len(line)-1] != '{' {
			line = append(line, ',')
		}
		line = append(line, `"timeout_ms":`...)
		line = strconv.AppendInt(line, max(1, left.Milliseconds()), 10)
	}
	return append(line, "}}"...)
}

// wait returns the response. When ctx ends, it returns what the host then reports, or that it
// reported nothing.
func (h *Host) wait(ctx context.Context, sent *pending) message {
	h.lead(ctx, sent)
	select {
	case got := <-sent.answer:
		// No one else refers to it now.
		sent.isControl = false
		requests.Put(sent)
		return got
	case <-ctx.Done():
		return h.settle(sent, ctx.Err())
	}
}

// settle cancels a call and waits for its response, with a time limit.
func (h *Host) settle(sent *pending, cause error) message {
	h.flow.begin()
	defer h.flow.end()
	if errors.Is(cause, context.DeadlineExceeded) {
		if got, ok := within(answerGrace, sent.answer); ok {
			return got
		}
	}
	h.cancel(sent.id)
	if got, ok := within(h.options.CancelWait, sent.answer); ok {
		return got
	}
	return message{failure: contextError(cause, OutcomeUnknown, "The host did not report the outcome in time.")}
}

func within(limit time.Duration, answer chan message) (message, bool) {
	timer := time.NewTimer(limit)
	defer timer.Stop()
	select {
	case got := <-answer:
		return got, true
	case <-timer.C:
		return message{}, false
	}
}

func (h *Host) cancel(id uint64) {
	line := fmt.Appendf(nil, `{"jsonrpc":"2.0","method":"cancel","params":{"id":%d}}`+"\n", id)
	h.out.send(line, nil, true)
}
