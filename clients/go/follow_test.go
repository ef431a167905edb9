package sallyport_test

import (
	"context"
	"encoding/json"
	"errors"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"example.invalid/sallyport"
)

var anyFeed = sallyport.Call{Integration: "vendor", Command: "fetch"}

// follow reads events until the function returns false. It returns the error of the loop.
func follow(ctx context.Context, host *sallyport.Host, call sallyport.Call, options sallyport.FollowOptions,
	each func(*sallyport.FollowedEvent) bool) error {
	var failure error
	// As range does it from Go 1.23 on.
	host.Follow(ctx, call, options)(func(event *sallyport.FollowedEvent, err error) bool {
		if failure = err; err != nil {
			return false
		}
		return each(event)
	})
	return failure
}

func ask[T any](t *testing.T, host *sallyport.Host, method string) (result T) {
	t.Helper()
	if err := host.Request(testContext(t), method, nil, &result); err != nil {
		t.Fatal(err)
	}
	return result
}

func TestAnEventIsAcknowledgedWhenTheLoopAsksForTheNext(t *testing.T) {
	host := startFake(t, "follow", sallyport.Options{MaxInFlight: 4})
	var seen []int
	err := follow(testContext(t), host, anyFeed, sallyport.FollowOptions{}, func(event *sallyport.FollowedEvent) bool {
		if acks := ask[[]int](t, host, "acks"); len(acks) != len(seen) {
			t.Errorf("%v are acknowledged, not %v", acks, seen)
		}
		seen = append(seen, int(event.Seq))
		if string(event.Event.Fields["Number"]) != string(event.Cursor[2:len(event.Cursor)-1]) {
			t.Errorf("%+v", event)
		}
		return len(seen) < 3
	})
	if want := []int{0, 1, 2}; err != nil || !reflect.DeepEqual(seen, want) {
		t.Errorf("%v, %v", seen, err)
	}
	if acks := ask[[]int](t, host, "acks"); !reflect.DeepEqual(acks, []int{0, 1}) {
		t.Errorf("%v are acknowledged", acks)
	}
}

func TestFollowersTakeNoSlotAndGiveNoneBack(t *testing.T) {
	host := startFake(t, "follow", sallyport.Options{MaxInFlight: 1, CancelWait: time.Millisecond})
	ctx := testContext(t)
	silent := host.Stream(ctx, sallyport.Call{Command: "silent"})
	defer silent.Close()
	var all sync.WaitGroup
	for number := 0; number < 3; number++ {
		all.Add(1)
		go func() {
			defer all.Done()
			count := 0
			err := follow(ctx, host, anyFeed, sallyport.FollowOptions{MaxUnacknowledged: 1}, func(*sallyport.FollowedEvent) bool {
				count++
				return count < 500
			})
			if err != nil || count != 500 {
				t.Errorf("%d events, %v", count, err)
			}
		}()
	}
	all.Wait()
	short, cancel := context.WithTimeout(ctx, 50*time.Millisecond)
	defer cancel()
	var failure *sallyport.Error
	if err := host.Request(short, "ping", nil, nil); !errors.As(err, &failure) || failure.Outcome != sallyport.OutcomeNotApplied {
		t.Errorf("it got a slot: %v", err)
	}
}

func TestAcknowledgingIsLeftToTheLoopIfItWantsSo(t *testing.T) {
	host := startFake(t, "follow", sallyport.Options{})
	ctx := testContext(t)
	var kept []*sallyport.FollowedEvent
	err := follow(ctx, host, anyFeed, sallyport.FollowOptions{ManualAck: true}, func(event *sallyport.FollowedEvent) bool {
		if kept = append(kept, event); len(kept) < 4 {
			return true
		}
		if err := kept[2].Ack(ctx); err != nil {
			t.Error(err)
		}
		return false
	})
	if acks := ask[[]int](t, host, "acks"); err != nil || !reflect.DeepEqual(acks, []int{2}) {
		t.Errorf("%v are acknowledged, %v", acks, err)
	}
	var failure *sallyport.Error
	if err := kept[3].Ack(ctx); !errors.As(err, &failure) || failure.Command != "fetch" {
		t.Errorf("an ended follower acknowledged: %v", err)
	}
}

