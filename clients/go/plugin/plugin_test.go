package plugin_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"sort"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"example.invalid/sallyport/plugin"
)

type settings struct {
	ServerURL plugin.URL    `json:"server_url"`
	APIKey    plugin.Secret `json:"api_key"`
	Region    string        `json:"region" default:"eu"`
}

type none struct{}

var background = context.Background()

// path answers by path.
func path(answers map[string]plugin.TestResponse) func(plugin.TestRequest) plugin.TestResponse {
	return func(request plugin.TestRequest) plugin.TestResponse {
		answer, ok := answers[request.Path]
		if !ok {
			answer.Status = 404
		}
		return answer
	}
}

func hosted(t *testing.T, p *plugin.Plugin, vendor func(plugin.TestRequest) plugin.TestResponse) *plugin.TestHost {
	host := p.Test(nil, vendor)
	t.Cleanup(host.Close)
	return host
}

func failure(t *testing.T, err error) *plugin.TestError {
	t.Helper()
	var failed *plugin.TestError
	if !errors.As(err, &failed) {
		t.Fatalf("got %v; expected a failure", err)
	}
	return failed
}

func same(t *testing.T, got any, expected string) {
	t.Helper()
	raw, err := json.Marshal(got)
	var one, other any
	if err != nil || json.Unmarshal(raw, &one) != nil || json.Unmarshal([]byte(expected), &other) != nil || !reflect.DeepEqual(one, other) {
		t.Errorf("got %s\nexpected %s", raw, expected)
	}
}

func TestRequestHasPlaceholdersPathsAndTexts(t *testing.T) {
	p := plugin.New("acme", plugin.Settings(settings{}))
	plugin.Command(p, "run", func(ctx context.Context, call *plugin.Call, in none) (any, error) {
		key := string(plugin.SettingsOf[settings](call).APIKey)
		return call.Do(ctx, plugin.Request{
			Method: "post", URL: "/a", Headers: map[string]string{"Authorization": "Bearer " + key}, User: "u", Password: "p",
			Query: map[string]any{"n": 1, "on": true, "off": nil, "many": []any{"a", 2}}, JSON: map[string]int{"x": 1},
		})
	})
	host := p.Test(map[string]any{"server_url": "https://acme.example/base/"}, path(map[string]plugin.TestResponse{
		"/base/a": {JSON: json.RawMessage(`{"price":1.50,"html":"<b>"}`)}}))
	defer host.Close()
	result, err := host.Call(background, "run", nil)
	if err != nil || string(result.RawData) != `{"price":1.50,"html":"<b>"}` {
		t.Fatal(string(result.RawData), err)
	}
	request := host.Requests()[0]
	same(t, request.Query, `{"n":"1","on":"true","many":["a","2"]}`)
	if request.URL != "https://acme.example/base/a" || request.Method != "POST" || request.User != "u" || request.Password != "p" ||
		request.Headers["Authorization"] != "Bearer {{secret:api_key}}" || string(request.JSON) != `{"x":1}` {
		t.Errorf("%+v", request)
	}
}

func TestFixedHeadersAreInEachRequestExceptSignIns(t *testing.T) {
	p := plugin.New("acme", plugin.Header("X-Key", "{{secret:api_key}}"), plugin.Header("X-Other", "a"))
	plugin.Command(p, "run", func(ctx context.Context, call *plugin.Call, in none) (any, error) {
		call.HTTP(ctx, plugin.Request{URL: "https://acme.example/", SignIn: true})
		return call.Do(ctx, plugin.Request{URL: "https://acme.example/", Headers: map[string]string{"X-Other": "b"}})
	})
	host := hosted(t, p, func(plugin.TestRequest) plugin.TestResponse { return plugin.TestResponse{JSON: 1} })
	if _, err := host.Call(background, "run", nil); err != nil {
		t.Fatal(err)
	}
	same(t, []any{host.Requests()[0].Headers, host.Requests()[1].Headers}, `[null,{"X-Key":"{{secret:api_key}}","X-Other":"b"}]`)
}

