package main

import (
	"encoding/json"
	"fmt"
	"strings"
)

const (
	apiPath    = "/api/v1.0/jsonrpc/"
	reportPath = "/api/v1.0/http/downloadReportZip"
)

type call struct {
	ID     json.RawMessage `json:"id"`
	Method string          `json:"method"`
	Params struct {
		Endpoint string `json:"endpointId"`
		Report   string `json:"reportId"`
	} `json:"params"`
}

// answerGravityZone answers a JSON-RPC call or the download of a report.
func (v *vendor) answerGravityZone(r request) response {
	if strings.HasPrefix(r.path, reportPath) {
		return response{"200 OK", "application/zip", v.file}
	}
	var c call
	if err := json.Unmarshal(r.body, &c); err != nil {
		return response{"400 Bad Request", jsonType, []byte(`{}`)}
	}
	result := fmt.Sprintf(`{"id":%q,"name":"PC-%s","operatingSystem":"Windows 11 Pro","state":1,`+
		`"ip":"10.0.0.5","label":%q}`, c.Params.Endpoint, c.Params.Endpoint, v.padding)
	if c.Method == "getDownloadLinks" {
		result = fmt.Sprintf(`{"readyForDownload":true,"lastInstanceUrl":`+
			`"http://%s%s?reportId=%s&allInstances=0&serviceType=1"}`, v.address, reportPath, c.Params.Report)
	}
	return success(fmt.Sprintf(`{"id":%s,"jsonrpc":"2.0","result":%s}`, c.ID, result))
}

func isGravityZone(r request) bool {
	return strings.HasPrefix(r.path, apiPath) || strings.HasPrefix(r.path, reportPath)
}
