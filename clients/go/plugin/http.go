package plugin

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"
	"reflect"
	"regexp"
	"sort"
	"strconv"
	"strings"
)

// Request is a request to the vendor.
type Request struct {
	// Method is GET if it is empty.
	Method string
	// URL is absolute, or a path below the URL setting of the connection.
	URL string
	// Query has text, numbers, booleans, or slices of them. nil is left out.
	Query   map[string]any
	Headers map[string]string
	// JSON is the body, unless it is nil.
	JSON any
	// Form is the body as a form (application/x-www-form-urlencoded) if JSON is nil.
	Form map[string]string
	// Body is the body if JSON and Form are nil.
	Body []byte
	// User and Password make the header Authorization.
	User, Password string
	// SignIn says that the request only signs in. Dry runs omit it: the response is then an empty object.
	SignIn bool
}

// Response is the vendor's response.
type Response struct {
	Status int
	// Headers have canonical names, such as Content-Type.
	Headers map[string]string
	// JSON is the body if it is JSON.
	JSON json.RawMessage
	// Body is the body, also if it is JSON.
	Body []byte
}

type wireRequest struct {
	Invocation json.RawMessage   `json:"invocation"`
	Method     string            `json:"method"`
	URL        string            `json:"url"`
	Query      map[string]any    `json:"query,omitempty"`
	Headers    map[string]string `json:"headers,omitempty"`
	JSON       any               `json:"json,omitempty"`
	Text       string            `json:"body,omitempty"`
	Body       string            `json:"body_base64,omitempty"`
	Basic      map[string]string `json:"basic,omitempty"`
	SignIn     bool              `json:"sign_in,omitempty"`
}

// HTTP sends a request through the host and returns the response, whatever its status is. An
// error means that there is no response. If a token of Call.Token is refused (401), it signs in once more.
func (c *Call) HTTP(ctx context.Context, request Request) (*Response, error) {
	for attempt := 0; ; attempt++ {
		wire, err := c.wireRequest(ctx, request)
		if err != nil {
			return nil, err
		}
		response, err := c.send(ctx, wire)
		if err != nil {
			return nil, err
		}
		if attempt > 0 || request.SignIn || response.Status != 401 || !c.forgetTokens() {
			return response, nil
		}
	}
}

// Do is HTTP for a request whose response is JSON: it returns the body, or the vendor's error.
func (c *Call) Do(ctx context.Context, request Request) (json.RawMessage, error) {
	response, err := c.HTTP(ctx, request)
	if err != nil {
		return nil, err
	}
	if err := response.Err(); err != nil {
		return nil, err
	}
	if response.JSON == nil && len(response.Body) > 0 {
		text := response.Body
		if len(text) > 500 {
			text = text[:500]
		}
		upstream, _ := json.Marshal(string(text))
		no := false
		return nil, &Error{Message: "The vendor's response is not JSON.", StatusCode: 502, Retryable: &no, Upstream: upstream}
	}
	return response.JSON, nil
}

// Get is Do with GET.
func (c *Call) Get(ctx context.Context, address string, query map[string]any) (json.RawMessage, error) {
	return c.Do(ctx, Request{URL: address, Query: query})
}

// Post is Do with POST.
func (c *Call) Post(ctx context.Context, address string, body any) (json.RawMessage, error) {
	return c.Do(ctx, Request{Method: "POST", URL: address, JSON: body})
}

func (c *Call) wireRequest(ctx context.Context, request Request) (*wireRequest, error) {
	wire := &wireRequest{
		Invocation: c.id, Method: strings.ToUpper(request.Method), URL: c.absolute(request.URL),
		Query: texts(request.Query), JSON: request.JSON, SignIn: request.SignIn}
	if wire.Method == "" {
		wire.Method = "GET"
	}
	var formType map[string]string
	switch {
	case request.JSON != nil:
	case request.Form != nil:
		wire.Text = encodeForm(request.Form)
		formType = map[string]string{"Content-Type": "application/x-www-form-urlencoded"}
	case request.Body != nil:
		wire.Body = base64.StdEncoding.EncodeToString(request.Body)
	}
	if request.User != "" || request.Password != "" {
		wire.Basic = map[string]string{"user": request.User, "password": request.Password}
	}
	var made map[string]string
	var err error
	if c.plugin.headers != nil && !request.SignIn {
		made, err = c.plugin.headers(ctx, c)
	}
	if request.SignIn {
		wire.Headers = merged(formType, request.Headers)
	} else {
		wire.Headers = merged(formType, c.plugin.fixedHeaders, made, request.Headers)
	}
	return wire, err
}

// merged returns all headers. Later ones replace earlier ones, in any case.
func merged(several ...map[string]string) map[string]string {
	made, spelling := map[string]string{}, map[string]string{}
	for _, headers := range several {
		for name, value := range headers {
			key := strings.ToLower(name)
			delete(made, spelling[key])
			made[name], spelling[key] = value, name
		}
	}
	return made
}

var placeholderPattern = regexp.MustCompile(`\{\{secret:[^{}]*\}\}`)