func TestFormKeepsPlaceholdersAndHeadersMergeInAnyCase(t *testing.T) {
	p := plugin.New("acme", plugin.Header("authorization", "a"))
	plugin.Command(p, "run", func(ctx context.Context, call *plugin.Call, in none) (any, error) {
		return call.Do(ctx, plugin.Request{
			Method: "POST", URL: "https://acme.example/", Headers: map[string]string{"Authorization": "b"},
			Form: map[string]string{"grant type": "a&b", "secret": "x {{secret:api_key}}=é"}})
	})
	host := hosted(t, p, func(plugin.TestRequest) plugin.TestResponse { return plugin.TestResponse{JSON: 1} })
	if _, err := host.Call(background, "run", nil); err != nil {
		t.Fatal(err)
	}
	request := host.Requests()[0]
	if string(request.Body) != "grant+type=a%26b&secret=x+{{secret:api_key}}%3D%C3%A9" {
		t.Error(string(request.Body))
	}
	same(t, request.Headers, `{"Authorization":"b","Content-Type":"application/x-www-form-urlencoded"}`)
}

func TestVendorsErrorBecomesTheTriple(t *testing.T) {
	p := plugin.New("acme", plugin.Settings(settings{}))
	plugin.Command(p, "get_device", func(ctx context.Context, call *plugin.Call, in none) (any, error) {
		return call.Get(ctx, "/a", nil)
	}, plugin.Read())
	for _, one := range []struct {
		answer  plugin.TestResponse
		kind    string
		message string
	}{
		{plugin.TestResponse{Status: 404, JSON: json.RawMessage(`{"error":{"message":"No device"}}`)}, "not_found", "No device"},
		{plugin.TestResponse{Status: 401, JSON: json.RawMessage(`{"error":"x","error_description":"Expired"}`)}, "auth", "Expired"},
		{plugin.TestResponse{Status: 403, Body: []byte("Go away\n")}, "permission", "Go away"},
		{plugin.TestResponse{Status: 429, Headers: map[string]string{"retry-after": "7"}}, "rate_limited", "Too Many Requests."},
		{plugin.TestResponse{Status: 500, JSON: json.RawMessage(`{"errors":[{"detail":"Full"}]}`)}, "upstream", "Full"},
		{plugin.TestResponse{Status: 200, Body: []byte("<html>")}, "upstream", "The vendor's response is not JSON."},
	} {
		host := p.Test(nil, func(plugin.TestRequest) plugin.TestResponse { return one.answer })
		_, err := host.Call(background, "get_device", nil)
		failed := failure(t, err)
		if failed.Kind != one.kind || failed.Message != one.message || failed.Outcome != "not_applied" ||
			failed.FailureIndicator != "Get Device failed." {
			t.Errorf("%+v; expected %s, %s", failed, one.kind, one.message)
		}
		if one.kind == "rate_limited" && (failed.RetryAfterMS != 7000 || !failed.Retryable) {
			t.Errorf("%+v", failed)
		}
		host.Close()
	}
}

type everything struct {
	Name  string   `json:"name" desc:"Part of the name." minLength:"1" maxLength:"3" pattern:"^[a-z]*$"`
	Page  int      `json:"page" minimum:"1" maximum:"9" default:"1"`
	Risk  string   `json:"risk,omitempty" enum:"low,high" examples:"low,high"`
	IDs   []string `json:"ids,omitempty" minItems:"1" maxItems:"2" source:"list_devices $[*].id"`
	Some  *bool    `json:"some"`
	Inner *struct {
		Depth float64 `json:"depth"`
	} `json:"inner"`
	hidden int
}

