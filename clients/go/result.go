package sallyport

import (
	"bytes"
	"encoding/json"
	"errors"
)

// What [Result.ReturnData] and [Target.ReturnData] say.
const (
	Successful          = "Successful"
	PartiallySuccessful = "Partially Successful"
	Failed              = "Failed"
)

// Result is what a command that succeeded, at least in part, brought.
type Result struct {
	// ReturnData is Successful or PartiallySuccessful.
	ReturnData string `json:"return_data"`
	// RawData is the vendor's answer, untouched; empty for a command that only succeeds or fails,
	// and for a stream.
	RawData json.RawMessage `json:"raw_data"`
	// Targets are the outcomes of the targets of a command over several, in their order.
	Targets []Target `json:"targets"`
	// Errors are those of the targets that failed.
	Errors []*Error `json:"errors"`
	// Files are what the command stored.
	Files []File `json:"files"`
	// Events are what a command that fetches events found, and Cursor where the next call goes on.
	Events []Event         `json:"events"`
	Cursor json.RawMessage `json:"cursor"`
	// Notices are what the caller should know beside it.
	Notices []string `json:"notices"`
	Meta    Meta     `json:"meta"`
	// DryRun says that nothing was sent; see [Result.PlannedRequests].
	DryRun   bool            `json:"dry_run"`
	Requests json.RawMessage `json:"requests"`
}

// Decode reads the vendor's answer into v. In an any, numbers are json.Number and keep their
// text.
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

// Meta is what a call took.
type Meta struct {
	DurationMilliseconds int64 `json:"duration_ms"`
	Requests             int   `json:"requests"`
	Retries              int   `json:"retries"`
	WaitedMilliseconds   int64 `json:"waited_ms"`
	Pages                int   `json:"pages"`
	// Items are those of a stream.
	Items int `json:"items"`
}

// Event is one event that a command fetched: its fields by name, and what the vendor sent.
type Event struct {
	Fields map[string]json.RawMessage `json:"fields"`
	Raw    json.RawMessage            `json:"raw"`
}

// PlannedRequests are those that a dry run would have sent, in their order.
func (r *Result) PlannedRequests() ([]PlannedRequest, error) {
	if !r.DryRun {
		return nil, errors.New("sallyport: the result is not of a dry run")
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
