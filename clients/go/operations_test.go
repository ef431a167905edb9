package sallyport_test

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"time"

	"example.invalid/sallyport"
	"example.invalid/sallyport/coda"
	"example.invalid/sallyport/gmail"
)

var mailbox = gmail.FetchEventFollowParams{UserEmail: "soc@harbor.example", StartTime: "2026-11-16"}

// followMail reads mail until the function returns false.
func followMail(ctx context.Context, host *sallyport.Host, options sallyport.FollowOptions, each func(*sallyport.FollowedEvent) bool) error {
	return follow(ctx, host, sallyport.Call{
		Integration: gmail.Integration, Command: "fetch_event", Connection: "gmail_sandbox", Arguments: mailbox,
	}, options, each)
}

func keyOf(event *sallyport.FollowedEvent) string {
	return string(event.Event.Fields["Unique Event Key"])
}

// mailOf are the keys of all mail, oldest first.
func mailOf(t *testing.T, host *sallyport.Host) (keys []string) {
	t.Helper()
	result, err := gmail.New(host, "gmail_sandbox").FetchEvent(testContext(t), gmail.FetchEventParams{
		UserEmail: mailbox.UserEmail, StartTime: mailbox.StartTime, EndTime: "2027-01-01",
	})
	if err != nil || len(result.Events) < 24 {
		t.Fatal(result, err)
	}
	for _, event := range result.Events {
		keys = append(keys, string(event.Fields["Unique Event Key"]))
	}
	return keys
}

func TestACheckpointContinuesBehindTheAcknowledgedEvents(t *testing.T) {
	options := sallyport.Options{Args: []string{"--state-dir", t.TempDir()}}
	ctx := testContext(t)
	var seen []string
	for hosts := 1; hosts <= 3; hosts++ {
		host := startSandboxWith(t, options)
		all := mailOf(t, host)
		for loop := 0; loop < 2; loop++ {
			count := 0
			err := followMail(ctx, host, sallyport.FollowOptions{Checkpoint: "soc"}, func(event *sallyport.FollowedEvent) bool {
				seen = append(seen, keyOf(event))
				if count++; count < 4 {
					return true
				}
				// The last one is acknowledged only by this.
				if err := event.Ack(ctx); err != nil {
					t.Error(err)
				}
				return false
			})
			if err != nil || !reflect.DeepEqual(seen, all[:len(seen)]) {
				t.Fatalf("%v, %v, not %v", err, seen, all)
			}
		}
		if err := host.Close(); err != nil {
			t.Error(err)
		}
	}
	if len(seen) != 24 {
		t.Errorf("%d events", len(seen))
	}
}

func TestFollowingCanBeRefused(t *testing.T) {
	host := startSandbox(t)
	ctx := testContext(t)
	for _, test := range []struct {
		call    sallyport.Call
		options sallyport.FollowOptions
		path    string
	}{
		{sallyport.Call{Arguments: map[string]any{"user_email": "soc@harbor.example", "start_time": "2026-11-16", "end_time": "2027-01-01"}},
			sallyport.FollowOptions{}, "/arguments/end_time"},
		{sallyport.Call{Arguments: mailbox}, sallyport.FollowOptions{Checkpoint: "soc"}, "/checkpoint"},
		{sallyport.Call{Arguments: mailbox}.With(sallyport.Label(strings.Repeat("x", 65))), sallyport.FollowOptions{}, "/options/label"},
	} {
		call := test.call
		call.Integration, call.Command, call.Connection = gmail.Integration, "fetch_event", "gmail_sandbox"
		err := follow(ctx, host, call, test.options, func(*sallyport.FollowedEvent) bool { return true })
		var failure *sallyport.Error
		if !errors.As(err, &failure) || failure.Kind != sallyport.KindValidation || failure.Problems[0].Path != test.path {
			t.Errorf("%s: %#v", test.path, err)
		}
	}
}

