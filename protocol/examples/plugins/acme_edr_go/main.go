// Command acme_edr_go is Acme EDR as a plugin: a sign-in, pages, targets, events and a file. The vendor is
// ../vendor.py. Build it with: go build
package main

import (
	"context"
	"encoding/json"
	"net/url"
	"strconv"

	"example.invalid/sallyport/plugin"
)

// Settings is how to reach Acme EDR.
type Settings struct {
	ServerURL plugin.URL    `json:"server_url" desc:"The address of the Acme server."`
	UserName  string        `json:"user_name" desc:"The name of an API user."`
	Password  plugin.Secret `json:"password" desc:"The password of the API user."`
}

type none struct{}

type listParams struct {
	Name     string `json:"name,omitempty" desc:"Only endpoints whose name contains this text."`
	Page     int    `json:"page" desc:"The number of the page, from 1." minimum:"1" default:"1"`
	PageSize int    `json:"page_size" desc:"The number of endpoints per page." minimum:"1" maximum:"100" default:"3"`
}

type endpointParams struct {
	EndpointID string `json:"endpoint_id" desc:"The ID of the endpoint." minLength:"1" source:"list_endpoints $.items[*].id"`
}

type endpointsParams struct {
	EndpointIDs []string `json:"endpoint_ids" desc:"The IDs of the endpoints." minItems:"1" source:"list_endpoints $.items[*].id"`
}

type alertsParams struct {
	Number int    `json:"number_of_alerts" desc:"The maximum number of alerts." minimum:"1" maximum:"1000" default:"100"`
	Cursor string `json:"cursor,omitempty" desc:"The cursor of an earlier result. Only later alerts are fetched."`
}

type commentParams struct {
	AlertID int    `json:"alert_id" desc:"The ID of the alert."`
	Text    string `json:"text" desc:"The comment." minLength:"1"`
}

type reportParams struct {
	ReportID string `json:"report_id" desc:"The ID of the report." examples:"rep-1"`
}

func signIn(ctx context.Context, call *plugin.Call) (string, error) {
	settings := plugin.SettingsOf[Settings](call)
	body, err := call.Do(ctx, plugin.Request{
		Method: "POST", URL: "/api/login", SignIn: true,
		JSON: map[string]any{"user": settings.UserName, "password": settings.Password},
	})
	if err != nil {
		return "", err
	}
	var answer struct {
		Token string `json:"access_token"`
	}
	err = json.Unmarshal(body, &answer)
	return answer.Token, err
}

func authorize(ctx context.Context, call *plugin.Call) (map[string]string, error) {
	token, err := call.Token(ctx, "access_token", signIn)
	return map[string]string{"Authorization": "Bearer " + token}, err
}

func testConnection(ctx context.Context, call *plugin.Call, in none) (any, error) {
	return call.Get(ctx, "/api/whoami", nil)
}

func listEndpoints(ctx context.Context, call *plugin.Call, in listParams) (any, error) {
	for done := 0; ; in.Page++ {
		query := map[string]any{"page": in.Page, "page_size": in.PageSize}
		if in.Name != "" {
			query["name"] = in.Name
		}
		body, err := call.Get(ctx, "/api/endpoints", query)
		if err != nil {
			return nil, err
		}
		var page struct {
			Items []json.RawMessage `json:"items"`
			Total int               `json:"total"`
		}
		if err := json.Unmarshal(body, &page); err != nil {
			return nil, err
		}
		for _, item := range page.Items {
			if err := call.Items(item); err != nil {
				return nil, err
			}
		}
		done += len(page.Items)
		call.Progress(done, page.Total)
		if !call.AllPages() || len(page.Items) == 0 || done >= page.Total {
			return body, nil
		}
	}
}

func getEndpoint(ctx context.Context, call *plugin.Call, in endpointParams) (any, error) {
	return call.Get(ctx, "/api/endpoints/"+url.PathEscape(in.EndpointID), nil)
}