func TestSchemaOfAStruct(t *testing.T) {
	p := plugin.New("acme")
	plugin.Command(p, "run", func(ctx context.Context, call *plugin.Call, in everything) (any, error) { return in, nil },
		plugin.Items("$.a.b[*]"), plugin.Pages(), plugin.Sensitive(), plugin.Destructive(), plugin.Permissions("P"),
		plugin.RateLimit(10, 1), plugin.ReadBack("get"), plugin.Describe("Runs."), plugin.CommandTitle("Run It"))
	var said struct {
		Integrations []struct {
			Commands []json.RawMessage `json:"commands"`
		} `json:"integrations"`
	}
	raw := exchange(t, p, `{"jsonrpc":"2.0","id":1,"method":"capabilities","params":{"integration":"acme"}}`)
	var response struct{ Result json.RawMessage }
	json.Unmarshal([]byte(raw), &response)
	if err := json.Unmarshal(response.Result, &said); err != nil {
		t.Fatal(raw)
	}
	same(t, said.Integrations[0].Commands[0], `{"id":"run","title":"Run It","description":"Runs.","effect":"destructive",
	"idempotent":false,"sensitive":true,"pages":true,"permissions":["P"],"items_path":"$.a.b[*]","read_back":"get",
	"rate_limit":{"requests":10,"per_seconds":1,"bucket":"default"},"failure_indicator":"Run It failed.","result":{},
	"parameters":{"type":"object","additionalProperties":false,"required":["name"],"properties":{
	"name":{"title":"Name","description":"Part of the name.","type":"string","minLength":1,"maxLength":3,"pattern":"^[a-z]*$"},
	"page":{"title":"Page","type":"integer","minimum":1,"maximum":9,"default":1},
	"risk":{"title":"Risk","type":"string","enum":["low","high"],"examples":["low","high"]},
	"ids":{"title":"IDs","type":"array","items":{"type":"string"},"minItems":1,"maxItems":2,
	"x-source":[{"command":"list_devices","path":"$[*].id"}]},
	"some":{"title":"Some","type":"boolean"},
	"inner":{"title":"Inner","type":"object","additionalProperties":false,"required":["depth"],
	"properties":{"depth":{"title":"Depth","type":"number"}}}}}}`)
}

// exchange is what a plugin writes for these lines.
func exchange(t *testing.T, p *plugin.Plugin, lines ...string) string {
	t.Helper()
	var out strings.Builder
	p.Serve(strings.NewReader(strings.Join(lines, "\n")), &out)
	return out.String()
}

func TestArgumentsAreReadWithDefaultsAndAllProblems(t *testing.T) {
	p := plugin.New("acme")
	plugin.Command(p, "run", func(ctx context.Context, call *plugin.Call, in everything) (any, error) { return in, nil })
	host := hosted(t, p, nil)
	result, err := host.Call(background, "run", map[string]any{"name": "a", "risk": nil, "inner": map[string]any{"depth": 1}})
	if err != nil {
		t.Fatal(err)
	}
	same(t, result.RawData, `{"name":"a","page":1,"some":null,"inner":{"depth":1}}`)
	_, err = host.Call(background, "run", map[string]any{
		"nam": 1, "page": 0, "risk": "hihg", "ids": []string{"a", "b", "c"}, "some": "x"})
	failed := failure(t, err)
	sort.Slice(failed.Problems, func(a, b int) bool { return failed.Problems[a].Path < failed.Problems[b].Path })
	same(t, failed.Problems, `[{"path":"/arguments/ids","message":"must have at most 2 elements"},
	{"path":"/arguments/nam","message":"unknown parameter","did_you_mean":"name"},{"path":"/arguments/name","message":"is missing"},
	{"path":"/arguments/page","message":"must be at least 1"},
	{"path":"/arguments/risk","message":"unknown value; expected one of: low, high"},
	{"path":"/arguments/some","message":"must be true or false"}]`)
	if failed.Code != -32602 || failed.Kind != "validation" || failed.Outcome != "not_applied" {
		t.Errorf("%+v", failed)
	}
	_, err = host.Call(background, "runn", nil)
	same(t, failure(t, err).Problems, `[{"path":"/command","message":"unknown command of acme","did_you_mean":"run"}]`)
}

func TestWrongDeclarationPanics(t *testing.T) {
	run := func(ctx context.Context, call *plugin.Call, in none) (any, error) { return nil, nil }
	for words, declare := range map[string]func(){
		"lower-case":           func() { plugin.New("Acme") },
		"begins with a letter": func() { plugin.Command(plugin.New("acme"), "1a", run) },
		"expected a path":      func() { plugin.Command(plugin.New("acme"), "a", run, plugin.Items("items")) },
		"declared twice":       func() { p := plugin.New("acme"); plugin.Command(p, "a", run); plugin.Command(p, "a", run) },
		"has no JSON Schema":   func() { plugin.New("acme", plugin.Settings(struct{ C chan int }{})) },
		"expected a struct":    func() { plugin.New("acme", plugin.Settings(7)) },
		"expected a number": func() {
			plugin.New("acme", plugin.Settings(struct {
				N int `json:"n" minimum:"one"`
			}{}))
		},
		`"x" is no int`: func() {
			plugin.New("acme", plugin.Settings(struct {
				N int `json:"n" default:"x"`
			}{}))
		},
	} {
		func() {
			defer func() {
				if said := fmt.Sprint(recover()); !strings.Contains(said, words) {
					t.Errorf("got %q; expected %q", said, words)
				}
			}()
			declare()
		}()
	}
}

