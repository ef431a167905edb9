package sallyport_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"reflect"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"example.invalid/sallyport"
)

func TestAHostThatDoesNotStartSaysWhy(t *testing.T) {
	_, err := sallyport.Start(testContext(t), fake(t, "no start", sallyport.Options{}))
	var exit *sallyport.ExitError
	if !errors.As(err, &exit) {
		t.Fatal(err)
	}
	want := &sallyport.ExitError{Code: 2, Status: "exit status 2", LastLines: []string{"sallyport: connections.json: no such file"}}
	if !reflect.DeepEqual(exit, want) {
		t.Errorf("%+v", exit)
	}
	expectNoGoroutines(t)

	if _, err := sallyport.Start(testContext(t), sallyport.Options{Path: "/nowhere/sallyport"}); err == nil {
		t.Error("what is not there was started")
	}
}

func TestAHostThatExitsFailsTheCallsInFlight(t *testing.T) {
	for _, test := range []struct {
		command, status, lastLine string
		code                      int
	}{
		{"exit", "exit status 7", "sallyport: fatal: out of cheese", 7},
		{"be killed", "signal: killed", "", -1},
		{"cut off", "exit status 0", `(truncated) {"jsonrpc":"2.0","id":3,"result":{"return_data":"Succ`, 0},
	} {
		t.Run(test.command, func(t *testing.T) {
			host := startFake(t, "crash", sallyport.Options{})
			ctx := testContext(t)
			other := host.Stream(ctx, sallyport.Call{Command: "silent"})
			defer other.Close()
			_, err := host.Invoke(ctx, sallyport.Call{Command: test.command})
			for _, err := range []error{err, drained(other), host.Err(), host.Request(ctx, "ping", nil, nil)} {
				var exit *sallyport.ExitError
				if !errors.As(err, &exit) || exit.Code != test.code || exit.Status != test.status {
					t.Fatalf("%#v", err)
				}
				if !strings.HasSuffix(err.Error(), test.lastLine) {
					t.Errorf("%v does not tell %q", err, test.lastLine)
				}
			}
			<-host.Done()
		})
	}
}

func drained(stream *sallyport.Stream) error {
	for stream.Next() {
	}
	return stream.Err()
}

func TestWhatIsNoMessageIsPassedOver(t *testing.T) {
	news := make(chan string, 1)
	host := startFake(t, "garbage", sallyport.Options{OnNotification: func(method string, params json.RawMessage) {
		news <- method + string(params)
	}})
	ctx := testContext(t)
	if _, err := host.Invoke(ctx, sallyport.Call{Command: "garbage"}); err != nil {
		t.Fatal(err)
	}
	if got := <-news; got != `news{"of":"today"}` {
		t.Error(got)
	}
	if log := strings.Join(host.LastLogLines(), "\n"); !strings.Contains(log, "(not a message) Segmentation fault") {
		t.Errorf("the log does not report it: %s", log)
	}
	result, err := host.Invoke(ctx, sallyport.Call{Command: "other order"})
	if err != nil || !reflect.DeepEqual(result.Notices, []string{"other"}) {
		t.Errorf("%+v, %v", result, err)
	}
}

func TestAnswersThatBreakTheProtocolAreErrors(t *testing.T) {
	host := startFake(t, "broken", sallyport.Options{})
	ctx := testContext(t)
	for command, message := range map[string]string{
		"not a result": "an invalid result", "gap": "item 2 instead of item 1",
		"not an item": "an item that is not JSON",
	} {
		err := drained(host.Stream(ctx, sallyport.Call{Command: command}))
		var failure *sallyport.Error
		if !errors.As(err, &failure) || failure.Kind != sallyport.KindInternal ||
			failure.Outcome != sallyport.OutcomeUnknown || !strings.Contains(failure.Message, message) {
			t.Errorf("%s: %#v", command, err)
		}
	}
}

// The host cannot tell the id of a line that it has not read; it tells which line it was.
func TestAnErrorOfALineFindsItsCall(t *testing.T) {
	host := startFake(t, "line", sallyport.Options{})
	ctx := testContext(t)
	other := host.Stream(ctx, sallyport.Call{Command: "silent"})
	_, err := host.Invoke(ctx, sallyport.Call{Command: "bad line"})
	var failure *sallyport.Error
	if !errors.As(err, &failure) || failure.Code != -32600 || failure.Kind != sallyport.KindValidation ||
		failure.Outcome != sallyport.OutcomeNotApplied || failure.FailureIndicator != "The line is too long." {
		t.Errorf("%#v", err)
	}
	if other.Err() != nil {
		t.Error(other.Err())
	}
}

