package main

import (
	"bytes"
	"encoding/json"
)

const indicatorSuffix = " failed."

func (h *host) invoke(text json.RawMessage) (any, *rpcError) {
	var params invokeParams
	decoder := json.NewDecoder(bytes.NewReader(text))
	// Otherwise a 64-bit id would lose digits in a float64.
	decoder.UseNumber()
	if err := decoder.Decode(&params); err != nil {
		return nil, validationError("", "The params of invoke are invalid: "+err.Error(), nil)
	}
	if params.Integration != integrationID {
		return nil, validationError("", "There is no integration "+params.Integration+".", nil)
	}
	cmd, known := commandsByID[params.Command]
	if !known {
		return nil, validationError("", "There is no command "+params.Command+".", nil)
	}
	indicator := cmd.Title + indicatorSuffix
	conn, known := h.connections[params.Connection]
	if !known || conn.Integration != params.Integration {
		return nil, validationError(indicator, "There is no connection "+params.Connection+".", nil)
	}
	problems := validate("/arguments", cmd.parameters, params.Arguments)
	if params.Options.TimeoutMS < 0 {
		problems = append(problems, problem{"/options/timeout_ms", "It must be positive."})
	}
	if len(problems) > 0 {
		return nil, validationError(indicator, problems[0].Message, problems)
	}
	if !params.Options.DryRun || cmd.plan == nil {
		return nil, &rpcError{Code: -32603, Message: "This benchmark host only plans requests."}
	}
	return dryRunResult{
		ReturnData: "Successful",
		DryRun:     true,
		Requests:   []plannedRequest{cmd.plan(conn, params.Arguments)},
	}, nil
}
