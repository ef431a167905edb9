package sallyport_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"example.invalid/sallyport"
	"example.invalid/sallyport/coda"
	"example.invalid/sallyport/gravityzone"
)

// startSandbox starts the built executable with its emulated vendors.
func startSandbox(t *testing.T, faults ...string) *sallyport.Host {
	t.Helper()
	return startSandboxWith(t, sallyport.Options{}, faults...)
}

func startSandboxWith(t *testing.T, options sallyport.Options, faults ...string) *sallyport.Host {
	t.Helper()
	options.Sandbox = true
	for _, fault := range faults {
		options.Args = append(options.Args, "--sandbox-fault", fault)
	}
	host, err := sallyport.Start(testContext(t), options)
	if err != nil {
		t.Fatal(err)
	}
	closeAfter(t, host)
	return host
}

func TestManyGoroutinesGetTheirOwnAnswers(t *testing.T) {
	host := startSandboxWith(t, sallyport.Options{MaxInFlight: 8})
	ctx := testContext(t)
	client := coda.New(host, "coda_sandbox")
	var all sync.WaitGroup
	for caller := 0; caller < 50; caller++ {
		all.Add(1)
		go func(caller int) {
			defer all.Done()
			for device := caller * 100; device < caller*100+20; device++ {
				result, err := client.ListDeviceUsers(ctx, coda.ListDeviceUsersParams{DeviceID: int64(device)}, sallyport.DryRun())
				if err != nil {
					t.Error(err)
					return
				}
				requests, err := result.PlannedRequests()
				if err != nil || !strings.Contains(requests[0].URL, fmt.Sprintf("/%d", device)) {
					t.Errorf("%d got %+v, %v", device, requests, err)
				}
			}
		}(caller)
	}
	all.Wait()
}

func TestAFailureIsATypedError(t *testing.T) {
	host := startSandbox(t)
	ctx := testContext(t)
	_, err := coda.New(host, "").GetTechnicalContext(ctx, coda.GetTechnicalContextParams{ContextID: 1})
	var failure *sallyport.Error
	if !errors.As(fmt.Errorf("playbook: %w", err), &failure) {
		t.Fatal(err)
	}
	if failure.Meta.Requests == 0 || failure.Meta.Connection != "coda_sandbox" {
		t.Errorf("%+v", failure.Meta)
	}
	failure.Remedy, failure.Upstream, failure.Meta = "", nil, sallyport.Meta{}
	want := &sallyport.Error{
		Integration: "coda_footprint", Command: "get_technical_context", Code: -32000,
		FailureIndicator: "Get Technical Context failed.", StatusCode: 404, Message: "Not Found.",
		Kind: sallyport.KindNotFound, Outcome: sallyport.OutcomeNotApplied,
	}
	if !reflect.DeepEqual(failure, want) {
		t.Errorf("%+v", failure)
	}
	if text := err.Error(); text != "Get Technical Context failed. Not Found. (404)" {
		t.Error(text)
	}

	_, err = host.Invoke(ctx, sallyport.Call{
		Integration: coda.Integration, Command: "list_devices", Arguments: map[string]any{"page": 0, "pagesize": 1},
	})
	if !errors.As(err, &failure) || failure.Code != -32602 || failure.Kind != sallyport.KindValidation ||
		len(failure.Problems) != 2 || failure.Problems[0].Path != "/arguments/page" {
		t.Errorf("%#v", err)
	}
	if err := host.Request(ctx, "no/such", nil, nil); !errors.As(err, &failure) || failure.Code != -32601 {
		t.Errorf("%#v", err)
	}
}

func TestNumbersKeepTheirText(t *testing.T) {
	host := startSandbox(t)
	result, err := coda.New(host, "").ListTenants(testContext(t))
	if err != nil {
		t.Fatal(err)
	}
	var tenants []map[string]any
	if err := result.Decode(&tenants); err != nil {
		t.Fatal(err)
	}
	if tenants[0]["id"] != json.Number("1") {
		t.Errorf("%#v", tenants[0])
	}
	if err := (&sallyport.Result{}).Decode(&tenants); err == nil {
		t.Error("nothing was decoded")
	}
}

