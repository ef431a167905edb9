package main

import (
	"encoding/json"
	"strings"
	"testing"
)

func TestGeneratedPackagesAreFresh(t *testing.T) {
	stale, err := generate(true)
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range stale {
		t.Errorf("%s is stale: run `go run ./internal/generate` in clients/go", path)
	}
}

func TestNamesAreThoseOfGo(t *testing.T) {
	for id, want := range map[string]string{
		"endpoint_ids": "EndpointIDs", "riskLevel": "RiskLevel", "ip": "IP", "sha256": "SHA256",
		"top_10_detected_malware": "Top10DetectedMalware", "user_email_or_id": "UserEmailOrID",
		"showDevicesWithNoApps": "ShowDevicesWithNoApps",
	} {
		if got := goName(id); got != want {
			t.Errorf("%s: %s, not %s", id, got, want)
		}
	}
}

// One package with every shape that a parameter may have, and what it becomes.
func TestEveryShapeOfAParameterHasAType(t *testing.T) {
	const schemas = `{
		"text":{"type":"string"}, "either":{"type":["integer","string"]}, "time":{"type":["string","integer"]},
		"ratio":{"type":"number"}, "flag":{"type":"boolean"}, "list":{"type":"array","items":{"type":"string"}},
		"choice":{"type":"string","enum":["in_it"]}, "choices":{"type":"array","items":{"type":"string","enum":["a"]}},
		"free":{"type":"object"}, "whatever":{"anyOf":[]},
		"nested":{"type":"object","properties":{"choice":{"enum":["other"]}}}, "needed":{"type":"integer"}}`
	var parameters Schema
	if err := parameters.Properties.UnmarshalJSON([]byte(schemas)); err != nil {
		t.Fatal(err)
	}
	parameters.Required = []string{"needed"}
	source, err := packageOf(Integration{
		ID: "some_vendor", Commands: []Command{{ID: "do_it", Parameters: parameters, ItemsPath: "$[*]"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	got := strings.Join(strings.Fields(string(source)), " ")
	for _, want := range []string{
		"package somevendor", `Text *string `, "Either *int64 ", "Time *string ", "Ratio *float64 ", "Flag *bool ",
		"List *[]string ", "Choice *DoItChoice ", "Choices *[]Choices ", "Free *map[string]any ", "Whatever any ",
		"Nested *DoItNested ", "Choice *DoItNestedChoice ", "Needed int64 `json:\"needed\"`",
		`DoItChoiceInIt DoItChoice = "in_it"`, "func (c *Client) DoItStream(",
		"func (c *Client) DoIt(ctx context.Context, parameters DoItParams, options ...sallyport.Option) (*sallyport.Result, error)",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("there is no %q in\n%s", want, source)
		}
	}
}

func TestACommandWithEventsCanBeFollowed(t *testing.T) {
	for events, end := range map[string]string{"{}": "end_time", `{"end":"until"}`: "until"} {
		var command Command
		text := `{"id":"fetch_it","events":` + events + `,"parameters":{"properties":{"mailbox":{"type":"string"},"` +
			end + `":{"type":"string"}},"required":["mailbox","` + end + `"]}}`
		if err := json.Unmarshal([]byte(text), &command); err != nil {
			t.Fatal(err)
		}
		source, err := packageOf(Integration{ID: "vendor", Commands: []Command{command}})
		if err != nil {
			t.Fatal(err)
		}
		got := strings.Join(strings.Fields(string(source)), " ")
		for _, want := range []string{
			"func (c *Client) FetchItFollow(ctx context.Context, parameters FetchItFollowParams, follow sallyport.FollowOptions,",
			"type FetchItFollowParams struct { // (required): Mailbox string `json:\"mailbox\"` }",
		} {
			if !strings.Contains(got, want) {
				t.Errorf("there is no %q in\n%s", want, source)
			}
		}
	}
}