func signingIn() *plugin.Plugin {
	signIn := func(ctx context.Context, call *plugin.Call) (string, error) {
		body, err := call.Do(ctx, plugin.Request{Method: "POST", URL: "/login", SignIn: true})
		var answer struct{ Token string }
		if err == nil {
			err = json.Unmarshal(body, &answer)
		}
		return answer.Token, err
	}
	p := plugin.New("acme", plugin.Settings(settings{}), plugin.Headers(
		func(ctx context.Context, call *plugin.Call) (map[string]string, error) {
			token, err := call.Token(ctx, "access", signIn)
			return map[string]string{"Authorization": "Bearer " + token}, err
		}))
	plugin.Command(p, "run", func(ctx context.Context, call *plugin.Call, in none) (any, error) {
		return call.Post(ctx, "/run", map[string]string{})
	})
	return p
}

func paths(host *plugin.TestHost) string {
	var made []string
	for _, one := range host.Requests() {
		made = append(made, one.Path)
	}
	return strings.Join(made, " ")
}

func TestTokenIsRequestedOnceAndAgainAfter401(t *testing.T) {
	var logins, runs atomic.Int64
	host := hosted(t, signingIn(), func(request plugin.TestRequest) plugin.TestResponse {
		if request.Path == "/login" {
			return plugin.TestResponse{JSON: map[string]string{"token": fmt.Sprint("t", logins.Add(1))}}
		}
		if runs.Add(1) == 3 {
			return plugin.TestResponse{Status: 401}
		}
		return plugin.TestResponse{JSON: 1}
	})
	for at := 0; at < 3; at++ {
		if _, err := host.Call(background, "run", nil); err != nil {
			t.Fatal(err)
		}
	}
	if paths(host) != "/login /run /run /run /login /run" || host.Secrets()["access"] != "t2" {
		t.Error(paths(host), host.Secrets())
	}
	if host.Requests()[1].Headers["Authorization"] != "Bearer {{secret:access}}" || len(host.Requests()[0].Headers) != 0 {
		t.Error(host.Requests())
	}
}

func TestSecond401IsTheError(t *testing.T) {
	host := hosted(t, signingIn(), path(map[string]plugin.TestResponse{
		"/login": {JSON: map[string]string{"token": "t"}}, "/run": {Status: 401}}))
	_, err := host.Call(background, "run", nil)
	if failed := failure(t, err); failed.Kind != "auth" || failed.Outcome != "not_applied" || paths(host) != "/login /run /login /run" {
		t.Errorf("%+v %s", failed, paths(host))
	}
}

func TestConcurrentCallsSignInOnce(t *testing.T) {
	host := hosted(t, signingIn(), path(map[string]plugin.TestResponse{
		"/login": {JSON: map[string]string{"token": "t"}}, "/run": {JSON: 1}}))
	var group sync.WaitGroup
	for at := 0; at < 16; at++ {
		group.Add(1)
		go func() {
			defer group.Done()
			if _, err := host.Call(background, "run", nil); err != nil {
				t.Error(err)
			}
		}()
	}
	group.Wait()
	if strings.Count(paths(host), "/login") != 1 {
		t.Error(paths(host))
	}
}

func TestDryRunOmitsTheSignIn(t *testing.T) {
	host := hosted(t, signingIn(), nil)
	requests, err := host.DryRun(background, "run", nil)
	if err != nil || len(requests) != 1 || requests[0].Path != "/run" || len(host.Secrets()) != 0 ||
		requests[0].Headers["Authorization"] != "Bearer [redacted]" {
		t.Error(requests, err)
	}
}

func TestDryRunEndsACommandThatLosesTheError(t *testing.T) {
	p := plugin.New("acme")
	plugin.Command(p, "run", func(ctx context.Context, call *plugin.Call, in none) (any, error) {
		call.Get(ctx, "https://acme.example/", nil)
		return "done", nil
	})
	host := hosted(t, p, nil)
	_, err := host.CallWith(background, "run", nil, map[string]any{"dry_run": true})
	if failed := failure(t, err); failed.Code != -32001 {
		t.Errorf("%+v", failed)
	}
}

type idsParams struct {
	IDs []string `json:"ids"`
}