func TestUnsetIsNotZero(t *testing.T) {
	for _, test := range []struct {
		parameters any
		want       string
	}{
		{gravityzone.ListEndpointsParams{EndpointType: gravityzone.EndpointTypeEndpoints}, `{"endpoint_type":"endpoints"}`},
		{gravityzone.ListEndpointsParams{
			EndpointType: gravityzone.EndpointTypeEndpoints, IsManaged: sallyport.Ptr(false), Page: sallyport.Ptr(int64(0)),
			Filters: sallyport.Ptr("")},
			`{"endpoint_type":"endpoints","is_managed":false,"page":0,"filters":""}`},
		{gravityzone.CreateScanTaskParams{EndpointIDs: sallyport.Ptr([]string{})}, `{"endpoint_ids":[]}`},
		{coda.ListDevicesParams{Filter: &coda.ListDevicesFilter{RiskLevel: sallyport.Ptr(coda.RiskLevelCritical)}},
			`{"filter":{"riskLevel":"critical"}}`},
	} {
		got, err := json.Marshal(test.parameters)
		if err != nil || !sameJSON(t, got, test.want) {
			t.Errorf("%s, not %s; %v", got, test.want, err)
		}
	}
}

func TestSeveralTargetsHaveAnOutcomeEach(t *testing.T) {
	host := startSandbox(t)
	ctx := testContext(t)
	client := gravityzone.New(host, "gravityzone_sandbox")
	const unknown, known = "000000000000000000000000", "6affe1e0b1a43d0003000001"
	parameters := gravityzone.IsolateEndpointsParams{EndpointIDs: []string{unknown, known}}
	result, err := client.IsolateEndpoints(ctx, parameters)
	if err != nil {
		t.Fatal(err)
	}
	if result.ReturnData != sallyport.PartiallySuccessful || len(result.Errors) != 1 || result.Errors[0].Target != unknown ||
		result.Targets[0].Error.StatusCode != 400 || result.Targets[1].ReturnData != sallyport.Successful {
		t.Errorf("%+v", result)
	}
	_, err = client.IsolateEndpoints(ctx, gravityzone.IsolateEndpointsParams{EndpointIDs: []string{unknown}})
	var failure *sallyport.Error
	if !errors.As(err, &failure) || len(failure.Targets) != 1 || failure.Targets[0].Error.Message == "" {
		t.Errorf("%#v", err)
	}

	details := gravityzone.GetManagedEndpointDetailsParams{ManagedEndpointIDs: []string{unknown, known}}
	stream := client.GetManagedEndpointDetailsStream(ctx, details)
	outcomes := map[string]string{}
	for stream.Next() {
		target, err := stream.Target()
		if err != nil {
			t.Fatal(err)
		}
		outcomes[target.Target] = target.ReturnData
	}
	want := map[string]string{unknown: sallyport.Failed, known: sallyport.Successful}
	if stream.Err() != nil || !reflect.DeepEqual(outcomes, want) || stream.Result().Meta.Items != 2 {
		t.Error(outcomes, stream.Err())
	}
}

func TestAStreamGivesAllItemsInOrder(t *testing.T) {
	host := startSandbox(t)
	ctx := testContext(t)
	whole, err := coda.New(host, "").ListDevices(ctx, coda.ListDevicesParams{}, sallyport.AllPages())
	if err != nil {
		t.Fatal(err)
	}
	var body struct{ Items []json.RawMessage }
	if err := whole.Decode(&body); err != nil {
		t.Fatal(err)
	}
	var items []json.RawMessage
	var progress []sallyport.Progress
	stream := coda.New(host, "").ListDevicesStream(ctx, coda.ListDevicesParams{}, sallyport.AllPages(),
		sallyport.OnProgress(func(p sallyport.Progress) { progress = append(progress, p) }))
	for stream.Next() {
		items = append(items, stream.Item())
	}
	if stream.Err() != nil || len(items) < 40 || !reflect.DeepEqual(items, body.Items) {
		t.Errorf("%d items, not %d: %v", len(items), len(body.Items), stream.Err())
	}
	if len(stream.Result().RawData) != 0 || stream.Result().Meta.Items != len(items) || len(progress) == 0 {
		t.Errorf("%+v, %v", stream.Result(), progress)
	}
}