func TestHeartbeatsAndFailedPollsAreTold(t *testing.T) {
	host := startSandbox(t, "gmail: 403 first 1")
	ctx, cancel := context.WithCancel(testContext(t))
	defer cancel()
	var failures []sallyport.FailedPoll
	var heartbeats []sallyport.Heartbeat
	var last *sallyport.FollowedEvent
	err := followMail(ctx, host, sallyport.FollowOptions{
		Every:       time.Second,
		OnFailed:    func(failed sallyport.FailedPoll) { failures = append(failures, failed) },
		OnHeartbeat: func(heartbeat sallyport.Heartbeat) { heartbeats = append(heartbeats, heartbeat); cancel() },
	}, func(event *sallyport.FollowedEvent) bool { last = event; return true })
	if !errors.Is(err, context.Canceled) || last == nil {
		t.Fatalf("%v, %v", err, last)
	}
	if len(failures) != 1 || failures[0].Error.Command != "fetch_event" || failures[0].Error.StatusCode != 403 || failures[0].NextPollAt.IsZero() {
		t.Errorf("%+v", failures)
	}
	if len(heartbeats) != 1 || string(heartbeats[0].Cursor) != string(last.Cursor) || heartbeats[0].NextPollAt.IsZero() {
		t.Errorf("%+v", heartbeats)
	}
}

func TestTheHostContinuesTheTraceOfTheProgram(t *testing.T) {
	host := startSandbox(t)
	ctx := sallyport.WithTraceparent(testContext(t), traceparent)
	client := coda.New(host, "coda_sandbox")
	result, err := client.ListTenants(ctx)
	if err != nil {
		t.Fatal(err)
	}
	_, failed := client.ListDeviceUsers(ctx, coda.ListDeviceUsersParams{DeviceID: 9999})
	_, refused := client.ListDevices(ctx, coda.ListDevicesParams{Page: sallyport.Ptr(int64(-1))})
	metas := []sallyport.Meta{result.Meta}
	for _, err := range []error{failed, refused} {
		var failure *sallyport.Error
		if !errors.As(err, &failure) {
			t.Fatal(err)
		}
		metas = append(metas, failure.Meta)
	}
	for _, meta := range metas {
		if meta.TraceID != traceparent[3:35] {
			t.Errorf("%+v", meta)
		}
	}
	if metas[0].Connection != "coda_sandbox" || metas[0].Spent.Vendor > metas[0].DurationMilliseconds {
		t.Errorf("%+v", metas[0])
	}
}

func TestMetricsCountTheCalls(t *testing.T) {
	host := startSandbox(t)
	ctx := testContext(t)
	if _, err := coda.New(host, "coda_sandbox").ListTenants(ctx); err != nil {
		t.Fatal(err)
	}
	text, err := host.Metrics(ctx)
	counted := regexp.MustCompile(`(?m)^sallyport_invocations_total\{[^}]*command="list_tenants"[^}]*\} 1$`)
	if err != nil || !counted.MatchString(text) || !strings.HasSuffix(text, "# EOF\n") {
		t.Errorf("%v\n%s", err, text)
	}
}

func TestReloadingReportsWhatChanged(t *testing.T) {
	file := filepath.Join(t.TempDir(), "connections.json")
	write := func(urls map[string]string) {
		connections := map[string]any{}
		for name, url := range urls {
			connections[name] = map[string]any{"integration": coda.Integration,
				"settings": map[string]any{"server_url": url, "user_name": "u", "password": "p"}}
		}
		content, err := json.Marshal(map[string]any{"connections": connections})
		if err == nil {
			err = os.WriteFile(file, content, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	write(map[string]string{"a": "https://a.example", "b": "https://b.example"})
	ctx := testContext(t)
	host, err := sallyport.Start(ctx, sallyport.Options{Connections: file})
	if err != nil {
		t.Fatal(err)
	}
	closeAfter(t, host)
	write(map[string]string{"b": "https://other.example", "c": "https://c.example"})
	reloaded, err := host.Reload(ctx)
	want := &sallyport.Reloaded{
		Added: []string{"c"}, Changed: []string{"b"}, Removed: []string{"a"}, Rejected: []sallyport.RejectedConnection{},
	}
	if err != nil || !reflect.DeepEqual(reloaded, want) {
		t.Errorf("%+v, %v", reloaded, err)
	}
	write(map[string]string{"b": "nothing"})
	reloaded, err = host.Reload(ctx)
	if err != nil || len(reloaded.Rejected) != 1 || reloaded.Rejected[0].Name != "b" ||
		!strings.Contains(reloaded.Rejected[0].Problems[0].Path, "server_url") {
		t.Errorf("%+v, %v", reloaded, err)
	}
	if err := os.WriteFile(file, []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	var failure *sallyport.Error
	if reloaded, err = host.Reload(ctx); reloaded != nil || !errors.As(err, &failure) || failure.Outcome != sallyport.OutcomeNotApplied {
		t.Errorf("%+v, %v", reloaded, err)
	}
}
