package sallyport

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"sync"
	"time"
)

// FollowOptions configures [Host.Follow]. The zero value uses the host's defaults.
type FollowOptions struct {
	// Every is the time between two polls of the vendor, in whole seconds; 0 for 30 seconds.
	Every time.Duration
	// MaxUnacknowledged is the maximum number of events that are not acknowledged: polling pauses
	// meanwhile; 0 for 100.
	MaxUnacknowledged int
	// Checkpoint is the name under which the host stores the acknowledged position, and from which it
	// continues. The host needs "--state-dir".
	Checkpoint string
	// PollTimeout limits one poll; 0 for the host's default.
	PollTimeout time.Duration
	// ManualAck leaves acknowledging to [FollowedEvent.Ack]. Otherwise an event is acknowledged when
	// the loop asks for the next one.
	ManualAck bool
	// OnHeartbeat is called after each poll, OnFailed when a poll failed; the host tries again. The
	// goroutine of the loop calls both.
	OnHeartbeat func(Heartbeat)
	OnFailed    func(FailedPoll)
}

// FollowedEvent is an event from a vendor.
type FollowedEvent struct {
	Event Event `json:"event"`
	// Seq is the number of the event, from 0.
	Seq int64 `json:"seq"`
	// Cursor is the position behind the event. As the argument "cursor" of another call of Follow it
	// continues there.
	Cursor json.RawMessage `json:"cursor"`

	follower *follower
}

// Heartbeat says that the host has polled the vendor.
type Heartbeat struct {
	// Cursor is where the host continues.
	Cursor json.RawMessage `json:"cursor"`
	// Notices are those of the poll, such as that a message cannot be read.
	Notices    []string  `json:"notices"`
	NextPollAt time.Time `json:"next_poll_at"`
}

// FailedPoll says that the host could not fetch events, and tries again.
type FailedPoll struct {
	Error      *Error
	NextPollAt time.Time
}

// Follow iterates over the events of a command that fetches events, as they happen (with range, from
// Go 1.23 on). An argument for an end time is omitted: following has no end.
//
//	for event, err := range host.Follow(ctx, call, sallyport.FollowOptions{Checkpoint: "inbox"}) {
//		if err != nil {
//			return err
//		}
//		use(event.Event)
//	}
//
// Leaving the loop stops the host's polling; the event of that moment is not acknowledged. An
// error is the last element: that of the host, or of ctx, which ends the loop. Without an error the
// loop ends when the host is closed. A host has 32 such loops at most; they take no slot of
// [Options.MaxInFlight].
func (h *Host) Follow(ctx context.Context, call Call, options FollowOptions) func(yield func(event *FollowedEvent, err error) bool) {
	return func(yield func(*FollowedEvent, error) bool) {
		f := &follower{host: h, ctx: ctx, call: h.traced(ctx, call), options: options, next: -1, acknowledged: -1}
		if err := f.begin(); err != nil {
			yield(nil, f.call.named(err))
			return
		}
		defer f.close()
		for {
			event, err := f.read()
			if err != nil {
				yield(nil, f.call.named(err))
				return
			}
			if event == nil || !yield(event, nil) {
				return
			}
			if !options.ManualAck {
				f.acknowledge(event)
			}
		}
	}
}

// Ack acknowledges this event and all before it. It returns when the checkpoint is on the disk.
func (e *FollowedEvent) Ack(ctx context.Context) error {
	f := e.follower
	f.host.flow.begin()
	defer f.host.flow.end()
	sent := requests.Get().(*pending)
	if err := f.host.sendControl(sent, f.ackLine(e)); err != nil {
		return f.call.named(err)
	}
	if _, err := f.host.wait(ctx, sent).content(); err != nil {
		return f.call.named(err)
	}
	f.note(e)
	return nil
}

// follower is one loop over events.
type follower struct {
	host    *Host
	ctx     context.Context
	call    Call
	options FollowOptions
	sent    *pending
	unread  *inbox
	answer  *message
	// next is the number of the next event; -1 before the first.
	next int64

	mu sync.Mutex
	// acknowledged is the number of the last acknowledged event; -1 for none.
	acknowledged int64
}

func (f *follower) begin() error {
	body, err := f.body()
	if err != nil {
		return err
	}
	f.unread = newInbox(&f.host.flow)
	f.sent = &pending{answer: make(chan message, 1), inbox: f.unread}
	if err := f.ctx.Err(); err != nil {
		return contextError(err, OutcomeNotApplied, "It was not sent.")
	}
	return f.host.sendControl(f.sent, body)
}

