package plugin

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"reflect"
)

// Plugin is one integration.
type Plugin struct {
	id, title, description, category, version string

	commands []*command
	byID     map[string]*command
	settings *object
	urlNames []string
	headers  func(ctx context.Context, call *Call) (map[string]string, error)
	tokens   tokens

	fixedHeaders map[string]string
}

// Option describes a plugin.
type Option func(*Plugin)

// Title replaces the title, which is derived from the id.
func Title(text string) Option { return func(p *Plugin) { p.title = text } }

// Description is the description of the integration.
func Description(text string) Option { return func(p *Plugin) { p.description = text } }

// Category is the category of the integration, such as "Endpoint Security".
func Category(text string) Option { return func(p *Plugin) { p.category = text } }

// Version is the version of the plugin.
func Version(text string) Option { return func(p *Plugin) { p.version = text } }

// Settings describes the settings of a connection by the tags of a struct. Fields of the type Secret are
// secrets. The host allows requests to the origins of fields of the type URL.
func Settings(prototype any) Option {
	return func(p *Plugin) {
		p.settings = objectOf(reflect.TypeOf(prototype), "settings")
		for _, one := range p.settings.fields {
			if one.schema["format"] == "uri" {
				p.urlNames = append(p.urlNames, one.name)
			}
		}
	}
}

// Headers returns the headers of each request to the vendor, except those that sign in.
func Headers(headers func(ctx context.Context, call *Call) (map[string]string, error)) Option {
	return func(p *Plugin) { p.headers = headers }
}

// Header adds a header to each request to the vendor, except those that sign in. The value may have a
// placeholder of a secret setting, such as "Bearer {{secret:api_key}}".
func Header(name, value string) Option {
	return func(p *Plugin) {
		if p.fixedHeaders == nil {
			p.fixedHeaders = map[string]string{}
		}
		p.fixedHeaders[name] = value
	}
}

// New makes a plugin. The id is that of plugin.json. New panics for a wrong declaration.
func New(id string, options ...Option) *Plugin {
	if !idPattern.MatchString(id) {
		panic(fmt.Sprintf("plugin: %q: %s", id, idRule))
	}
	made := &Plugin{id: id, title: titleOf(id), category: "Plugins", version: "0.1.0", byID: map[string]*command{}}
	made.settings = objectOf(reflect.TypeOf(struct{}{}), "settings")
	for _, option := range options {
		option(made)
	}
	if made.description == "" {
		made.description = made.title + "."
	}
	return made
}

// Run serves the host on stdin and stdout until EOF or SIGTERM, then exits the process with 0. Prints of
// the program go to stderr.
func (p *Plugin) Run() {
	in, out := os.Stdin, os.Stdout
	if info, err := in.Stat(); err == nil && info.Mode()&os.ModeCharDevice != 0 && info.Name() != "null" {
		fmt.Fprintf(os.Stderr, "%s is a plugin: the host starts it and writes JSON-RPC to its stdin.\nTry: sallyport plugin check .\n", p.id)
	}
	os.Stdout = os.Stderr
	if null, err := os.Open(os.DevNull); err == nil {
		os.Stdin = null
	}
	p.serveProcess(in, out)
	os.Exit(0)
}

type capabilities struct {
	ProtocolVersion string            `json:"protocol_version"`
	Host            map[string]string `json:"host"`
	Integrations    []integration     `json:"integrations"`
}

type integration struct {
	ID          string     `json:"id"`
	Title       string     `json:"title"`
	Description string     `json:"description"`
	Category    string     `json:"category"`
	Connection  schema     `json:"connection"`
	Commands    []*command `json:"commands"`
}

func (p *Plugin) capabilities() capabilities {
	return capabilities{
		ProtocolVersion: "1", Host: map[string]string{"name": p.id, "version": p.version},
		Integrations: []integration{{
			ID: p.id, Title: p.title, Description: p.description, Category: p.category,
			Connection: schema{"schema": p.settings.schema()}, Commands: p.commands,
		}},
	}
}

type invokeParams struct {
	Integration *string         `json:"integration"`
	Command     string          `json:"command"`
	Arguments   json.RawMessage `json:"arguments"`
	Connection  struct {
		Settings json.RawMessage `json:"settings"`
	} `json:"connection"`
	Options options `json:"options"`
}

type options struct {
	Stream    bool   `json:"stream"`
	Progress  bool   `json:"progress"`
	AllPages  bool   `json:"all_pages"`
	DryRun    bool   `json:"dry_run"`
	TimeoutMS *int64 `json:"timeout_ms"`
}

// prepare reads the params of an invoke.
func (p *Plugin) prepare(raw json.RawMessage) (made *command, arguments any, call *Call, err *Error) {
	var params invokeParams
	if json.Unmarshal(raw, &params) != nil {
		return nil, nil, nil, invalid([]Problem{{Path: "", Message: "the params of invoke are malformed"}})
	}
	if problem := p.integrationProblem(params.Integration); problem != nil {
		return nil, nil, nil, invalid([]Problem{*problem})
	}
	made = p.byID[params.Command]
	if made == nil {
		names := make([]string, 0, len(p.commands))
		for _, one := range p.commands {
			names = append(names, one.ID)
		}
		return nil, nil, nil, invalid([]Problem{{
			Path: "/command", Message: "unknown command of " + p.id, DidYouMean: suggest(params.Command, names)}})
	}
	var problems []Problem
	settings := p.settings.read(params.Connection.Settings, "/connection/settings", &problems)
	arguments = made.read(params.Arguments, &problems)
	if len(problems) > 0 {
		return made, nil, nil, invalid(problems)
	}
	call = &Call{plugin: p, command: made, settings: settings, rawSettings: params.Connection.Settings, options: params.Options}
	return made, arguments, call, nil
}

func (p *Plugin) integrationProblem(id *string) *Problem {
	if id == nil || *id == p.id {
		return nil
	}
	return &Problem{
		Path: "/integration", Message: "unknown integration; expected one of: " + p.id,
		DidYouMean: suggest(*id, []string{p.id})}
}
