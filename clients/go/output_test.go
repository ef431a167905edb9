package sallyport_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"example.invalid/sallyport"
)

func expectEcho(ctx context.Context, host *sallyport.Host, text string) error {
	result, err := host.Invoke(ctx, sallyport.Call{
		Integration: "x", Command: "echo", Arguments: map[string]string{"text": text},
	})
	if err == nil && !strings.Contains(string(result.RawData), `"`+text+`"`) {
		err = fmt.Errorf("the answer for %s is %s", text, result.RawData)
	}
	return err
}

func TestNewsIsToldWhenNobodyCallsAnyMore(t *testing.T) {
	news := make(chan string, 1)
	host := startFake(t, "news", sallyport.Options{
		OnNotification: func(method string, _ json.RawMessage) { news <- method },
	})
	ctx := testContext(t)
	for round := 0; round < 100; round++ {
		for alone := 0; alone < 20; alone++ {
			if err := expectEcho(ctx, host, fmt.Sprint(round, alone)); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := host.Invoke(ctx, sallyport.Call{Integration: "x", Command: "news behind it"}); err != nil {
			t.Fatal(err)
		}
		select {
		case method := <-news:
			if method != "news" {
				t.Fatal(method)
			}
		case <-ctx.Done():
			t.Fatalf("in round %d no news came", round)
		}
	}
}

// Calls come alone, together, beside a stream, and end early: the reading goes from the goroutine to
// callers and back all the time.
func TestWhoeverReadsEveryAnswerArrives(t *testing.T) {
	host := startFake(t, "done anyway", sallyport.Options{})
	ctx := testContext(t)
	for round := 0; round < 150; round++ {
		for alone := 0; alone < 20; alone++ {
			if err := expectEcho(ctx, host, fmt.Sprint("alone ", round, alone)); err != nil {
				t.Fatal(err)
			}
		}
		var all sync.WaitGroup
		for caller := 0; caller < 2; caller++ {
			all.Add(1)
			go func(text string) {
				defer all.Done()
				if err := expectEcho(ctx, host, text); err != nil {
					t.Error(err)
				}
			}(fmt.Sprint("together ", round, caller))
		}
		all.Wait()

		short, cancel := context.WithCancel(ctx)
		go cancel()
		result, err := host.Invoke(short, sallyport.Call{Integration: "x", Command: "silent"})
		if err == nil && result.Notices[0] != "was done" || err != nil && !errors.Is(err, context.Canceled) {
			t.Fatal(result, err)
		}

		stream := host.Stream(ctx, sallyport.Call{Integration: "x", Command: "gap"})
		if err := expectEcho(ctx, host, fmt.Sprint("beside a stream ", round)); err != nil {
			t.Fatal(err)
		}
		if !stream.Next() || string(stream.Item()) != "0" {
			t.Fatal(stream.Err())
		}
		stream.Close()
	}
}
