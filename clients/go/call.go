package sallyport

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"
)

// Call is one command to run.
type Call struct {
	Integration, Command string
	// Connection is a name in the connections file. It may be empty if exactly one active
	// connection of the integration exists.
	Connection string
	// Inline is a connection object instead of a named one: JSON, or a value that encoding/json
	// encodes as one.
	Inline any
	// Arguments is a JSON object, or a value that encoding/json encodes as one: a struct of a
	// generated package, a map, a json.RawMessage.
	Arguments any

	// AllPages reads all pages.
	AllPages bool
	// DryRun validates the call and returns the requests that would be sent in
	// [Result.PlannedRequests].
	DryRun bool
	// IdempotencyKey makes the host run the call once for all calls with this key.
	IdempotencyKey string
	// FieldMapping is for commands that fetch events.
	FieldMapping any
	// Label is a text for the audit file and the log, such as a ticket; 64 characters at most. Empty
	// for [Options.Label].
	Label string
	// Traceparent is the parent span, as in W3C Trace Context. Empty for that of the context; see
	// [WithTraceparent].
	Traceparent string

	// OnProgress is called with the progress of the command, OnWaiting when a stream waits. The
	// goroutine that invokes or reads the stream calls both.
	OnProgress func(Progress)
	OnWaiting  func(Waiting)
}

// Progress is the number of finished pages or targets.
type Progress struct {
	Done  int `json:"done"`
	Total int `json:"total"`
}

// Waiting is a wait of the host, such as for a rate limit.
type Waiting struct {
	Reason   string    `json:"reason"`
	ResumeAt time.Time `json:"resume_at"`
}

// Option changes a call. The calls of generated packages accept options.
type Option func(*Call)

// AllPages is [Call.AllPages].
func AllPages() Option { return func(c *Call) { c.AllPages = true } }

// DryRun is [Call.DryRun].
func DryRun() Option { return func(c *Call) { c.DryRun = true } }

// IdempotencyKey is [Call.IdempotencyKey].
func IdempotencyKey(key string) Option { return func(c *Call) { c.IdempotencyKey = key } }

// Label is [Call.Label].
func Label(text string) Option { return func(c *Call) { c.Label = text } }

// Traceparent is [Call.Traceparent].
func Traceparent(value string) Option { return func(c *Call) { c.Traceparent = value } }

// OnProgress is [Call.OnProgress].
func OnProgress(handler func(Progress)) Option { return func(c *Call) { c.OnProgress = handler } }

// OnWaiting is [Call.OnWaiting].
func OnWaiting(handler func(Waiting)) Option { return func(c *Call) { c.OnWaiting = handler } }

// With returns the call with these options.
func (c Call) With(options ...Option) Call {
	for _, option := range options {
		option(&c)
	}
	return c
}

// Ptr returns a pointer to a value, for optional parameters: nil is omitted, a pointer to the zero
// value is sent.
func Ptr[T any](value T) *T { return &value }

// Invoke runs a command and waits for its result.
//
// The error is an [*Error] if the host returned one, an [*ExitError] if the host exited, and
// [ErrClosed] on a host that was closed before. A result that arrives after ctx has ended is
// returned as a result.
func (h *Host) Invoke(ctx context.Context, call Call) (*Result, error) {
	if call.OnProgress != nil {
		stream := h.begin(ctx, call, false)
		defer stream.Close()
		for stream.Next() {
		}
		return stream.Result(), stream.Err()
	}
	call = h.traced(ctx, call)
	body, err := call.body(false)
	if err != nil {
		return nil, err
	}
	h.flow.begin()
	defer h.flow.end()
	sent := requests.Get().(*pending)
	if err := h.send(ctx, sent, body, true); err != nil {
		return nil, call.named(err)
	}
	return call.result(h.wait(ctx, sent))
}