func isolating() *plugin.Plugin {
	p := plugin.New("acme", plugin.Settings(settings{}))
	plugin.Command(p, "isolate", func(ctx context.Context, call *plugin.Call, in idsParams) (any, error) {
		return plugin.Targets(ctx, call, in.IDs, func(ctx context.Context, id string) (any, error) {
			return call.Post(ctx, "/"+id, map[string]string{})
		})
	}, plugin.PartialSuccess())
	return p
}

func TestTargets(t *testing.T) {
	host := hosted(t, isolating(), path(map[string]plugin.TestResponse{
		"/a": {JSON: map[string]int{"n": 1}}, "/b": {Status: 404}, "/c": {JSON: 3}, "/d": {Status: 500}}))
	result, err := host.Call(background, "isolate", idsParams{[]string{"a", "c", "a"}})
	if err != nil || result.ReturnData != "Successful" || string(result.RawData) != `[{"n":1},3]` || len(result.Targets) != 2 {
		t.Fatalf("%+v %v", result, err)
	}
	result, err = host.Call(background, "isolate", idsParams{[]string{"a", "b", "d"}})
	if err != nil || result.ReturnData != "Partially Successful" || string(result.RawData) != `[{"n":1}]` {
		t.Fatalf("%+v %v", result, err)
	}
	same(t, result.Targets[1], `{"target":"b","return_data":"Failed","error":{"failure_indicator":"Isolate failed.","status_code":404,
	"message":"Not Found.","kind":"not_found","retryable":false,"outcome":"not_applied"}}`)
	same(t, result.Targets[2].Error, `{"failure_indicator":"Isolate failed.","status_code":500,
	"message":"Internal Server Error.","kind":"upstream","retryable":true,"outcome":"unknown"}`)
	_, err = host.Call(background, "isolate", idsParams{[]string{"b", "d"}})
	if failed := failure(t, err); failed.Kind != "not_found" || failed.Outcome != "unknown" || len(failed.Targets) != 2 {
		t.Errorf("%+v", failed)
	}
	result, err = host.CallWith(background, "isolate", idsParams{[]string{"a"}}, map[string]any{"stream": true})
	if err != nil || result.RawData != nil {
		t.Fatal(result, err)
	}
	same(t, result.Items, `[{"target":"a","return_data":"Successful","data":{"n":1}}]`)
	requests, err := host.DryRun(background, "isolate", idsParams{[]string{"a", "b", "a", "c"}})
	if err != nil || len(requests) != 3 || requests[2].Path != "/c" {
		t.Error(requests, err)
	}
}

func TestRefusedCredentialsStopTheRest(t *testing.T) {
	host := hosted(t, isolating(), func(plugin.TestRequest) plugin.TestResponse { return plugin.TestResponse{Status: 401} })
	var ids []string
	for at := 0; at < 50; at++ {
		ids = append(ids, fmt.Sprint(at))
	}
	_, err := host.Call(background, "isolate", idsParams{ids})
	failed := failure(t, err)
	if failed.Kind != "auth" || len(failed.Targets) != 50 || len(host.Requests()) > 16 || failed.Outcome != "not_applied" {
		t.Errorf("%d requests, %d targets, %s", len(host.Requests()), len(failed.Targets), failed.Outcome)
	}
}