func TestALogThatFloodsDelaysNothing(t *testing.T) {
	var log lockedBuffer
	host := startFake(t, "flood", sallyport.Options{Stderr: &log})
	if _, err := host.Invoke(testContext(t), sallyport.Call{Command: "log flood"}); err != nil {
		t.Fatal(err)
	}
	host.Close()
	lines := host.LastLogLines()
	if len(lines) != 20 || len(lines[19]) != 1024 {
		t.Errorf("%d lines are kept", len(lines))
	}
	if got := len(log.String()); got != 4000*5001 {
		t.Errorf("%d bytes were handed on", got)
	}
}

type lockedBuffer struct {
	mu     sync.Mutex
	buffer bytes.Buffer
}

func (b *lockedBuffer) Write(data []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buffer.Write(data)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buffer.String()
}

func TestAHostThatIgnoresACancellationIsLeftAlone(t *testing.T) {
	host := startFake(t, "deaf", sallyport.Options{CancelWait: time.Millisecond, MaxInFlight: 1})
	ctx, cancel := context.WithCancel(testContext(t))
	cancelled := make(chan error)
	go func() {
		_, err := host.Invoke(ctx, sallyport.Call{Integration: "fake", Command: "silent"})
		cancelled <- err
	}()
	cancel()
	var failure *sallyport.Error
	if err := <-cancelled; !errors.As(err, &failure) || !errors.Is(err, context.Canceled) {
		t.Fatalf("%#v", err)
	}

	// Without an answer its slot stays taken: the next call is not sent.
	soon, stop := context.WithTimeout(testContext(t), 20*time.Millisecond)
	defer stop()
	if failure.Outcome == sallyport.OutcomeUnknown {
		_, err := host.Invoke(soon, sallyport.Call{Command: "echo"})
		if !errors.As(err, &failure) || !errors.Is(err, context.DeadlineExceeded) ||
			failure.Outcome != sallyport.OutcomeNotApplied || failure.StatusCode != 504 {
			t.Errorf("%#v", err)
		}
	}
}

func TestWhatWasDoneAlthoughItWasCancelledIsAResult(t *testing.T) {
	host := startFake(t, "done anyway", sallyport.Options{})
	ctx, cancel := context.WithCancel(testContext(t))
	waitFor(t, host, cancel)
	result, err := host.Invoke(ctx, sallyport.Call{Command: "silent"})
	if err != nil || result.Notices[0] != "was done" {
		t.Errorf("%+v, %v", result, err)
	}
	if _, err := host.Invoke(ctx, sallyport.Call{Command: "echo"}); !errors.Is(err, context.Canceled) {
		t.Errorf("a call whose context had ended was made: %v", err)
	}
}

// waitFor calls then when the fake host has got an invoke.
func waitFor(t *testing.T, host *sallyport.Host, then func()) {
	ctx := testContext(t)
	go func() {
		for seen := 0; seen == 0 && ctx.Err() == nil; {
			host.Request(ctx, "seen", nil, &seen)
		}
		then()
	}()
}

func TestClosingFinishesCallsInFlight(t *testing.T) {
	host := startFake(t, "hold", sallyport.Options{})
	closed := make(chan error, 1)
	waitFor(t, host, func() { closed <- host.Close() })
	result, err := host.Invoke(testContext(t), sallyport.Call{Command: "hold"})
	if err != nil || result.ReturnData != sallyport.Successful {
		t.Errorf("%+v, %v", result, err)
	}
	if err := <-closed; err != nil {
		t.Error(err)
	}
	if _, err := host.Invoke(testContext(t), sallyport.Call{Command: "echo"}); err == nil {
		t.Error("a closed host was called")
	}
}

