package main

import "encoding/json"

type request struct {
	JSONRPC string          `json:"jsonrpc"`
	ID      json.RawMessage `json:"id"`
	Method  string          `json:"method"`
	Params  json.RawMessage `json:"params"`
}

// The id is a RawMessage in both directions, so that 1.50 and 2^64+1 are returned unchanged.
type response struct {
	JSONRPC string          `json:"jsonrpc"`
	ID      json.RawMessage `json:"id"`
	Result  any             `json:"result,omitempty"`
	Error   *rpcError       `json:"error,omitempty"`
}

type rpcError struct {
	Code    int        `json:"code"`
	Message string     `json:"message"`
	Data    *errorData `json:"data,omitempty"`
}

type errorData struct {
	ReturnData       string    `json:"return_data"`
	FailureIndicator string    `json:"failure_indicator,omitempty"`
	StatusCode       int       `json:"status_code"`
	Message          string    `json:"message"`
	Kind             string    `json:"kind"`
	Retryable        bool      `json:"retryable"`
	Outcome          string    `json:"outcome"`
	Problems         []problem `json:"problems,omitempty"`
}

type problem struct {
	Path    string `json:"path"`
	Message string `json:"message"`
}

type capabilitiesParams struct {
	Integration string `json:"integration"`
	Command     string `json:"command"`
	Detail      string `json:"detail"`
}

type invokeParams struct {
	Integration string         `json:"integration"`
	Command     string         `json:"command"`
	Connection  string         `json:"connection"`
	Arguments   map[string]any `json:"arguments"`
	Options     invokeOptions  `json:"options"`
}

type invokeOptions struct {
	Stream         bool   `json:"stream"`
	AllPages       bool   `json:"all_pages"`
	DryRun         bool   `json:"dry_run"`
	TimeoutMS      int64  `json:"timeout_ms"`
	IdempotencyKey string `json:"idempotency_key"`
}

type dryRunResult struct {
	ReturnData string           `json:"return_data"`
	DryRun     bool             `json:"dry_run"`
	Requests   []plannedRequest `json:"requests"`
}

// plannedRequest is the HTTP request of a command. Headers are a map, because a host does not know
// its vendors in advance.
type plannedRequest struct {
	Method  string            `json:"method"`
	URL     string            `json:"url"`
	Headers map[string]string `json:"headers"`
	Body    any               `json:"body,omitempty"`
}

func validationError(indicator, message string, problems []problem) *rpcError {
	return &rpcError{Code: -32602, Message: message, Data: &errorData{
		ReturnData: "Failed", FailureIndicator: indicator, StatusCode: 400, Message: message,
		Kind: "validation", Outcome: "not_applied", Problems: problems,
	}}
}