func TestAFailedStreamSaysSo(t *testing.T) {
	host := startSandbox(t, "coda: 503 always on GET /api/console/elements/devices/")
	stream := coda.New(host, "").ListDevicesStream(testContext(t), coda.ListDevicesParams{Page: sallyport.Ptr(int64(0))})
	err := drained(stream)
	var failure *sallyport.Error
	if !errors.As(err, &failure) || failure.Command != "list_devices" || stream.Result() != nil {
		t.Errorf("%#v", err)
	}
}

func TestAnInvokeTellsItsProgress(t *testing.T) {
	host := startSandbox(t)
	var last sallyport.Progress
	result, err := gravityzone.New(host, "").GetManagedEndpointDetails(testContext(t),
		gravityzone.GetManagedEndpointDetailsParams{ManagedEndpointIDs: []string{"6affe1e0b1a43d0003000001", "6affe1e0b1a43d0003000002"}},
		sallyport.OnProgress(func(p sallyport.Progress) { last = p }))
	if err != nil || len(result.Targets) != 2 || last != (sallyport.Progress{Done: 2, Total: 2}) {
		t.Errorf("%+v, %+v, %v", result, last, err)
	}
}

func TestACancelledCallReturnsWhatTheHostSays(t *testing.T) {
	host := startSandbox(t, "coda: 429 always retry-after 3600 on GET /api/console/scanSurface/scanners/")
	// Without a deadline, which the pause would not fit in.
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	client := coda.New(host, "")
	stream := client.ListScannersStream(ctx, coda.ListScannersParams{}, sallyport.OnWaiting(func(w sallyport.Waiting) {
		if w.Reason != "rate_limited" || w.ResumeAt.IsZero() {
			t.Errorf("%+v", w)
		}
		cancel()
	}))
	err := drained(stream)
	var failure *sallyport.Error
	if !errors.As(err, &failure) || !errors.Is(err, context.Canceled) || failure.Code != -32800 ||
		failure.FailureIndicator != "List Scanners failed." || failure.Outcome != sallyport.OutcomeNotApplied {
		t.Errorf("%#v", err)
	}
	if err := host.Request(testContext(t), "ping", nil, nil); err != nil {
		t.Error(err)
	}
}

func TestADeadlineIsKeptByTheHost(t *testing.T) {
	host := startSandbox(t, "coda: slow 60s")
	ctx, cancel := context.WithTimeout(testContext(t), 100*time.Millisecond)
	defer cancel()
	_, err := coda.New(host, "").ListTenants(ctx)
	var failure *sallyport.Error
	if !errors.As(err, &failure) || !errors.Is(err, context.DeadlineExceeded) || failure.FailureIndicator != "List Tenants failed." {
		t.Errorf("%#v", err)
	}
}

func TestTheContextOfAHostEndsIt(t *testing.T) {
	ctx, cancel := context.WithCancel(testContext(t))
	host, err := sallyport.Start(ctx, sallyport.Options{Sandbox: true, Args: []string{"--sandbox-fault", "coda: slow 60s"}})
	if err != nil {
		t.Fatal(err)
	}
	closeAfter(t, host)
	stream := coda.New(host, "").ListTenantsStream(testContext(t))
	cancel()
	// Its answer, or the end of a host that had not read it yet.
	if err := drained(stream); err == nil {
		t.Error("it went on")
	}
	<-host.Done()
}

func TestShutdownThatMayNotWaitCancels(t *testing.T) {
	host := startSandbox(t, "coda: slow 60s")
	stream := coda.New(host, "").ListTenantsStream(testContext(t))
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	// 3 where the host had begun the call: it was not finished.
	var exit *sallyport.ExitError
	if err := host.Shutdown(ctx); err != nil && (!errors.As(err, &exit) || exit.Code != 3) {
		t.Error(err)
	}
	if err := drained(stream); err == nil {
		t.Error("it went on")
	}
	if err := host.Request(testContext(t), "ping", nil, nil); err == nil {
		t.Error("a closed host was called")
	}
}

