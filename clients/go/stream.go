package sallyport

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
)

// Stream is the result of a command, item by item. It is for one goroutine at a time.
//
//	stream := host.Stream(ctx, call)
//	defer stream.Close()
//	for stream.Next() {
//		use(stream.Item())
//	}
//	if err := stream.Err(); err != nil {
//		return err
//	}
type Stream struct {
	host *Host
	ctx  context.Context
	call Call
	sent *pending
	// unwatch stops watching ctx.
	unwatch func() bool
	unread  *inbox

	// Of the reading goroutine:
	item   json.RawMessage
	items  uint64
	answer *message
	isOver bool
	result *Result
	err    error
}

// Stream runs a command whose items arrive one by one: the elements of a list, or the outcomes of
// targets ([Stream.Target]). With [Call.AllPages] memory does not grow with the result.
// [Stream.Err] returns all errors, including those of the start.
//
// A slow reader makes the host wait, unless another call of the host is waiting: the items are then
// buffered in memory.
func (h *Host) Stream(ctx context.Context, call Call) *Stream {
	return h.begin(ctx, call, true)
}

func (h *Host) begin(ctx context.Context, call Call, isStream bool) *Stream {
	call = h.traced(ctx, call)
	s := &Stream{host: h, ctx: ctx, call: call, unread: newInbox(&h.flow)}
	s.sent = &pending{answer: make(chan message, 1), inbox: s.unread}
	body, err := call.body(isStream)
	if err == nil {
		h.flow.begin()
		err = h.send(ctx, s.sent, body, true)
		h.output.rouse()
		h.flow.end()
	}
	if err != nil {
		s.isOver, s.err = true, call.named(err)
		return s
	}
	// A reader that is busy with an item does not check ctx; the host knows the deadline.
	s.unwatch = context.AfterFunc(ctx, func() {
		if errors.Is(ctx.Err(), context.Canceled) {
			h.cancel(s.sent.id)
		}
	})
	return s
}

// Next waits for the next item. It returns false at the end; see [Stream.Err].
func (s *Stream) Next() bool {
	s.item = nil
	for !s.isOver {
		if s.answer == nil && s.ctx.Err() != nil {
			s.settle(s.ctx.Err())
		}
		if got, ok := s.unread.take(); ok {
			if s.handle(got) {
				return true
			}
			continue
		}
		if s.answer != nil {
			s.finish(s.call.result(*s.answer))
			break
		}
		s.wait()
	}
	return false
}

// All iterates over the items with range (Go 1.23 and later), with an error last. Leaving the loop
// closes the stream.
func (s *Stream) All() func(yield func(item json.RawMessage, err error) bool) {
	return func(yield func(json.RawMessage, error) bool) {
		defer s.Close()
		for s.Next() {
			if !yield(s.Item(), nil) {
				return
			}
		}
		if s.err != nil {
			yield(nil, s.err)
		}
	}
}

// Item is the current item.
func (s *Stream) Item() json.RawMessage { return s.item }

// Decode decodes the item into v. In an any, numbers are json.Number and keep their text.
func (s *Stream) Decode(v any) error { return decode(s.item, v) }

// Target is the item of a command over targets.
func (s *Stream) Target() (Target, error) {
	var target Target
	err := json.Unmarshal(s.item, &target)
	return target, err
}

// Err is the reason of an early end; nil after the last item, and while there are more.
func (s *Stream) Err() error { return s.err }

// Result is the final result; nil before the end of the stream, and if Err is not nil.
func (s *Stream) Result() *Result { return s.result }

// Close ends the stream and cancels its command if it is in flight. It may be called again.
func (s *Stream) Close() {
	if s.isOver {
		return
	}
	s.unread.discard()
	if s.answer == nil {
		s.settle(context.Canceled)
	}
	s.finish(nil, nil)
}

func (s *Stream) finish(result *Result, err error) {
	s.isOver, s.result, s.err = true, result, err
	s.unread.discard()
	s.unwatch()
}

// settle ends the stream early: unread items are discarded, unless all of them have arrived.
func (s *Stream) settle(cause error) {
	got := s.host.settle(s.sent, cause)
	if s.answer = &got; got.kind != resultMessage {
		s.unread.discard()
	}
}

// handle reads one notification; true for an item.
func (s *Stream) handle(got message) bool {
	switch got.kind {
	case itemMessage:
		if got.seq != s.items {
			s.breakOff(fmt.Sprintf("item %d instead of item %d", got.seq, s.items))
			return false
		}
		if !json.Valid(got.payload) {
			s.breakOff("an item that is not JSON")
			return false
		}
		s.items++
		s.item = got.payload
		return true
	case progressMessage:
		var progress Progress
		if s.call.OnProgress != nil && json.Unmarshal(got.payload, &progress) == nil {
			s.call.OnProgress(progress)
		}
	case waitingMessage:
		var waiting Waiting
		if s.call.OnWaiting != nil && json.Unmarshal(got.payload, &waiting) == nil {
			s.call.OnWaiting(waiting)
		}
	}
	return false
}

func (s *Stream) breakOff(what string) {
	s.Close()
	s.err = s.call.named(protocolError(what))
}

func (s *Stream) wait() {
	s.host.flow.begin()
	defer s.host.flow.end()
	select {
	case <-s.unread.more:
	case got := <-s.sent.answer:
		s.answer = &got
	case <-s.ctx.Done():
	}
}
