package sallyport

import (
	"bytes"
	"encoding/json"
	"errors"
)

// The values of [Result.ReturnData] and [Target.ReturnData].
const (
	Successful          = "Successful"
	PartiallySuccessful = "Partially Successful"
	Failed              = "Failed"
)

// Result is the result of a command that succeeded, at least in part.
type Result struct {
	// ReturnData is Successful or PartiallySuccessful.
	ReturnData string `json:"return_data"`
	// RawData is the vendor's body, unchanged; empty for a command that returns only success or
	// failure, and for a stream.
	RawData json.RawMessage `json:"raw_data"`
	// Targets are the outcomes per target, in input order.
	Targets []Target `json:"targets"`
	// Errors are those of the failed targets.
	Errors []*Error `json:"errors"`
	// Files are the files that the command stored.
	Files []File `json:"files"`
	// Events are the fetched events, and Cursor is where the next call continues.
	Events []Event         `json:"events"`
	Cursor json.RawMessage `json:"cursor"`
	// Notices are additional facts for the caller.
	Notices []string `json:"notices"`
	Meta    Meta     `json:"meta"`
	// DryRun says that nothing was sent; see [Result.PlannedRequests].
	DryRun   bool            `json:"dry_run"`
	Requests json.RawMessage `json:"requests"`
}

// Decode decodes the vendor's body into v. In an any, numbers are json.Number and keep their text.
func (r *Result) Decode(v any) error {
	if len(r.RawData) == 0 {
		return errors.New("sallyport: the result has no data")
	}
	return decode(r.RawData, v)
}

// Target is the outcome of one target of a command over several.
type Target struct {
	Target     string          `json:"target"`
	ReturnData string          `json:"return_data"`
	Error      *Error          `json:"error"`
	Data       json.RawMessage `json:"data"`
	Files      []File          `json:"files"`
}

// Meta is what a call cost, and its trace. The host omits members that do not apply.
type Meta struct {
	DurationMilliseconds int64 `json:"duration_ms"`
	Requests             int   `json:"requests"`
	Retries              int   `json:"retries"`
	WaitedMilliseconds   int64 `json:"waited_ms"`
	Pages                int   `json:"pages"`
	// Items is the number of items of a stream.
	Items int `json:"items"`
	// Connection is the name of the connection.
	Connection string `json:"connection"`
	// TraceID is the id of the trace: 32 hexadecimal digits.
	TraceID string `json:"trace_id"`
	// Spent says where the time went.
	Spent SpentTime `json:"spent_ms"`
	// Replayed says that this is the recorded result of an earlier call with the idempotency key.
	Replayed bool `json:"replayed"`
	// Events is the number of events that a follower sent.
	Events int `json:"events"`
}

// SpentTime says where the time of a call went, in milliseconds. The sum may exceed the duration:
// requests to the vendor may run at the same time.
type SpentTime struct {
	// Queue is the time until a slot was free.
	Queue     int64 `json:"queue"`
	SignIn    int64 `json:"sign_in"`
	RateLimit int64 `json:"rate_limit"`
	// BackOff is the time before retries.
	BackOff int64 `json:"back_off"`
	// Vendor is the time of requests to the vendor, Plugin that of a plugin.
	Vendor int64 `json:"vendor"`
	Plugin int64 `json:"plugin"`
}

// Event is one fetched event: its fields by name, and the vendor's data.
type Event struct {
	Fields map[string]json.RawMessage `json:"fields"`
	Raw    json.RawMessage            `json:"raw"`
	// Error says why the event is not complete; nil if it is.
	Error *Error `json:"error"`
	// Files are the files of the event, if the arguments ask for them.
	Files []File `json:"files"`
}

// PlannedRequests are the requests that a dry run would have sent, in order.
func (r *Result) PlannedRequests() ([]PlannedRequest, error) {
	if !r.DryRun {
		return nil, errors.New("sallyport: not the result of a dry run")
	}
	var requests []PlannedRequest
	err := json.Unmarshal(r.Requests, &requests)
	return requests, err
}

// PlannedRequest is a request that a dry run would have sent, without credentials.
type PlannedRequest struct {
	Method  string            `json:"method"`
	URL     string            `json:"url"`
	Headers map[string]string `json:"headers"`
	Body    json.RawMessage   `json:"body"`
}

func decode(data []byte, v any) error {
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.UseNumber()
	return decoder.Decode(v)
}