func TestItemsEventsAndFiles(t *testing.T) {
	p := plugin.New("acme")
	plugin.Command(p, "pages", func(ctx context.Context, call *plugin.Call, in none) (any, error) {
		call.Progress(1, 2)
		call.Notice("first page")
		if err := call.Items(1, 2); err != nil {
			return nil, err
		}
		if call.AllPages() {
			call.Items(3)
		}
		return json.RawMessage(`{"data":{"items":[1,2],"total":1.0}}`), nil
	}, plugin.Read(), plugin.Items("$.data.items[*]"), plugin.Pages())
	plugin.Command(p, "whole", func(ctx context.Context, call *plugin.Call, in none) (any, error) {
		return json.RawMessage(`[1,2]`), nil
	}, plugin.Read(), plugin.Items("$[*]"))
	plugin.Command(p, "fetch", func(ctx context.Context, call *plugin.Call, in none) (any, error) {
		document := json.RawMessage(`{"id":7,"device":{"name":"pc"}}`)
		return plugin.Result{Body: []json.RawMessage{document}, Events: []plugin.Event{call.Event(document)}, Cursor: "c"}, nil
	}, plugin.Events(plugin.EventField{Name: "Key", Path: "$.id"}, plugin.EventField{Name: "Host", Path: "$.device.name"},
		plugin.EventField{Name: "None", Path: "$.a.b"}, plugin.EventField{Name: "Type", Value: "Alert"}))
	plugin.Command(p, "copy", func(ctx context.Context, call *plugin.Call, in none) (any, error) {
		reference, err := call.FilePut(ctx, "a.bin", make([]byte, 2_500_000), "")
		if err != nil {
			return nil, err
		}
		content, err := call.FileGet(ctx, reference.FileID)
		return len(content), err
	})
	host := hosted(t, p, nil)
	for _, one := range []struct {
		command string
		options map[string]any
		raw     string
		items   string
		notices int
	}{
		{"pages", nil, `{"data":{"items":[1,2],"total":1.0}}`, `null`, 1},
		{"pages", map[string]any{"all_pages": true}, `{"data":{"items":[1,2,3],"total":1.0}}`, `null`, 1},
		{"pages", map[string]any{"stream": true, "all_pages": true}, "", `[1,2,3]`, 1},
		{"whole", map[string]any{"stream": true}, "", `[1,2]`, 0},
		{"copy", nil, "2500000", `null`, 0},
	} {
		result, err := host.CallWith(background, one.command, nil, one.options)
		if err != nil || string(result.RawData) != one.raw || len(result.Notices) != one.notices {
			t.Errorf("%s %v: %s %v", one.command, one.options, result.RawData, err)
		}
		same(t, result.Items, one.items)
		if one.command == "copy" && (len(result.Files) != 1 || result.Files[0].Name != "a.bin") {
			t.Error(result.Files)
		}
	}
	result, err := host.Call(background, "fetch", nil)
	if err != nil || result.Cursor != "c" {
		t.Fatal(result, err)
	}
	same(t, result.Events, `[{"fields":{"Key":7,"Host":"pc","Type":"Alert"},"raw":{"id":7,"device":{"name":"pc"}}}]`)
}

func TestCancelledCallEnds(t *testing.T) {
	p := plugin.New("acme", plugin.Settings(settings{}))
	plugin.Command(p, "run", func(ctx context.Context, call *plugin.Call, in none) (any, error) {
		return call.Post(ctx, "/a", 1)
	})
	started, release := make(chan struct{}), make(chan struct{})
	host := hosted(t, p, func(plugin.TestRequest) plugin.TestResponse {
		close(started)
		<-release
		return plugin.TestResponse{}
	})
	ctx, cancel := context.WithCancel(background)
	go func() {
		<-started
		cancel()
	}()
	_, err := host.Call(ctx, "run", nil)
	close(release)
	if failed := failure(t, err); failed.Code != -32800 || failed.Kind != "cancelled" || failed.Outcome != "unknown" {
		t.Errorf("%+v", failed)
	}
}

func TestDeadlineIsTheContexts(t *testing.T) {
	p := plugin.New("acme")
	plugin.Command(p, "run", func(ctx context.Context, call *plugin.Call, in none) (any, error) {
		<-ctx.Done()
		return nil, ctx.Err()
	}, plugin.Read())
	host := hosted(t, p, nil)
	_, err := host.CallWith(background, "run", nil, map[string]any{"timeout_ms": 1})
	if failed := failure(t, err); failed.Kind != "timeout" || failed.StatusCode != 504 || failed.Outcome != "not_applied" {
		t.Errorf("%+v", failed)
	}
}

func TestBugsAreInternalErrors(t *testing.T) {
	p := plugin.New("acme")
	plugin.Command(p, "panics", func(ctx context.Context, call *plugin.Call, in none) (any, error) { panic("oh") })
	plugin.Command(p, "returns_a_channel", func(ctx context.Context, call *plugin.Call, in none) (any, error) {
		return make(chan int), nil
	})
	plugin.Command(p, "fails", func(ctx context.Context, call *plugin.Call, in none) (any, error) {
		return nil, fmt.Errorf("wrapped: %w", &plugin.Error{Message: "No.", StatusCode: 404, Remedy: "Look."})
	})
	host := hosted(t, p, nil)
	for command, kind := range map[string]string{"panics": "internal", "returns_a_channel": "internal", "fails": "not_found"} {
		_, err := host.Call(background, command, nil)
		if failed := failure(t, err); failed.Kind != kind {
			t.Errorf("%s: %+v", command, failed)
		}
	}
}