// encodeForm leaves placeholders as they are: the host encodes their values.
func encodeForm(form map[string]string) string {
	var pairs []string
	for name, value := range form {
		encoded, end := "", 0
		for _, place := range placeholderPattern.FindAllStringIndex(value, -1) {
			encoded += url.QueryEscape(value[end:place[0]]) + value[place[0]:place[1]]
			end = place[1]
		}
		pairs = append(pairs, url.QueryEscape(name)+"="+encoded+url.QueryEscape(value[end:]))
	}
	sort.Strings(pairs)
	return strings.Join(pairs, "&")
}

// absolute resolves a path below the connection's URL setting: server_url if there are several.
func (c *Call) absolute(address string) string {
	if !strings.HasPrefix(address, "/") {
		return address
	}
	base := ""
	for _, name := range c.plugin.urlNames {
		value := c.settings.Field(c.plugin.settings.byName[name].index)
		if value.Kind() == reflect.Pointer && value.IsNil() {
			continue
		}
		if found := reflect.Indirect(value).String(); base == "" || name == "server_url" {
			base = found
		}
	}
	return strings.TrimRight(base, "/") + address
}

// texts are the values of a query as the host expects them.
func texts(query map[string]any) map[string]any {
	made := map[string]any{}
	for name, value := range query {
		if text := texted(reflect.ValueOf(value)); text != nil {
			made[name] = text
		}
	}
	return made
}

func texted(value reflect.Value) any {
	switch value.Kind() {
	case reflect.Invalid:
		return nil
	case reflect.Pointer, reflect.Interface:
		if value.IsNil() {
			return nil
		}
		return texted(value.Elem())
	case reflect.String:
		return value.String()
	case reflect.Slice, reflect.Array:
		list := []any{}
		for at := 0; at < value.Len(); at++ {
			list = append(list, texted(value.Index(at)))
		}
		return list
	}
	raw, _ := json.Marshal(value.Interface())
	return string(raw)
}

func (c *Call) send(ctx context.Context, wire *wireRequest) (*Response, error) {
	isWrite := !wire.SignIn && !c.options.DryRun && wire.Method != "GET" && wire.Method != "HEAD" && wire.Method != "OPTIONS"
	if isWrite {
		c.inDoubt.Add(1)
	}
	raw, err := c.request(ctx, "host/http", wire)
	var response *Response
	if err == nil {
		response, err = readResponse(raw)
	}
	if failed, ok := err.(*Error); isWrite && (err == nil && response.Status < 500 || ok && failed.Outcome == NotApplied) {
		c.inDoubt.Add(-1)
	}
	if isWrite && err == nil && response.Status < 400 {
		c.hasWritten.Store(true)
	}
	return response, err
}

func readResponse(raw json.RawMessage) (*Response, error) {
	var wire struct {
		Status  int               `json:"status"`
		Headers map[string]string `json:"headers"`
		JSON    json.RawMessage   `json:"json"`
		Body    *string           `json:"body"`
		Base64  []byte            `json:"body_base64"`
	}
	if err := json.Unmarshal(raw, &wire); err != nil {
		return nil, &Error{Message: "The host's response is malformed: " + err.Error(), Kind: "internal"}
	}
	made := &Response{Status: wire.Status, JSON: wire.JSON, Body: wire.Base64, Headers: map[string]string{}}
	for name, value := range wire.Headers {
		made.Headers[http.CanonicalHeaderKey(name)] = value
	}
	switch {
	case wire.JSON != nil:
		made.Body = wire.JSON
	case wire.Body != nil:
		made.Body = []byte(*wire.Body)
		if text := strings.TrimSpace(*wire.Body); text != "" && json.Valid([]byte(text)) {
			made.JSON = json.RawMessage(text)
		}
	}
	return made, nil
}

// Err is the vendor's error as *Error, or nil if the status is below 400.
func (r *Response) Err() error { return r.ErrWithRemedy("") }

// ErrWithRemedy is Err with a sentence on what the user can do.
func (r *Response) ErrWithRemedy(remedy string) error {
	if r.Status < 400 {
		return nil
	}
	made := &Error{StatusCode: r.Status, Remedy: remedy, Upstream: r.JSON}
	var body any = string(r.Body)
	if r.JSON != nil {
		body = nil
		json.Unmarshal(r.JSON, &body)
	} else if len(r.Body) > 0 {
		made.Upstream, _ = json.Marshal(string(r.Body[:min3(len(r.Body), 500, 500)]))
	}
	made.Message = messageIn(body)
	if made.Message == "" {
		made.Message = http.StatusText(r.Status) + "."
	}
	if seconds, err := strconv.ParseInt(r.Headers["Retry-After"], 10, 32); err == nil {
		made.RetryAfterMS = seconds * 1000
	}
	return made
}

// messageIn finds the message in a vendor's error, in the usual places.
func messageIn(body any) string {
	switch value := body.(type) {
	case string:
		return strings.TrimSpace(value)
	case []any:
		for _, one := range value {
			if found := messageIn(one); found != "" {
				return found
			}
		}
	case map[string]any:
		for _, name := range []string{"message", "error_description", "detail", "details", "title", "reason", "error", "errors"} {
			if found := messageIn(value[name]); found != "" {
				return found
			}
		}
	}
	return ""
}