// Request sends a request of a method other than invoke, such as "limits", and decodes its result
// into result, unless that is nil. Its errors are those of Invoke.
func (h *Host) Request(ctx context.Context, method string, params, result any) error {
	name, err := json.Marshal(method)
	if err != nil {
		return err
	}
	body := append(newLine(), `{"jsonrpc":"2.0","method":`...)
	body = append(body, name...)
	if params != nil {
		encoded, err := json.Marshal(params)
		if err != nil {
			return fmt.Errorf("sallyport: params of %s: %w", method, err)
		}
		body = append(append(body, `,"params":`...), encoded...)
	}
	h.flow.begin()
	defer h.flow.end()
	sent := requests.Get().(*pending)
	if err := h.send(ctx, sent, body, false); err != nil {
		return err
	}
	payload, err := h.wait(ctx, sent).content()
	if err != nil || result == nil {
		return err
	}
	return decode(payload, result)
}

// content is the result of a response, or its error.
func (m message) content() ([]byte, error) {
	switch {
	case m.failure != nil:
		return nil, m.failure
	case m.kind == errorMessage:
		return nil, errorFromWire(m.payload)
	}
	return m.payload, nil
}

// result decodes a response into the result or error of a call.
func (c *Call) result(answer message) (*Result, error) {
	payload, err := answer.content()
	if err != nil {
		return nil, c.named(err)
	}
	result := new(Result)
	if err := json.Unmarshal(payload, result); err != nil {
		return nil, c.named(protocolError("an invalid result: " + err.Error()))
	}
	return result, nil
}

// named adds the names of the command to an error.
func (c *Call) named(err error) error {
	var failure *Error
	if errors.As(err, &failure) {
		failure.Integration, failure.Command = c.Integration, c.Command
	}
	return err
}

// body encodes an invoke up to its deadline.
func (c *Call) body(stream bool) ([]byte, error) {
	body, err := c.head("invoke")
	if err != nil {
		return nil, err
	}
	return c.appendOptions(append(body, `,"options":{`...), stream)
}

// head encodes a request up to its options.
func (c *Call) head(method string) ([]byte, error) {
	body := append(append(append(newLine(), `{"jsonrpc":"2.0","method":"`...), method...), `","params":{"integration":`...)
	body = appendString(body, c.Integration)
	body = append(body, `,"command":`...)
	body = appendString(body, c.Command)
	var err error
	if c.Inline != nil {
		if body, err = appendValue(body, "connection", c.Inline); err != nil {
			return nil, err
		}
	} else if c.Connection != "" {
		body = appendString(append(body, `,"connection":`...), c.Connection)
	}
	if c.Arguments != nil {
		return appendValue(body, "arguments", c.Arguments)
	}
	return body, nil
}

func (c *Call) appendOptions(body []byte, stream bool) ([]byte, error) {
	start := len(body)
	for _, option := range []struct {
		isSet bool
		text  string
	}{
		{stream, `,"stream":true`},
		{!stream && c.OnProgress != nil, `,"progress":true`},
		{c.AllPages, `,"all_pages":true`},
		{c.DryRun, `,"dry_run":true`},
	} {
		if option.isSet {
			body = append(body, option.text...)
		}
	}
	for _, option := range []struct{ name, value string }{
		{`,"idempotency_key":`, c.IdempotencyKey}, {`,"label":`, c.Label}, {`,"traceparent":`, c.Traceparent},
	} {
		if option.value != "" {
			body = appendString(append(body, option.name...), option.value)
		}
	}
	if c.FieldMapping != nil {
		var err error
		if body, err = appendValue(body, "field_mapping", c.FieldMapping); err != nil {
			return nil, err
		}
	}
	if len(body) > start {
		// The first one has no comma before it.
		body = append(body[:start], body[start+1:]...)
	}
	return body, nil
}

func appendValue(body []byte, name string, value any) ([]byte, error) {
	encoded, err := json.Marshal(value)
	if err != nil {
		return nil, fmt.Errorf("sallyport: %s: %w", name, err)
	}
	body = append(append(append(body, `,"`...), name...), `":`...)
	return append(body, encoded...), nil
}

// appendString appends a JSON string; names of this protocol need no escapes.
func appendString(body []byte, text string) []byte {
	if isPlain(text) {
		return append(append(append(body, '"'), text...), '"')
	}
	encoded, _ := json.Marshal(text) // a string always has a JSON encoding
	return append(body, encoded...)
}

func isPlain(text string) bool {
	return strings.IndexFunc(text, func(r rune) bool {
		return r < ' ' || r == '"' || r == '\\' || r > '~'
	}) < 0
}
