//go:build go1.23

package sallyport_test

import (
	"encoding/json"
	"reflect"
	"testing"

	"example.invalid/sallyport"
	"example.invalid/sallyport/coda"
	"example.invalid/sallyport/gmail"
)

func TestAStreamCanBeRangedOver(t *testing.T) {
	host := startSandbox(t)
	ctx := testContext(t)
	count := 0
	for item, err := range coda.New(host, "").ListTenantsStream(ctx).All() {
		if err != nil || len(item) == 0 {
			t.Fatal(item, err)
		}
		count++
	}
	if count != 2 {
		t.Errorf("%d tenants", count)
	}
	stream := coda.New(host, "").ListDevicesStream(ctx, coda.ListDevicesParams{}, sallyport.AllPages())
	for range stream.All() {
		break
	}
	if stream.Next() {
		t.Error("a loop that was left goes on")
	}
	failures := 0
	for _, err := range coda.New(host, "nobody").ListTenantsStream(ctx).All() {
		if err == nil {
			t.Error("an item came")
		}
		failures++
	}
	if failures != 1 {
		t.Errorf("%d errors", failures)
	}
}

func TestEventsCanBeRangedOver(t *testing.T) {
	host := startFake(t, "follow", sallyport.Options{})
	var seen []int64
	for event, err := range host.Follow(testContext(t), anyFeed, sallyport.FollowOptions{MaxUnacknowledged: 2}) {
		if err != nil {
			t.Fatal(err)
		}
		if seen = append(seen, event.Seq); len(seen) == 5 {
			break
		}
	}
	if want := []int64{0, 1, 2, 3, 4}; !reflect.DeepEqual(seen, want) {
		t.Errorf("%v", seen)
	}
	if acks := ask[[]int](t, host, "acks"); len(acks) != 4 {
		t.Errorf("%v are acknowledged", acks)
	}
	// The arguments have no end time.
	for event, err := range gmail.New(host, "").FetchEventFollow(testContext(t), gmail.FetchEventFollowParams{}, sallyport.FollowOptions{}) {
		if err != nil {
			t.Error(err)
		}
		if event.Seq == 0 {
			break
		}
	}
	var request struct {
		Params struct{ Arguments map[string]any }
	}
	last := ask[[]json.RawMessage](t, host, "follows")
	if err := json.Unmarshal(last[len(last)-1], &request); err != nil {
		t.Fatal(err)
	}
	if want := map[string]any{"user_email": "", "start_time": ""}; !reflect.DeepEqual(request.Params.Arguments, want) {
		t.Errorf("%v", request.Params.Arguments)
	}
}
