package sallyport

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"
)

// ErrClosed is the error of a call on a host that was closed before the call was sent.
var ErrClosed = errors.New("sallyport: the host is closed")

// Kind classifies a failure.
type Kind string

// The kinds of failures (3.5 of the protocol).
const (
	KindUpstream    Kind = "upstream"
	KindAuth        Kind = "auth"
	KindPermission  Kind = "permission"
	KindRateLimited Kind = "rate_limited"
	KindTimeout     Kind = "timeout"
	KindNetwork     Kind = "network"
	KindValidation  Kind = "validation"
	KindNotFound    Kind = "not_found"
	KindPolicy      Kind = "policy"
	KindCancelled   Kind = "cancelled"
	KindTooLarge    Kind = "too_large"
	KindUnavailable Kind = "unavailable"
	KindInternal    Kind = "internal"
)

// Outcome says whether a failed command may have been applied.
type Outcome string

// The outcomes of a failed command.
const (
	OutcomeNotApplied Outcome = "not_applied"
	OutcomeUnknown    Outcome = "unknown"
)

// Error is an error response. It is safe to log: the host redacts secrets.
//
// errors.Is(err, context.DeadlineExceeded) is true for KindTimeout, and errors.Is(err,
// context.Canceled) for KindCancelled.
type Error struct {
	// Integration and Command are those of the call; empty for other requests.
	Integration, Command string
	// Code is the JSON-RPC code: -32602 for wrong arguments, -32000 for a failed command, -32800
	// for a cancelled one. 0 for one target of several.
	Code int
	// FailureIndicator is the sentence that names the command: "Isolate Endpoints failed."
	FailureIndicator string
	// StatusCode is the vendor's status, or the status of the kind if the vendor sent none.
	StatusCode int
	// Message describes the problem.
	Message string
	Kind    Kind
	Outcome Outcome
	// Retryable says whether the same call can succeed later, and RetryAfter when.
	Retryable  bool
	RetryAfter time.Duration
	// Remedy is what the caller can do; empty if unknown.
	Remedy string
	// Problems are all problems of the arguments.
	Problems []Problem
	// Target is the failed target, in the errors of a command over several.
	Target string
	// Targets are the outcomes per target, if none succeeded.
	Targets []Target
	// Upstream is the vendor's error, if it says more.
	Upstream json.RawMessage
	// Meta is what the call cost until it failed, and its trace.
	Meta Meta
}

// Problem is one problem of the arguments of a call.
type Problem struct {
	// Path is a JSON Pointer into the params: "/arguments/page_size".
	Path    string `json:"path"`
	Message string `json:"message"`
	// DidYouMean is the closest valid name or value; empty if none is close.
	DidYouMean string `json:"did_you_mean"`
}

func (e *Error) Error() string {
	var text strings.Builder
	text.WriteString(e.FailureIndicator)
	if e.Message != "" && e.Message != e.FailureIndicator {
		if text.Len() > 0 {
			text.WriteByte(' ')
		}
		text.WriteString(e.Message)
	}
	if e.StatusCode != 0 {
		fmt.Fprintf(&text, " (%d)", e.StatusCode)
	}
	return text.String()
}

// Is makes errors.Is match the context error of a kind.
func (e *Error) Is(target error) bool {
	switch target {
	case context.DeadlineExceeded:
		return e.Kind == KindTimeout
	case context.Canceled:
		return e.Kind == KindCancelled
	}
	return false
}

// UnmarshalJSON reads the data of an error, or an error of a target.
func (e *Error) UnmarshalJSON(data []byte) error {
	var wire struct {
		FailureIndicator string          `json:"failure_indicator"`
		StatusCode       int             `json:"status_code"`
		Message          string          `json:"message"`
		Kind             Kind            `json:"kind"`
		Outcome          Outcome         `json:"outcome"`
		Retryable        bool            `json:"retryable"`
		RetryAfter       int64           `json:"retry_after_ms"`
		Remedy           string          `json:"remedy"`
		Problems         []Problem       `json:"problems"`
		Target           string          `json:"target"`
		Targets          []Target        `json:"targets"`
		Upstream         json.RawMessage `json:"upstream"`
		Meta             Meta            `json:"meta"`
	}
	if err := json.Unmarshal(data, &wire); err != nil {
		return err
	}
	*e = Error{
		FailureIndicator: wire.FailureIndicator, StatusCode: wire.StatusCode, Message: wire.Message,
		Kind: wire.Kind, Outcome: wire.Outcome, Retryable: wire.Retryable,
		RetryAfter: time.Duration(wire.RetryAfter) * time.Millisecond, Remedy: wire.Remedy,
		Problems: wire.Problems, Target: wire.Target, Targets: wire.Targets, Upstream: wire.Upstream,
		Meta: wire.Meta,
	}
	return nil
}

// errorFromWire converts the member "error" of a response.
func errorFromWire(member []byte) *Error {
	var wire struct {
		Code    int             `json:"code"`
		Message string          `json:"message"`
		Data    json.RawMessage `json:"data"`
	}
	if err := json.Unmarshal(member, &wire); err != nil {
		return protocolError("an invalid error: " + err.Error())
	}
	failure := new(Error)
	if len(wire.Data) > 0 {
		if err := json.Unmarshal(wire.Data, failure); err != nil {
			failure = new(Error)
		}
	}
	failure.Code = wire.Code
	if failure.FailureIndicator == "" {
		failure.FailureIndicator = wire.Message
	}
	if failure.Kind == "" {
		// An envelope error has no such data.
		failure.Kind, failure.Outcome = KindInternal, OutcomeUnknown
		if wire.Code <= -32600 && wire.Code > -32603 || wire.Code == -32700 {
			failure.Kind, failure.Outcome, failure.StatusCode = KindValidation, OutcomeNotApplied, 400
		}
	}
	return failure
}

// protocolError is the error for an invalid response: the outcome is unknown.
func protocolError(what string) *Error {
	return &Error{
		Code: -32603, FailureIndicator: "The host violated the protocol.", StatusCode: 500,
		Message: "It sent " + what + ".", Kind: KindInternal, Outcome: OutcomeUnknown,
	}
}

// contextError is the error of a call whose context ended without a response.
func contextError(cause error, outcome Outcome, message string) *Error {
	failure := &Error{
		Code: -32800, FailureIndicator: "The call was cancelled.", StatusCode: 499, Message: message,
		Kind: KindCancelled, Outcome: outcome, Retryable: outcome == OutcomeNotApplied,
	}
	if errors.Is(cause, context.DeadlineExceeded) {
		failure.Code, failure.StatusCode, failure.Kind = -32000, 504, KindTimeout
		failure.FailureIndicator = "The call timed out."
	}
	return failure
}

// ExitError is the error of a host that exited while calls were in flight. A call in flight may
// have been applied: the vendor may have received it.
type ExitError struct {
	// Code is the exit status, or -1 if a signal killed the process.
	Code int
	// Status is the same in words: "exit status 2", "signal: killed".
	Status string
	// LastLines are the last lines of its log.
	LastLines []string
}

func (e *ExitError) Error() string {
	text := "sallyport: the host exited (" + e.Status + ")"
	if len(e.LastLines) > 0 {
		text += ": " + e.LastLines[len(e.LastLines)-1]
	}
	return text
}
