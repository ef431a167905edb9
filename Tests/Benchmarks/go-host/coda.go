package main

import (
	"encoding/json"
	"net/url"
	"strconv"
	"strings"
)

const integrationID = "coda_footprint"

type command struct {
	ID          string `json:"id"`
	Title       string `json:"title"`
	Description string `json:"description"`
	Effect      string `json:"effect"`

	parameters map[string]parameter
	plan       func(connection, map[string]any) plannedRequest
}

var (
	page     = parameter{title: "Page", check: integer(1, 1<<31-1)}
	tenant   = parameter{title: "Footprint Tenant ID", check: identifier}
	deviceID = parameter{title: "Device ID", check: identifier, required: true}
)

var listDevices = map[string]parameter{
	"page":                page,
	"footprint_tenant_id": tenant,
	"filter": {title: "Filter", members: map[string]parameter{
		"ip":       {title: "ip", check: nonEmptyText},
		"pageSize": {title: "pageSize", check: integer(1, 1<<31-1)},
		"riskLevel": {title: "riskLevel",
			check: choice("all", "critical", "nonvisible", "secure", "vulnerable")},
		"scanType":              {title: "scanType", check: choice("all", "discovered", "scanned")},
		"scannerId":             {title: "scannerId", check: identifier},
		"scope":                 {title: "scope", check: choice("all", "external", "internal")},
		"showDevicesWithNoApps": {title: "showDevicesWithNoApps", check: boolean},
		"sortColumn": {title: "sortColumn",
			check: choice("discoveredOn", "lastScanned", "name")},
		"sortDirection": {title: "sortDirection", check: choice("ascending", "descending")},
		"source": {title: "source",
			check: choice("agentbased", "agentless", "all", "nessusimport")},
	}},
}

var updateTargetScanScope = map[string]parameter{
	"target_id":           {title: "Target ID", check: identifier, required: true},
	"scope":               {title: "Scope", check: choice("in", "out"), required: true},
	"footprint_tenant_id": tenant,
}

func planListDevices(c connection, arguments map[string]any) plannedRequest {
	query := url.Values{}
	if value, ok := arguments["page"]; ok {
		query.Set("page", text(value))
	}
	if filter, ok := arguments["filter"].(map[string]any); ok {
		for name, value := range filter {
			// The classic API uses another name for the IP address.
			if name == "ip" {
				name = "filter"
			}
			query.Set(name, text(value))
		}
	}
	return plan(c, "GET", "/console/elements/devices/", query, arguments, nil)
}

func planGetTechnicalContext(c connection, arguments map[string]any) plannedRequest {
	path := "/console/elements/contexts/technical/" + segment(arguments["context_id"]) + "/"
	return plan(c, "GET", path, nil, arguments, nil)
}

func planListDeviceUsers(c connection, arguments map[string]any) plannedRequest {
	path := "/console/elements/device/" + segment(arguments["device_id"]) + "/users/"
	return plan(c, "GET", path, nil, arguments, nil)
}

func planUpdateTargetScanScope(c connection, arguments map[string]any) plannedRequest {
	path := "/console/scanSurface/currentTargets/" + segment(arguments["target_id"]) + "/"
	body := map[string]string{"scope": strings.ToUpper(text(arguments["scope"]))}
	return plan(c, "PATCH", path, nil, arguments, body)
}

func plan(
	c connection, method, path string, query url.Values, arguments map[string]any, body any,
) plannedRequest {
	address := *c.base
	address.Path += "/api" + path
	address.RawQuery = query.Encode()
	headers := map[string]string{
		"Accept":        "application/json",
		"Authorization": "Bearer [redacted]",
	}
	if value, ok := arguments["footprint_tenant_id"]; ok {
		headers["FootprintTenantId"] = text(value)
	}
	if body != nil {
		headers["Content-Type"] = "application/json"
	}
	return plannedRequest{Method: method, URL: address.String(), Headers: headers, Body: body}
}

// text formats a value that passed validation.
func text(value any) string {
	switch v := value.(type) {
	case string:
		return v
	case json.Number:
		return string(v)
	case bool:
		return strconv.FormatBool(v)
	}
	return ""
}

func segment(value any) string { return url.PathEscape(text(value)) }
