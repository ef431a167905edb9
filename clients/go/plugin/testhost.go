package plugin

import (
	"bufio"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"sync"
)

// TestHost runs commands of a plugin against a fake vendor, without a process. The plugin's own
// connection to the host is used, over pipes.
type TestHost struct {
	plugin   *Plugin
	settings map[string]any
	vendor   func(TestRequest) TestResponse
	out      io.WriteCloser
	ended    chan struct{}

	mu       sync.Mutex
	lastID   uint64
	waiters  map[uint64]chan message
	dry      map[uint64]bool
	items    map[uint64][]json.RawMessage
	requests []TestRequest
	secrets  map[string]string
	files    map[string][]byte
	logs     []string
}

// TestRequest is a request to the vendor as the plugin made it: with placeholders, not with secrets.
type TestRequest struct {
	Method, URL, Path string
	Query             map[string]any
	Headers           map[string]string
	JSON              json.RawMessage
	Body              []byte
	User, Password    string
	SignIn            bool
}

// TestResponse is the fake vendor's response. A status of 0 is 200. JSON counts if it is not nil, otherwise Body.
type TestResponse struct {
	Status  int
	Headers map[string]string
	JSON    any
	Body    []byte
}

// TestResult is the result of a command.
type TestResult struct {
	ReturnData string            `json:"return_data"`
	RawData    json.RawMessage   `json:"raw_data"`
	Targets    []Target          `json:"targets"`
	Files      []FileReference   `json:"files"`
	Events     []Event           `json:"events"`
	Cursor     string            `json:"cursor"`
	Notices    []string          `json:"notices"`
	Items      []json.RawMessage `json:"-"`
}

// TestError is the failure of a command, as callers see it.
type TestError struct {
	Code             int
	FailureIndicator string    `json:"failure_indicator"`
	StatusCode       int       `json:"status_code"`
	Message          string    `json:"message"`
	Kind             string    `json:"kind"`
	Retryable        bool      `json:"retryable"`
	RetryAfterMS     int64     `json:"retry_after_ms"`
	Outcome          string    `json:"outcome"`
	Remedy           string    `json:"remedy"`
	Problems         []Problem `json:"problems"`
	Targets          []Target  `json:"targets"`
}

func (e *TestError) Error() string {
	return fmt.Sprintf("%s %d %s", e.FailureIndicator, e.StatusCode, e.Message)
}

// Test starts a host for tests. Settings that are missing have values: secrets have placeholders, URLs
// are https://vendor.example. Close ends it.
func (p *Plugin) Test(settings map[string]any, vendor func(TestRequest) TestResponse) *TestHost {
	fromHost, toPlugin := io.Pipe()
	fromPlugin, toHost := io.Pipe()
	host := &TestHost{
		plugin: p, settings: p.testSettings(settings), vendor: vendor, out: toPlugin, ended: make(chan struct{}),
		waiters: map[uint64]chan message{}, dry: map[uint64]bool{}, items: map[uint64][]json.RawMessage{},
		secrets: map[string]string{}, files: map[string][]byte{}}
	go func() {
		p.Serve(fromHost, toHost)
		toHost.Close()
	}()
	go host.read(fromPlugin)
	return host
}

func (p *Plugin) testSettings(given map[string]any) map[string]any {
	made := map[string]any{}
	for name, value := range given {
		made[name] = value
	}
	for _, one := range p.settings.fields {
		switch _, ok := made[one.name]; {
		case one.schema["writeOnly"] == true:
			made[one.name] = placeholder(one.name)
		case ok || !one.required:
		case one.schema["format"] == "uri":
			made[one.name] = "https://vendor.example"
		case one.schema["type"] == "string":
			made[one.name] = "test"
		}
	}
	return made
}

// Close ends the plugin.
func (h *TestHost) Close() {
	h.out.Close()
	<-h.ended
}

// Requests returns all requests to the vendor.
func (h *TestHost) Requests() []TestRequest {
	h.mu.Lock()
	defer h.mu.Unlock()
	return append([]TestRequest(nil), h.requests...)
}

// Secrets returns what the plugin registered, by name.
func (h *TestHost) Secrets() map[string]string {
	h.mu.Lock()
	defer h.mu.Unlock()
	made := map[string]string{}
	for name, value := range h.secrets {
		made[name] = value
	}
	return made
}

// File returns the content of a stored file.
func (h *TestHost) File(id string) []byte {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.files[id]
}

// Call runs a command. A failure is a *TestError.
func (h *TestHost) Call(ctx context.Context, command string, arguments any) (*TestResult, error) {
	return h.CallWith(ctx, command, arguments, nil)
}

// DryRun returns the requests that a dry run records.
func (h *TestHost) DryRun(ctx context.Context, command string, arguments any) ([]TestRequest, error) {
	before := len(h.Requests())
	_, err := h.CallWith(ctx, command, arguments, map[string]any{"dry_run": true})
	if failed, ok := err.(*TestError); ok && failed.Code == dryRunCode {
		err = nil
	}
	var made []TestRequest
	for _, one := range h.Requests()[before:] {
		if !one.SignIn {
			made = append(made, one)
		}
	}
	return made, err
}

// CallWith is Call with options of an invoke, such as "all_pages" and "stream".
func (h *TestHost) CallWith(ctx context.Context, command string, arguments any, options map[string]any) (*TestResult, error) {
	if arguments == nil {
		arguments = struct{}{}
	}
	h.mu.Lock()
	h.lastID++
	id := h.lastID
	waiter := make(chan message, 1)
	h.waiters[id] = waiter
	h.dry[id] = options["dry_run"] == true
	h.mu.Unlock()
	err := h.write(map[string]any{"jsonrpc": "2.0", "id": id, "method": "invoke", "params": map[string]any{
		"integration": h.plugin.id, "command": command, "arguments": arguments, "options": options,
		"connection": map[string]any{"integration": h.plugin.id, "settings": h.settings}}})
	if err != nil {
		return nil, err
	}
	select {
	case answer := <-waiter:
		return h.result(id, answer)
	case <-ctx.Done():
		h.write(map[string]any{"jsonrpc": "2.0", "method": "cancel", "params": map[string]any{"id": id}})
		return h.result(id, <-waiter)
	}
}

