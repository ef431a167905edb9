package sallyport

import (
	"bytes"
	"encoding/json"
	"fmt"
	"sync"
	"sync/atomic"
)

// maxNotices is the maximum number of queued notifications.
const maxNotices = 1000

// receive takes one line, which the reader may reuse.
func (h *Host) receive(line []byte) {
	got := parse(line)
	got.payload = bytes.Clone(got.payload)
	switch got.kind {
	case resultMessage, errorMessage:
		h.answer(h.take(got.id), got)
	case lineError:
		got.kind = errorMessage
		h.answer(h.takeLine(got.id), got)
	case itemMessage, progressMessage, waitingMessage, eventMessage, heartbeatMessage, failedPollMessage:
		h.mu.Lock()
		call := h.calls[got.id]
		h.mu.Unlock()
		if call != nil && call.inbox != nil {
			call.inbox.push(got)
		}
	case otherNotification:
		select {
		case h.notices <- got:
		default:
		}
	default:
		if line = bytes.TrimSpace(line); len(line) > 0 {
			h.log.add(fmt.Sprintf("(not a message) %.200s", line))
		}
	}
}

func (h *Host) answer(call *pending, got message) {
	if call == nil {
		return
	}
	h.release(call)
	if call.refusals != nil && got.kind == errorMessage {
		got.kind = refusalMessage
		call.refusals.push(got)
		return
	}
	call.answer <- got
}

func (h *Host) take(id uint64) *pending {
	h.mu.Lock()
	defer h.mu.Unlock()
	call := h.calls[id]
	delete(h.calls, id)
	return call
}

// takeLine finds the call that was sent as this line.
func (h *Host) takeLine(number uint64) *pending {
	h.mu.Lock()
	defer h.mu.Unlock()
	for id, call := range h.calls {
		if call.line.Load() == number {
			delete(h.calls, id)
			return call
		}
	}
	return nil
}

// handleNotices calls the handlers of the options, one after the other.
func (h *Host) handleNotices() {
	for notice := range h.notices {
		var change HealthChange
		if h.options.OnHealth != nil && notice.method == "health/changed" &&
			json.Unmarshal(notice.payload, &change) == nil {
			h.options.OnHealth(change)
		} else if h.options.OnNotification != nil {
			h.options.OnNotification(notice.method, notice.payload)
		}
	}
}

// flow makes the reader wait while a stream is over its limit and nobody needs the messages behind
// it. A caller that waits for a response has priority: it may be the consumer of that stream, which
// would otherwise wait forever.
type flow struct {
	mu   sync.Mutex
	more *sync.Cond
	// full is the number of streams over their limit.
	full int
	// waiting is the number of goroutines that wait for a message of the host.
	waiting atomic.Int64
	paused  atomic.Bool
}

func (f *flow) init() { f.more = sync.NewCond(&f.mu) }

// begin and end enclose a wait for the host.
func (f *flow) begin() {
	f.waiting.Add(1)
	if f.paused.Load() {
		f.mu.Lock()
		f.more.Broadcast()
		f.mu.Unlock()
	}
}

func (f *flow) end() { f.waiting.Add(-1) }

// changeFull counts streams over their limit.
func (f *flow) changeFull(by int) {
	f.mu.Lock()
	f.full += by
	f.paused.Store(f.full > 0)
	f.more.Broadcast()
	f.mu.Unlock()
}

// wait returns when the reader may continue.
func (f *flow) wait() {
	if !f.paused.Load() {
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	for f.full > 0 && f.waiting.Load() == 0 {
		f.more.Wait()
	}
}