func TestWrongOptionsAreSaidAtTheStart(t *testing.T) {
	_, err := sallyport.Start(testContext(t), sallyport.Options{Args: []string{"--sandbx"}})
	var exit *sallyport.ExitError
	if !errors.As(err, &exit) || exit.Code != 2 || !strings.Contains(err.Error(), "--sandbx") {
		t.Errorf("%#v", err)
	}
}

func TestFilesGoThereAndBack(t *testing.T) {
	host := startSandbox(t)
	ctx := testContext(t)
	content := bytes.Repeat([]byte("0123456789abcdef"), 600<<10/16*16) // more than a chunk
	file, err := host.PutFile(ctx, sallyport.NewFile{Name: "big.bin", Content: content, Source: sallyport.FileArtifact})
	if err != nil || file.Size != int64(len(content)) || file.Source != sallyport.FileArtifact || file.Created.IsZero() {
		t.Fatal(file, err)
	}
	empty, err := host.PutFile(ctx, sallyport.NewFile{Name: "empty.txt"})
	if err != nil || empty.Size != 0 || empty.ContentType != "text/plain" {
		t.Fatal(empty, err)
	}
	path := filepath.Join(t.TempDir(), "named.csv")
	if err := os.WriteFile(path, []byte("a;b"), 0o600); err != nil {
		t.Fatal(err)
	}
	read, err := host.PutFile(ctx, sallyport.NewFile{Path: path})
	if err != nil || read.Size != 3 || read.Name != "named.csv" || read.ContentType != "text/csv" {
		t.Fatal(read, err)
	}
	if _, err := host.RemoveFile(ctx, read.ID); err != nil {
		t.Fatal(err)
	}
	var failed *sallyport.Error
	outside := map[string]any{"path": path, "source": "artifact_file"}
	if err := host.Request(ctx, "files/put", outside, nil); !errors.As(err, &failed) || failed.Kind != "policy" {
		t.Error("the host read a path:", err)
	}
	for _, want := range [][]byte{content, nil} {
		id := map[bool]string{true: file.ID, false: empty.ID}[want != nil]
		var got bytes.Buffer
		if count, err := host.CopyFile(ctx, &got, id); err != nil || count != int64(len(want)) || !bytes.Equal(got.Bytes(), want) {
			t.Errorf("%d bytes, not %d: %v", count, len(want), err)
		}
	}
	files, err := host.ListFiles(ctx)
	if err != nil || len(files) != 2 || files[1].ID != empty.ID {
		t.Error(files, err)
	}
	for _, want := range []bool{true, false} {
		if removed, err := host.RemoveFile(ctx, file.ID); err != nil || removed != want {
			t.Error(removed, err)
		}
	}
	var failure *sallyport.Error
	if _, err := host.CopyFile(ctx, &bytes.Buffer{}, file.ID); !errors.As(err, &failure) {
		t.Error(err)
	}
}

func TestHealthChangesAreTold(t *testing.T) {
	changes := make(chan sallyport.HealthChange, 10)
	host := startSandboxWith(t, sallyport.Options{OnHealth: func(change sallyport.HealthChange) { changes <- change }},
		"coda-auth: 401 always")
	ctx := testContext(t)
	if err := host.WatchHealth(ctx, "coda_sandbox", time.Hour, 1); err != nil {
		t.Fatal(err)
	}
	select {
	case change := <-changes:
		if change.Connection != "coda_sandbox" || change.Status != "unhealthy" || change.ConsecutiveFailures != 1 ||
			change.Error.Message != "Unauthorized." || change.Error.Kind != "auth" || change.CheckedAt.IsZero() {
			t.Errorf("%+v", change)
		}
	case <-ctx.Done():
		t.Error("no change was reported")
	}
	if err := host.UnwatchHealth(ctx, "coda_sandbox"); err != nil {
		t.Error(err)
	}
}

func TestAHandlerMayCloseTheHost(t *testing.T) {
	var host *sallyport.Host
	closed := make(chan error, 1)
	started := make(chan struct{})
	host = startSandboxWith(t, sallyport.Options{OnHealth: func(sallyport.HealthChange) {
		<-started
		closed <- host.Close()
	}})
	close(started)
	if err := host.WatchHealth(testContext(t), "coda_sandbox", time.Hour, 1); err != nil {
		t.Fatal(err)
	}
	if err := <-closed; err != nil {
		t.Error(err)
	}
}
