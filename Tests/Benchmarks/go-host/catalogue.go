package main

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
)

// All commands are listed, so that the first response has the same size as Sallyport's. Only the
// commands of the benchmark can be planned.
var commands = []command{
	{ID: "get_technical_context", Title: "Get Technical Context",
		Description: "Returns details of a specified technical context.", Effect: "read",
		parameters: map[string]parameter{
			"context_id":          {title: "Context ID", check: identifier, required: true},
			"footprint_tenant_id": tenant,
		},
		plan: planGetTechnicalContext},
	{ID: "list_current_targets_ports", Title: "List Current Targets Ports",
		Description: "Retrieves user input, current targets, and port.", Effect: "read"},
	{ID: "list_device_attack_avenues", Title: "List Device Attack Avenues",
		Description: "Lists available attack avenues on a device.", Effect: "read"},
	{ID: "list_device_network_connections", Title: "List Device Network Connections",
		Description: "Lists network connections on a device.", Effect: "read"},
	{ID: "list_devices", Title: "List Devices",
		Description: "Returns a list of discovered devices.", Effect: "read",
		parameters: listDevices, plan: planListDevices},
	{ID: "list_device_users", Title: "List Device Users",
		Description: "Returns users of a device.", Effect: "read",
		parameters: map[string]parameter{"device_id": deviceID, "footprint_tenant_id": tenant},
		plan:       planListDeviceUsers},
	{ID: "list_device_vulnerabilities", Title: "List Device Vulnerabilities",
		Description: "Returns vulnerabilities found on a device.", Effect: "read"},
	{ID: "list_scanners", Title: "List Scanners",
		Description: "Returns a list of available scanners.", Effect: "read"},
	{ID: "list_scan_surfaces", Title: "List Scan Surfaces",
		Description: "Returns a list of user inputs and resulting assets.", Effect: "read"},
	{ID: "list_technical_contexts", Title: "List Technical Contexts",
		Description: "Returns a list of available technical contexts.", Effect: "read"},
	{ID: "list_tenants", Title: "List Tenants",
		Description: "Lists tenant accounts that the current user can log in to.", Effect: "read"},
	{ID: "patch_rescan", Title: "Patch Rescan",
		Description: "Rescans all user inputs from the scan surface.", Effect: "write"},
	{ID: "update_target_scan_scope", Title: "Update Target Scan Scope",
		Description: "Edits the scope of existing scan entries (in/out).", Effect: "write",
		parameters: updateTargetScanScope, plan: planUpdateTargetScanScope},
	{ID: "test_connection", Title: "Test Connection",
		Description: "Checks the connection.", Effect: "read"},
}

var commandsByID = func() map[string]*command {
	index := make(map[string]*command, len(commands))
	for i := range commands {
		index[commands[i].ID] = &commands[i]
	}
	return index
}()

type integrationSummary struct {
	ID          string    `json:"id"`
	Title       string    `json:"title"`
	Description string    `json:"description"`
	Category    string    `json:"category"`
	Commands    []command `json:"commands"`
}

type hostVersion struct {
	Name    string `json:"name"`
	Version string `json:"version"`
}

type capabilitiesResult struct {
	ProtocolVersion string               `json:"protocol_version"`
	Host            hostVersion          `json:"host"`
	Hash            string               `json:"hash"`
	Integrations    []integrationSummary `json:"integrations"`
}

func capabilities(text json.RawMessage) (any, *rpcError) {
	var params capabilitiesParams
	if len(text) > 0 {
		if err := json.Unmarshal(text, &params); err != nil {
			return nil, validationError("", err.Error(), nil)
		}
	}
	if params.Detail != "summary" {
		return nil, validationError("", "This benchmark host only knows the summary.", nil)
	}
	catalogue := []integrationSummary{{
		ID: integrationID, Title: "CODA Footprint", Category: "Threat Intelligence",
		Description: "An AI-based, cloud-agnostic cyber security platform.", Commands: commands,
	}}
	canonical, err := json.Marshal(catalogue)
	if err != nil {
		return nil, &rpcError{Code: -32603, Message: err.Error()}
	}
	hash := sha256.Sum256(canonical)
	return capabilitiesResult{
		ProtocolVersion: "1",
		Host:            hostVersion{Name: "gohost", Version: "0.1.0"},
		Hash:            "sha256:" + hex.EncodeToString(hash[:]),
		Integrations:    catalogue,
	}, nil
}
