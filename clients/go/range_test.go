//go:build go1.23

package sallyport_test

import (
	"testing"

	"example.invalid/sallyport"
	"example.invalid/sallyport/coda"
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
