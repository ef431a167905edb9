package sallyport_test

import (
	"context"
	"encoding/json"
	"reflect"
	"testing"

	"example.invalid/sallyport"
)

const (
	traceparent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
	other       = "00-0af7651916cd43dd8448eb211c80319c-00f067aa0ba902b7-00"
)

type spanKey struct{}

func TestCallsHaveALabelAndAParentSpan(t *testing.T) {
	host := startFake(t, "echo", sallyport.Options{
		Label: "incident 4711",
		TraceparentFrom: func(ctx context.Context) string {
			span, _ := ctx.Value(spanKey{}).(string)
			return span
		},
	})
	ctx := testContext(t)
	inSpan := context.WithValue(ctx, spanKey{}, traceparent)
	for _, test := range []struct {
		ctx     context.Context
		options []sallyport.Option
		want    map[string]any
	}{
		{ctx, nil, map[string]any{"label": "incident 4711"}},
		{ctx, []sallyport.Option{sallyport.Label("other")}, map[string]any{"label": "other"}},
		{inSpan, nil, map[string]any{"label": "incident 4711", "traceparent": traceparent}},
		{sallyport.WithTraceparent(inSpan, other), nil, map[string]any{"label": "incident 4711", "traceparent": other}},
		{inSpan, []sallyport.Option{sallyport.Traceparent(other)}, map[string]any{"label": "incident 4711", "traceparent": other}},
	} {
		result, err := host.Invoke(test.ctx, sallyport.Call{Command: "echo"}.With(test.options...))
		if err != nil {
			t.Fatal(err)
		}
		var request struct {
			Params struct{ Options map[string]any }
		}
		if err := json.Unmarshal(result.RawData, &request); err != nil {
			t.Fatal(err)
		}
		delete(request.Params.Options, "timeout_ms")
		if !reflect.DeepEqual(request.Params.Options, test.want) {
			t.Errorf("%v, not %v", request.Params.Options, test.want)
		}
	}
}

func TestMetaIsTypedOnResultsAndErrors(t *testing.T) {
	const meta = `{"connection":"prod","trace_id":"4bf92f3577b34da6a3ce929d0e0e4736","duration_ms":31,"requests":3,` +
		`"retries":1,"waited_ms":20,"spent_ms":{"queue":1,"vendor":10,"plugin":2},"replayed":true}`
	want := sallyport.Meta{
		Connection: "prod", TraceID: "4bf92f3577b34da6a3ce929d0e0e4736", DurationMilliseconds: 31, Requests: 3,
		Retries: 1, WaitedMilliseconds: 20, Spent: sallyport.SpentTime{Queue: 1, Vendor: 10, Plugin: 2}, Replayed: true,
	}
	var result sallyport.Result
	if err := json.Unmarshal([]byte(`{"return_data":"Successful","meta":`+meta+`}`), &result); err != nil || result.Meta != want {
		t.Errorf("%+v, %v", result.Meta, err)
	}
	var failure sallyport.Error
	if err := json.Unmarshal([]byte(`{"kind":"network","meta":`+meta+`}`), &failure); err != nil || failure.Meta != want {
		t.Errorf("%+v, %v", failure.Meta, err)
	}
}

func TestMetricsAreTextAndReloadSaysWhatItChanged(t *testing.T) {
	host := startFake(t, "operated", sallyport.Options{})
	ctx := testContext(t)
	if text, err := host.Metrics(ctx); err != nil || text != "# EOF\n" {
		t.Errorf("%q, %v", text, err)
	}
	reloaded, err := host.Reload(ctx)
	want := &sallyport.Reloaded{
		Added: []string{"a"}, Changed: []string{}, Removed: []string{},
		Rejected: []sallyport.RejectedConnection{{Name: "d", Problems: []sallyport.Problem{
			{Path: "/settings/api_key", Message: "must not be empty"}}}},
	}
	if err != nil || !reflect.DeepEqual(reloaded, want) {
		t.Errorf("%+v, %v", reloaded, err)
	}
}