func TestFollowSendsTheParamsOfTheProtocol(t *testing.T) {
	host := startFake(t, "follow refused", sallyport.Options{Label: "soc"})
	var heartbeats []sallyport.Heartbeat
	var failures []sallyport.FailedPoll
	call := anyFeed
	call.Connection, call.Arguments = "prod", map[string]any{"user": "a"}
	ctx := sallyport.WithTraceparent(testContext(t), traceparent)
	err := follow(ctx, host, call, sallyport.FollowOptions{
		Every: 1500 * time.Millisecond, MaxUnacknowledged: 7, Checkpoint: "inbox", PollTimeout: time.Second,
		OnHeartbeat: func(heartbeat sallyport.Heartbeat) { heartbeats = append(heartbeats, heartbeat) },
		OnFailed:    func(failed sallyport.FailedPoll) { failures = append(failures, failed) },
	}, func(*sallyport.FollowedEvent) bool { t.Error("an event came"); return true })
	var failure *sallyport.Error
	if !errors.As(err, &failure) || failure.Kind != sallyport.KindUnavailable || failure.Integration != "vendor" {
		t.Errorf("%#v", err)
	}
	requests := ask[[]json.RawMessage](t, host, "follows")
	if want := `{"jsonrpc":"2.0","method":"events/follow","params":{"integration":"vendor","command":"fetch",` +
		`"connection":"prod","arguments":{"user":"a"},"every_seconds":2,"max_unacknowledged":7,"checkpoint":"inbox",` +
		`"options":{"label":"soc","traceparent":"` + traceparent + `","timeout_ms":1000}},"id":2}`; !sameJSON(t, requests[0], want) {
		t.Errorf("%s", requests[0])
	}
	next := time.Date(2026, 12, 1, 10, 0, 0, 0, time.UTC)
	if len(heartbeats) != 1 || string(heartbeats[0].Cursor) != `"c"` || !heartbeats[0].NextPollAt.Equal(next) {
		t.Errorf("%+v", heartbeats)
	}
	if len(failures) != 1 || failures[0].Error.StatusCode != 503 || failures[0].Error.Message != "Try later." ||
		!failures[0].NextPollAt.Equal(next.Add(time.Minute)) {
		t.Errorf("%+v", failures)
	}
}

func TestAContextEndsItsFollower(t *testing.T) {
	host := startFake(t, "follow", sallyport.Options{})
	ctx, cancel := context.WithCancel(testContext(t))
	err := follow(ctx, host, anyFeed, sallyport.FollowOptions{}, func(event *sallyport.FollowedEvent) bool {
		if event.Seq == 499 {
			// The next wait has no end but that of the context.
			time.AfterFunc(10*time.Millisecond, cancel)
		}
		return true
	})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
	deadline, cancelDeadline := context.WithTimeout(testContext(t), time.Millisecond)
	defer cancelDeadline()
	<-deadline.Done()
	err = follow(deadline, host, anyFeed, sallyport.FollowOptions{}, func(*sallyport.FollowedEvent) bool { return true })
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("%v", err)
	}
}

func TestARefusedAcknowledgementEndsTheLoop(t *testing.T) {
	host := startFake(t, "follow full", sallyport.Options{})
	count := 0
	err := follow(testContext(t), host, anyFeed, sallyport.FollowOptions{MaxUnacknowledged: 1}, func(*sallyport.FollowedEvent) bool {
		count++
		return true
	})
	var failure *sallyport.Error
	if !errors.As(err, &failure) || !strings.Contains(failure.Message, "cannot be written") || count != 1 {
		t.Errorf("%v after %d events", err, count)
	}
}

func TestALostEventIsAnError(t *testing.T) {
	host := startFake(t, "follow gap", sallyport.Options{})
	err := follow(testContext(t), host, anyFeed, sallyport.FollowOptions{ManualAck: true}, func(*sallyport.FollowedEvent) bool { return true })
	var failure *sallyport.Error
	if !errors.As(err, &failure) || !strings.Contains(failure.Message, "event 2 instead of event 1") {
		t.Errorf("%v", err)
	}
}

func TestTheLoopEndsWhenItsHostIsClosed(t *testing.T) {
	host := startFake(t, "follow", sallyport.Options{})
	count := 0
	closed := make(chan error, 1)
	err := follow(testContext(t), host, anyFeed, sallyport.FollowOptions{}, func(event *sallyport.FollowedEvent) bool {
		if count++; count == 3 {
			go func() { closed <- host.Close() }()
		}
		return true
	})
	if err != nil || <-closed != nil {
		t.Errorf("%v", err)
	}
	err = follow(testContext(t), host, anyFeed, sallyport.FollowOptions{}, func(*sallyport.FollowedEvent) bool { return true })
	var exit *sallyport.ExitError
	if !errors.Is(err, sallyport.ErrClosed) && !errors.As(err, &exit) {
		t.Errorf("%v", err)
	}
}

func TestAHostThatDiesFailsItsFollower(t *testing.T) {
	host := startFake(t, "follow crash", sallyport.Options{})
	err := follow(testContext(t), host, anyFeed, sallyport.FollowOptions{MaxUnacknowledged: 1}, func(*sallyport.FollowedEvent) bool { return true })
	var exit *sallyport.ExitError
	if !errors.As(err, &exit) || exit.Code != 9 {
		t.Errorf("%v", err)
	}
}
