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

// Meta is the cost of a call.
type Meta struct {
	DurationMilliseconds int64 `json:"duration_ms"`
	Requests             int   `json:"requests"`
	Retries              int   `json:"retries"`
	WaitedMilliseconds   int64 `json:"waited_ms"`
	Pages                int   `json:"pages"`
	// Items is the number of items of a stream.
	Items int `json:"items"`
}

// Event is one fetched event: its fields by name, and the vendor's data.
type Event struct {
	Fields map[string]json.RawMessage `json:"fields"`
	Raw    json.RawMessage            `json:"raw"`
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