func setIsolation(isolated bool) func(context.Context, *plugin.Call, endpointsParams) (any, error) {
	return func(ctx context.Context, call *plugin.Call, in endpointsParams) (any, error) {
		return plugin.Targets(ctx, call, in.EndpointIDs, func(ctx context.Context, id string) (any, error) {
			response, err := call.HTTP(ctx, plugin.Request{
				Method: "POST", URL: "/api/endpoints/" + url.PathEscape(id) + "/isolation",
				JSON: map[string]bool{"isolated": isolated},
			})
			if err != nil {
				return nil, err
			}
			return response.JSON, response.ErrWithRemedy("Use IDs of endpoints that are online from list_endpoints.")
		})
	}
}

func fetchAlert(ctx context.Context, call *plugin.Call, in alertsParams) (any, error) {
	if in.Cursor == "" {
		in.Cursor = "0"
	}
	body, err := call.Get(ctx, "/api/alerts", map[string]any{"after": in.Cursor, "limit": in.Number})
	if err != nil {
		return nil, err
	}
	var page struct {
		Alerts []json.RawMessage `json:"alerts"`
		Last   int               `json:"last"`
	}
	if err := json.Unmarshal(body, &page); err != nil {
		return nil, err
	}
	result := plugin.Result{Body: page.Alerts, Events: []plugin.Event{}, Cursor: strconv.Itoa(page.Last)}
	for _, alert := range page.Alerts {
		result.Events = append(result.Events, call.Event(alert))
	}
	return result, nil
}

func addAlertComment(ctx context.Context, call *plugin.Call, in commentParams) (any, error) {
	return call.Post(ctx, "/api/alerts/"+strconv.Itoa(in.AlertID)+"/comments", map[string]string{"text": in.Text})
}

func downloadReport(ctx context.Context, call *plugin.Call, in reportParams) (any, error) {
	response, err := call.HTTP(ctx, plugin.Request{URL: "/api/reports/" + url.PathEscape(in.ReportID) + "/content"})
	if err == nil {
		err = response.Err()
	}
	if err != nil {
		return nil, err
	}
	_, err = call.FilePut(ctx, in.ReportID+".csv", response.Body, "text/csv")
	return nil, err
}

func main() {
	p := plugin.New("acme_edr_go",
		plugin.Title("Acme EDR (Go)"), plugin.Description("Endpoint detection and response of Acme."),
		plugin.Category("Endpoint Security"), plugin.Version("1.0.0"), plugin.Settings(Settings{}), plugin.Headers(authorize))
	plugin.Command(p, "test_connection", testConnection, plugin.Read(),
		plugin.Describe("Checks the address and the credentials."))
	plugin.Command(p, "list_endpoints", listEndpoints, plugin.Read(), plugin.Items("$.items[*]"), plugin.Pages(),
		plugin.RateLimit(100, 1), plugin.Describe("Lists the endpoints."))
	plugin.Command(p, "get_endpoint", getEndpoint, plugin.Read(), plugin.Describe("Returns one endpoint."))
	plugin.Command(p, "isolate_endpoints", setIsolation(true), plugin.Idempotent(), plugin.Sensitive(),
		plugin.PartialSuccess(), plugin.Permissions("Isolate endpoints"), plugin.ReadBack("get_endpoint"),
		plugin.Describe("Disconnects endpoints from the network. They can still reach the Acme server."))
	plugin.Command(p, "restore_endpoints", setIsolation(false), plugin.Idempotent(), plugin.PartialSuccess(),
		plugin.Permissions("Isolate endpoints"), plugin.ReadBack("get_endpoint"),
		plugin.Describe("Ends the isolation of endpoints."))
	plugin.Command(p, "fetch_alert", fetchAlert, plugin.Read(), plugin.Describe("Fetches alerts as events, oldest first."),
		plugin.Events(
			plugin.EventField{Name: "Unique Event Key", Path: "$.id"},
			plugin.EventField{Name: "Event Type", Value: "Acme Alert"},
			plugin.EventField{Name: "Title", Path: "$.title"},
			plugin.EventField{Name: "Severity", Path: "$.severity"},
			plugin.EventField{Name: "Endpoint", Path: "$.endpoint.id"},
			plugin.EventField{Name: "Time", Path: "$.created"}))
	plugin.Command(p, "add_alert_comment", addAlertComment, plugin.Permissions("Comment alerts"),
		plugin.Describe("Adds a comment to an alert."))
	plugin.Command(p, "download_report", downloadReport, plugin.Read(), plugin.Describe("Stores a report as a file."))
	p.Run()
}