func TestTheDeadlineIsSentAlong(t *testing.T) {
	host := startFake(t, "echo", sallyport.Options{})
	for _, test := range []struct {
		timeout time.Duration
		call    sallyport.Call
		want    string
	}{
		{0, sallyport.Call{}, `{}`},
		{0, sallyport.Call{AllPages: true, DryRun: true, IdempotencyKey: "\"k\n", FieldMapping: []int{1}},
			`{"all_pages":true,"dry_run":true,"field_mapping":[1],"idempotency_key":"\"k\n"}`},
		{48 * time.Hour, sallyport.Call{DryRun: true}, `{"dry_run":true,"timeout_ms":86400000}`},
		{48 * time.Hour, sallyport.Call{OnProgress: func(sallyport.Progress) {}}, `{"progress":true,"timeout_ms":86400000}`},
	} {
		ctx := context.Background()
		if test.timeout > 0 {
			var cancel context.CancelFunc
			ctx, cancel = context.WithTimeout(ctx, test.timeout)
			defer cancel()
		}
		test.call.Command = "echo"
		if got := echoed(t, ctx, host, test.call).Params.Options; !sameJSON(t, got, test.want) {
			t.Errorf("%s, not %s", got, test.want)
		}
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	var options struct {
		Timeout int `json:"timeout_ms"`
	}
	json.Unmarshal(echoed(t, ctx, host, sallyport.Call{Command: "echo"}).Params.Options, &options)
	if options.Timeout <= 0 || options.Timeout > 60000 {
		t.Errorf("timeout_ms is %d", options.Timeout)
	}
}

type echo struct {
	Params struct{ Options, Connection, Arguments json.RawMessage }
}

func echoed(t *testing.T, ctx context.Context, host *sallyport.Host, call sallyport.Call) (got echo) {
	t.Helper()
	result, err := host.Invoke(ctx, call)
	if err != nil {
		t.Fatal(err)
	}
	if err := result.Decode(&got); err != nil {
		t.Fatal(err)
	}
	return got
}

func sameJSON(t *testing.T, one json.RawMessage, other string) bool {
	t.Helper()
	var a, b any
	if err := json.Unmarshal(one, &a); err != nil {
		t.Fatalf("%s: %v", one, err)
	}
	if err := json.Unmarshal([]byte(other), &b); err != nil {
		t.Fatal(err)
	}
	return reflect.DeepEqual(a, b)
}

func TestArgumentsAreOneLineHoweverTheyAreWritten(t *testing.T) {
	host := startFake(t, "echo", sallyport.Options{})
	ctx := testContext(t)
	large := strings.Repeat("long ", 1<<20) // more than a pipe takes
	for _, arguments := range []any{
		json.RawMessage("{\n \"big\": 123456789012345678901234567890,\n\"text\":\"a\\nb\"}\n"), map[string]any{"text": large},
		struct {
			Text string `json:"text"`
		}{"</script>\u2028\n"},
	} {
		want, err := json.Marshal(arguments)
		if err != nil {
			t.Fatal(err)
		}
		got := echoed(t, ctx, host, sallyport.Call{Command: "echo", Arguments: arguments, Inline: map[string]any{"integration": "x"}}).Params
		if !bytes.Equal(got.Arguments, want) || string(got.Connection) != `{"integration":"x"}` {
			t.Errorf("%.200s, not %.200s; %s", got.Arguments, want, got.Connection)
		}
	}
	if _, err := host.Invoke(ctx, sallyport.Call{Command: "echo", Arguments: make(chan int)}); err == nil {
		t.Error("invalid JSON was sent")
	}
	if _, err := host.Invoke(ctx, sallyport.Call{Command: "echo", Arguments: json.RawMessage("{")}); err == nil {
		t.Error("invalid JSON was sent")
	}
}

func TestASlowReaderMakesTheHostWait(t *testing.T) {
	host := startFake(t, "stream", sallyport.Options{})
	stream := host.Stream(testContext(t), sallyport.Call{Command: "many"})
	defer stream.Close()
	var peak uint64
	count := 0
	for ; stream.Next(); count++ {
		var decoded struct{ N int }
		if err := stream.Decode(&decoded); err != nil || decoded.N != count {
			t.Fatal(decoded, err)
		}
		if count%20 == 0 {
			var memory runtime.MemStats
			runtime.GC()
			runtime.ReadMemStats(&memory)
			peak = max(peak, memory.HeapAlloc)
		}
	}
	if err := stream.Err(); err != nil || count != manyItems || stream.Result().Meta.Items != manyItems {
		t.Fatal(count, err)
	}
	if peak > 16<<20 {
		t.Errorf("%d MB were held of a stream of 32 MB", peak>>20)
	}
}

// It would be a deadlock if the host were made to wait here too.
func TestAReaderOfAStreamMayCallTheHost(t *testing.T) {
	host := startFake(t, "stream", sallyport.Options{MaxInFlight: 2})
	ctx := testContext(t)
	stream := host.Stream(ctx, sallyport.Call{Command: "many"})
	defer stream.Close()
	count := 0
	for ; stream.Next(); count++ {
		if count%200 != 199 {
			continue
		}
		if err := host.Request(ctx, "ping", nil, nil); err != nil {
			t.Fatal(err)
		}
	}
	if stream.Err() != nil || count != manyItems {
		t.Error(count, stream.Err())
	}
}

func TestAStreamThatIsNotReadHoldsNobodyUp(t *testing.T) {
	host := startFake(t, "stream", sallyport.Options{})
	ctx := testContext(t)
	unread := host.Stream(ctx, sallyport.Call{Command: "many"})
	if _, err := host.Invoke(ctx, sallyport.Call{Command: "echo"}); err != nil {
		t.Error(err)
	}
	unread.Close()
	unread.Close()
	if unread.Next() || unread.Err() != nil {
		t.Error("a closed stream goes on")
	}
}