// body encodes the request up to its id.
func (f *follower) body() ([]byte, error) {
	body, err := f.call.head("events/follow")
	if err != nil {
		return nil, err
	}
	if f.options.Every > 0 {
		body = append(body, `,"every_seconds":`...)
		body = strconv.AppendInt(body, int64((f.options.Every+time.Second-1)/time.Second), 10)
	}
	if f.options.MaxUnacknowledged > 0 {
		body = append(body, `,"max_unacknowledged":`...)
		body = strconv.AppendInt(body, int64(f.options.MaxUnacknowledged), 10)
	}
	if f.options.Checkpoint != "" {
		body = appendString(append(body, `,"checkpoint":`...), f.options.Checkpoint)
	}
	if body, err = f.call.appendOptions(append(body, `,"options":{`...), false); err != nil {
		return nil, err
	}
	if f.options.PollTimeout > 0 {
		if body[len(body)-1] != '{' {
			body = append(body, ',')
		}
		body = append(body, `"timeout_ms":`...)
		body = strconv.AppendInt(body, max(1, f.options.PollTimeout.Milliseconds()), 10)
	}
	return append(body, "}}"...), nil
}

// read waits for the next event; nil at the end.
func (f *follower) read() (*FollowedEvent, error) {
	for {
		if err := f.ctx.Err(); err != nil {
			return nil, f.stopped(err)
		}
		if got, ok := f.unread.take(); ok {
			if event, err := f.handle(got); event != nil || err != nil {
				return event, err
			}
			continue
		}
		if f.answer != nil {
			_, err := f.answer.content()
			return nil, err
		}
		f.wait()
	}
}

func (f *follower) wait() {
	f.host.flow.begin()
	defer f.host.flow.end()
	select {
	case <-f.unread.more:
	case got := <-f.sent.answer:
		f.answer = &got
	case <-f.ctx.Done():
	}
}

// handle reads one notification; nil if it is no event.
func (f *follower) handle(got message) (*FollowedEvent, error) {
	switch got.kind {
	case eventMessage:
		event := &FollowedEvent{follower: f}
		if err := json.Unmarshal(got.payload, event); err != nil {
			return nil, protocolError("an invalid event: " + err.Error())
		}
		if f.next >= 0 && event.Seq != f.next {
			return nil, protocolError(fmt.Sprintf("event %d instead of event %d", event.Seq, f.next))
		}
		f.next = event.Seq + 1
		return event, nil
	case heartbeatMessage:
		var heartbeat Heartbeat
		if f.options.OnHeartbeat != nil && json.Unmarshal(got.payload, &heartbeat) == nil {
			f.options.OnHeartbeat(heartbeat)
		}
	case failedPollMessage:
		var wire struct {
			Error      json.RawMessage `json:"error"`
			NextPollAt time.Time       `json:"next_poll_at"`
		}
		if f.options.OnFailed != nil && json.Unmarshal(got.payload, &wire) == nil {
			// The data of an error, as for a target.
			failure := new(Error)
			if err := json.Unmarshal(wire.Error, failure); err != nil {
				return nil, protocolError("an invalid error: " + err.Error())
			}
			failure.Integration, failure.Command = f.call.Integration, f.call.Command
			f.options.OnFailed(FailedPoll{failure, wire.NextPollAt})
		}
	case refusalMessage:
		// The host refuses acknowledgements after its response, too.
		if f.answer == nil && len(f.sent.answer) == 0 {
			return nil, errorFromWire(got.payload)
		}
	}
	return nil, nil
}

// acknowledge does not wait for the response. The loop gets the error of the host. If the host is
// about to end, so is the loop.
func (f *follower) acknowledge(event *FollowedEvent) {
	if f.answer != nil || len(f.sent.answer) > 0 || f.covers(event) {
		return
	}
	sent := &pending{answer: make(chan message, 1), refusals: f.unread}
	if f.host.sendControl(sent, f.ackLine(event)) == nil {
		f.note(event)
	}
}

func (f *follower) ackLine(event *FollowedEvent) []byte {
	return fmt.Appendf(newLine(), `{"jsonrpc":"2.0","method":"events/ack","params":{"id":%d,"seq":%d}`, f.sent.id, event.Seq)
}

func (f *follower) covers(event *FollowedEvent) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return event.Seq <= f.acknowledged
}

func (f *follower) note(event *FollowedEvent) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.acknowledged = max(f.acknowledged, event.Seq)
}

// stopped is the error of a loop that ctx has ended.
func (f *follower) stopped(cause error) error {
	f.close()
	return contextError(cause, OutcomeNotApplied, "Following has stopped.")
}

// close stops the host's polling, and waits for its response, with a time limit.
func (f *follower) close() {
	f.unread.discard()
	if f.answer == nil {
		got := f.host.settle(f.sent, context.Canceled)
		f.answer = &got
	}
}
