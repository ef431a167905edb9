package plugin

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sort"
	"strings"
)

// Outcomes of a failed command.
const (
	NotApplied = "not_applied"
	Unknown    = "unknown"
)

const (
	failedCode    = -32000
	dryRunCode    = -32001
	cancelledCode = -32800
	invalidCode   = -32602
)

// ErrDryRun ends a command in a dry run: the host has recorded the request and has not sent it. A
// command returns it like any error.
var ErrDryRun = errors.New("dry run")

var kindOfStatus = map[int]string{
	401: "auth", 402: "permission", 403: "permission", 404: "not_found", 408: "timeout", 413: "too_large",
	429: "rate_limited", 504: "timeout",
}

var statusOfKind = map[string]int{
	"validation": 400, "auth": 401, "permission": 403, "policy": 403, "not_found": 404, "too_large": 413,
	"rate_limited": 429, "cancelled": 499, "internal": 500, "upstream": 502, "network": 502,
	"unavailable": 503, "timeout": 504,
}

// Error is the failure of a command. Only Message is required: the other members have defaults.
type Error struct {
	Message string
	// StatusCode is the vendor's status, otherwise that of Kind.
	StatusCode int
	// Kind is one of the protocol's kinds, such as "not_found", otherwise that of StatusCode.
	Kind string
	// Retryable says whether time alone may help. The default depends on kind and status.
	Retryable    *bool
	RetryAfterMS int64
	// Outcome is NotApplied or Unknown. The default depends on the command's effect and on the
	// requests that it has sent.
	Outcome string
	// Remedy says what the user can do.
	Remedy string
	// Upstream is the vendor's error.
	Upstream json.RawMessage

	targets  []Target
	problems []Problem
}

func (e *Error) Error() string { return e.Message }

// Problem is a wrong argument. Path is a JSON Pointer into the params.
type Problem struct {
	Path       string `json:"path"`
	Message    string `json:"message"`
	DidYouMean string `json:"did_you_mean,omitempty"`
}

func (e *Error) kind() string {
	switch {
	case e.Kind != "":
		return e.Kind
	case kindOfStatus[e.StatusCode] != "":
		return kindOfStatus[e.StatusCode]
	}
	return "upstream"
}

func (e *Error) status() int {
	if e.StatusCode != 0 {
		return e.StatusCode
	}
	return statusOfKind[e.kind()]
}

func (e *Error) retryable() bool {
	if e.Retryable != nil {
		return *e.Retryable
	}
	switch e.kind() {
	case "rate_limited", "timeout", "network":
		return true
	case "upstream":
		return e.status() == 500 || e.status() == 502 || e.status() == 503
	}
	return false
}

// failureData is the data of the protocol's error.
type failureData struct {
	ReturnData       string          `json:"return_data,omitempty"`
	FailureIndicator string          `json:"failure_indicator"`
	StatusCode       int             `json:"status_code"`
	Message          string          `json:"message"`
	Kind             string          `json:"kind"`
	Retryable        bool            `json:"retryable"`
	RetryAfterMS     int64           `json:"retry_after_ms,omitempty"`
	Outcome          string          `json:"outcome"`
	Remedy           string          `json:"remedy,omitempty"`
	Problems         []Problem       `json:"problems,omitempty"`
	Targets          []Target        `json:"targets,omitempty"`
	Upstream         json.RawMessage `json:"upstream,omitempty"`
	Target           any             `json:"target,omitempty"`
}

func (e *Error) data(indicator string) *failureData {
	made := &failureData{
		ReturnData: "Failed", FailureIndicator: indicator, StatusCode: e.status(), Message: e.Message,
		Kind: e.kind(), Retryable: e.retryable(), RetryAfterMS: e.RetryAfterMS, Outcome: e.Outcome,
		Remedy: e.Remedy, Problems: e.problems, Targets: e.targets,
	}
	if made.Outcome == "" {
		made.Outcome = Unknown
	}
	if json.Valid(e.Upstream) {
		made.Upstream = e.Upstream
	}
	return made
}

type wireError struct {
	Code    int    `json:"code"`
	Message string `json:"message"`
	Data    any    `json:"data,omitempty"`
}

func (e *Error) wire(indicator string) *wireError {
	code := failedCode
	switch {
	case e.kind() == "cancelled":
		code = cancelledCode
	case len(e.problems) > 0:
		code = invalidCode
	}
	return &wireError{Code: code, Message: indicator, Data: e.data(indicator)}
}

func invalid(problems []Problem) *Error {
	first := problems[0]
	name := strings.TrimPrefix(first.Path, "/arguments/")
	return &Error{
		Message: fmt.Sprintf("%s: %s.", name, first.Message), Kind: "validation", Outcome: NotApplied,
		problems: problems,
	}
}

// fromHost is the error for the host's response to a request of the plugin.
func fromHost(raw json.RawMessage) error {
	var read struct {
		Code    int    `json:"code"`
		Message string `json:"message"`
		Data    struct {
			StatusCode   int             `json:"status_code"`
			Message      string          `json:"message"`
			Kind         string          `json:"kind"`
			Retryable    *bool           `json:"retryable"`
			RetryAfterMS int64           `json:"retry_after_ms"`
			Outcome      string          `json:"outcome"`
			Remedy       string          `json:"remedy"`
			Upstream     json.RawMessage `json:"upstream"`
		} `json:"data"`
	}
	err := json.Unmarshal(raw, &read)
	data := read.Data
	switch {
	case read.Code == dryRunCode:
		return ErrDryRun
	case read.Code == cancelledCode:
		return cancelled()
	case err != nil || statusOfKind[data.Kind] == 0:
		return &Error{Message: "The host refused the request: " + read.Message, Kind: "internal"}
	}
	return &Error{
		Message: data.Message, StatusCode: data.StatusCode, Kind: data.Kind, Retryable: data.Retryable,
		RetryAfterMS: data.RetryAfterMS, Outcome: data.Outcome, Remedy: data.Remedy, Upstream: data.Upstream,
	}
}

func cancelled() *Error {
	return &Error{Message: "The command was cancelled.", Kind: "cancelled"}
}

// asError is the failure for any error that a command returned.
func asError(ctx context.Context, err error) *Error {
	var failed *Error
	switch {
	case errors.As(err, &failed):
		copied := *failed
		return &copied
	case errors.Is(err, context.Canceled) || ctx.Err() == context.Canceled:
		return cancelled()
	case errors.Is(err, context.DeadlineExceeded):
		return &Error{Message: "The deadline passed.", Kind: "timeout"}
	}
	return &Error{Message: err.Error(), Kind: "internal"}
}

// suggest returns the known word that is closest to another one, or "".
func suggest(word string, known []string) string {
	sort.Strings(known)
	best, bestDistance := "", len(word)/3+1
	for _, one := range known {
		if distance := editDistance(word, one); distance <= bestDistance && (best == "" || distance < bestDistance) {
			best, bestDistance = one, distance
		}
	}
	return best
}

func editDistance(a, b string) int {
	row := make([]int, len(b)+1)
	for at := range row {
		row[at] = at
	}
	for i := 1; i <= len(a); i++ {
		before := row[0]
		row[0] = i
		for j := 1; j <= len(b); j++ {
			cost := before
			if a[i-1] != b[j-1] {
				cost++
			}
			before = row[j]
			row[j] = min3(row[j]+1, row[j-1]+1, cost)
		}
	}
	return row[len(b)]
}

func min3(a, b, c int) int {
	if b < a {
		a = b
	}
	if c < a {
		a = c
	}
	return a
}