func (h *TestHost) result(id uint64, answer message) (*TestResult, error) {
	if answer.Error != nil {
		var failed struct {
			Code int        `json:"code"`
			Data *TestError `json:"data"`
		}
		failed.Data = &TestError{}
		if err := json.Unmarshal(answer.Error, &failed); err != nil {
			return nil, err
		}
		failed.Data.Code = failed.Code
		return nil, failed.Data
	}
	made := &TestResult{}
	err := json.Unmarshal(answer.Result, made)
	h.mu.Lock()
	made.Items = h.items[id]
	h.mu.Unlock()
	return made, err
}

func (h *TestHost) write(value any) error {
	raw, err := encode(value)
	if err == nil {
		_, err = h.out.Write(append(raw, '\n'))
	}
	return err
}

func (h *TestHost) read(in io.Reader) {
	defer close(h.ended)
	reader := bufio.NewReader(in)
	for {
		line, err := reader.ReadBytes('\n')
		var read message
		if err != nil || json.Unmarshal(line, &read) != nil {
			return
		}
		switch {
		case read.Method == nil:
			id, _ := strconv.ParseUint(string(read.ID), 10, 64)
			h.mu.Lock()
			waiter := h.waiters[id]
			delete(h.waiters, id)
			h.mu.Unlock()
			waiter <- read
		case *read.Method == "invoke/item":
			var params struct {
				ID   uint64          `json:"id"`
				Item json.RawMessage `json:"item"`
			}
			json.Unmarshal(read.Params, &params)
			h.mu.Lock()
			h.items[params.ID] = append(h.items[params.ID], params.Item)
			h.mu.Unlock()
		case read.ID != nil:
			go h.answer(read)
		}
	}
}

// answer responds to a request of the plugin.
func (h *TestHost) answer(asked message) {
	result, failed := h.resultOf(*asked.Method, asked.Params)
	response := map[string]any{"jsonrpc": "2.0", "id": asked.ID}
	if failed != nil {
		response["error"] = failed
	} else {
		response["result"] = result
	}
	h.write(response)
}

func (h *TestHost) resultOf(method string, raw json.RawMessage) (any, *wireError) {
	var params struct {
		Invocation uint64            `json:"invocation"`
		Method     string            `json:"method"`
		URL        string            `json:"url"`
		Query      map[string]any    `json:"query"`
		Headers    map[string]string `json:"headers"`
		JSON       json.RawMessage   `json:"json"`
		Text       string            `json:"body"`
		Body       []byte            `json:"body_base64"`
		Basic      map[string]string `json:"basic"`
		SignIn     bool              `json:"sign_in"`
		Name       string            `json:"name"`
		Value      string            `json:"value"`
		Content    []byte            `json:"content_base64"`
		Type       string            `json:"content_type"`
		FileID     string            `json:"file_id"`
		Offset     int               `json:"offset"`
		Length     int               `json:"length"`
		Message    string            `json:"message"`
	}
	json.Unmarshal(raw, &params)
	switch method {
	case "host/http":
		made := TestRequest{
			Method: params.Method, URL: params.URL, Query: params.Query, Headers: params.Headers, JSON: params.JSON,
			Body: params.Body, User: params.Basic["user"], Password: params.Basic["password"], SignIn: params.SignIn}
		if params.Text != "" {
			made.Body = []byte(params.Text)
		}
		if parsed, err := url.Parse(params.URL); err == nil {
			made.Path = parsed.Path
		}
		return h.http(made, params.Invocation)
	case "host/secret":
		h.mu.Lock()
		defer h.mu.Unlock()
		h.secrets[params.Name] = params.Value
	case "host/file_put":
		h.mu.Lock()
		defer h.mu.Unlock()
		id := "file-" + strconv.Itoa(len(h.files)+1)
		h.files[id] = params.Content
		return FileReference{FileID: id, Name: params.Name, Size: int64(len(params.Content)), ContentType: params.Type}, nil
	case "host/file_get":
		content := h.File(params.FileID)
		if params.Offset > len(content) {
			params.Offset = len(content)
		}
		end := params.Offset + params.Length
		if end > len(content) {
			end = len(content)
		}
		piece := base64.StdEncoding.EncodeToString(content[params.Offset:end])
		return map[string]any{"content_base64": piece, "eof": end == len(content)}, nil
	case "host/log":
		h.mu.Lock()
		defer h.mu.Unlock()
		h.logs = append(h.logs, params.Message)
	}
	return struct{}{}, nil
}

func (h *TestHost) http(made TestRequest, invocation uint64) (any, *wireError) {
	h.mu.Lock()
	h.requests = append(h.requests, made)
	isDry := h.dry[invocation]
	h.mu.Unlock()
	switch {
	case isDry && made.SignIn:
		return map[string]any{"status": 200, "headers": map[string]string{}, "json": struct{}{}}, nil
	case isDry:
		return nil, &wireError{Code: dryRunCode, Message: "Dry run."}
	}
	response := h.vendor(made)
	if response.Status == 0 {
		response.Status = http.StatusOK
	}
	wire := map[string]any{"status": response.Status, "headers": response.Headers}
	if response.JSON != nil {
		wire["json"] = response.JSON
	} else {
		wire["body_base64"] = response.Body
	}
	return wire, nil
}