func TestMalformedLines(t *testing.T) {
	p := plugin.New("acme")
	for line, code := range map[string]string{
		`{`: "-32700", "\xff": "-32700", `7`: "-32600", `[]`: "-32600", `{"id":1}`: "-32600", `{"id":[1],"method":"ping"}`: "-32600",
		`{"id":1,"method":7}`: "-32600", `{"id":1,"method":"ping","params":[]}`: "-32602", `{"id":1,"method":"nothing"}`: "-32601",
		`{"id":1,"method":"invoke"}`:                                    "-32602",
		`{"id":1,"method":"invoke","params":{"command":7}}`:             "-32602",
		`{"id":1,"method":"invoke","params":{"integration":"b"}}`:       "-32602",
		`{"id":1,"method":"capabilities","params":{"integration":"b"}}`: "-32602",
		strings.Repeat("[", 100_000):                                    "-32700",
	} {
		said := exchange(t, p, line, `{"jsonrpc":"2.0","id":"p","method":"ping"}`)
		if lines := strings.Split(strings.TrimSpace(said), "\n"); len(lines) != 2 || !strings.Contains(lines[0], `"code":`+code) {
			t.Errorf("%.40q: got %.300s", line, said)
		}
	}
	said := exchange(t, p, "", " \r", `{"method":"nothing"}`, `{"method":"invoke"}`, `{"id":9,"result":1}`, `{"id":"x","error":{}}`,
		`{"method":"cancel","params":{"id":[1]}}`, `{"jsonrpc":"2.0","id":1.50,"method":"cancel","params":{"id":7}}`)
	if said != `{"jsonrpc":"2.0","id":1.50,"result":{"cancelled":false}}`+"\n" {
		t.Error(said)
	}
}

func TestAtEOFCallsInFlightGetAResponse(t *testing.T) {
	p := plugin.New("acme", plugin.Settings(settings{}))
	plugin.Command(p, "run", func(ctx context.Context, call *plugin.Call, in none) (any, error) {
		return call.Post(ctx, "https://acme.example/", 1)
	})
	said := exchange(t, p, `{"jsonrpc":"2.0","id":1,"method":"invoke","params":{"command":"run","connection":{"settings":{"server_url":"https://a","api_key":"k"}}}}`)
	if !strings.Contains(said, `"kind":"unavailable"`) {
		t.Error(said)
	}
}

func TestTenThousandPipelinedCalls(t *testing.T) {
	p := plugin.New("acme")
	plugin.Command(p, "echo", func(ctx context.Context, call *plugin.Call, in struct {
		N int `json:"n"`
	}) (any, error) {
		return in.N, nil
	})
	var lines []string
	for at := 0; at < 10_000; at++ {
		lines = append(lines, fmt.Sprintf(`{"jsonrpc":"2.0","id":%d,"method":"invoke","params":{"command":"echo","arguments":{"n":%d},"options":{"timeout_ms":60000}}}`, at, at))
	}
	seen := map[string]bool{}
	for _, line := range strings.Split(strings.TrimSpace(exchange(t, p, lines...)), "\n") {
		var read struct {
			ID     int
			Result struct {
				RawData int `json:"raw_data"`
			}
		}
		if json.Unmarshal([]byte(line), &read) != nil || read.ID != read.Result.RawData || seen[fmt.Sprint(read.ID)] {
			t.Fatal(line)
		}
		seen[fmt.Sprint(read.ID)] = true
	}
	if len(seen) != 10_000 {
		t.Error(len(seen))
	}
}

func BenchmarkPipelinedCalls(b *testing.B) {
	p := plugin.New("acme")
	plugin.Command(p, "echo", func(ctx context.Context, call *plugin.Call, in struct {
		N int `json:"n"`
	}) (any, error) {
		return in.N, nil
	})
	var in, out strings.Builder
	for at := 0; at < b.N; at++ {
		fmt.Fprintf(&in, `{"jsonrpc":"2.0","id":%d,"method":"invoke","params":{"command":"echo","arguments":{"n":%d},"options":{"timeout_ms":60000}}}`+"\n", at, at)
	}
	b.ResetTimer()
	p.Serve(strings.NewReader(in.String()), &out)
}
