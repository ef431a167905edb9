package plugin

import (
	"context"
	"encoding/json"
	"fmt"
	"reflect"
	"regexp"
	"strings"
)

var idPattern = regexp.MustCompile(`^[a-z][a-z0-9]*(_[a-z0-9]+)*$`)

const idRule = "an id has lower-case letters, digits and single underscores, and begins with a letter"

// command is the description of a command, as capabilities returns it, and its function.
type command struct {
	ID               string     `json:"id"`
	Title            string     `json:"title"`
	Description      string     `json:"description"`
	Parameters       schema     `json:"parameters"`
	Result           schema     `json:"result"`
	Effect           string     `json:"effect"`
	Idempotent       bool       `json:"idempotent"`
	Sensitive        bool       `json:"sensitive,omitempty"`
	PartialSuccess   bool       `json:"partial_success,omitempty"`
	Pages            bool       `json:"pages,omitempty"`
	Permissions      []string   `json:"permissions,omitempty"`
	ItemsPath        string     `json:"items_path,omitempty"`
	RateLimit        *rateLimit `json:"rate_limit,omitempty"`
	ReadBack         string     `json:"read_back,omitempty"`
	Events           *events    `json:"events,omitempty"`
	FailureIndicator string     `json:"failure_indicator"`

	items []string
	read  func(raw json.RawMessage, problems *[]Problem) any
	run   func(ctx context.Context, call *Call, arguments any) (any, error)
}

type rateLimit struct {
	Requests   int     `json:"requests"`
	PerSeconds float64 `json:"per_seconds"`
	Bucket     string  `json:"bucket"`
}

// CommandOption describes a command.
type CommandOption func(*command)

// Read says that the command changes nothing. The host may then retry it. Without Read and Destructive
// a command writes.
func Read() CommandOption {
	return func(c *command) { c.Effect, c.Idempotent = "read", true }
}

// Destructive says that the command takes something away.
func Destructive() CommandOption { return func(c *command) { c.Effect = "destructive" } }

// Idempotent says that repeating the command has no further effect. The host may then retry it.
func Idempotent() CommandOption { return func(c *command) { c.Idempotent = true } }

// Sensitive says that agents ask their user before they run it, although it is not destructive.
func Sensitive() CommandOption { return func(c *command) { c.Sensitive = true } }

// PartialSuccess says that some targets may fail while others succeed; see Targets.
func PartialSuccess() CommandOption { return func(c *command) { c.PartialSuccess = true } }

// Pages says that the command supports all_pages; see Call.AllPages.
func Pages() CommandOption { return func(c *command) { c.Pages = true } }

// Items is the path of the items in the result, such as "$.devices[*]" or "$[*]".
func Items(path string) CommandOption {
	return func(c *command) {
		names, ok := strings.CutSuffix(path, "[*]")
		parts := strings.Split(names, ".")
		if !ok || parts[0] != "$" {
			panic(fmt.Sprintf("plugin: command %s: items is %q; expected a path such as $.items[*] or $[*]", c.ID, path))
		}
		c.ItemsPath, c.items = path, parts[1:]
	}
}

// Permissions are what the vendor's user needs.
func Permissions(names ...string) CommandOption { return func(c *command) { c.Permissions = names } }

// RateLimit says how many requests the vendor allows in so many seconds.
func RateLimit(requests int, perSeconds float64) CommandOption {
	return func(c *command) { c.RateLimit = &rateLimit{requests, perSeconds, "default"} }
}

// ReadBack names the command that shows whether this one was applied.
func ReadBack(id string) CommandOption { return func(c *command) { c.ReadBack = id } }

// Describe is the description of the command.
func Describe(text string) CommandOption { return func(c *command) { c.Description = text } }

// CommandTitle replaces the title, which is derived from the id.
func CommandTitle(title string) CommandOption { return func(c *command) { c.Title = title } }

// Command adds a command. P is a struct whose tags describe the parameters. The function returns the
// vendor's body, or a Result. Command panics for a wrong declaration.
func Command[P any](p *Plugin, id string, run func(ctx context.Context, call *Call, in P) (any, error), options ...CommandOption) {
	if !idPattern.MatchString(id) {
		panic(fmt.Sprintf("plugin: command %q: %s", id, idRule))
	}
	if p.byID[id] != nil {
		panic(fmt.Sprintf("plugin: command %s is declared twice", id))
	}
	parameters := objectOf(reflect.TypeOf((*P)(nil)).Elem(), id)
	made := &command{
		ID: id, Title: titleOf(id), Effect: "write", Parameters: parameters.schema(), Result: schema{},
		read: func(raw json.RawMessage, problems *[]Problem) any {
			return parameters.read(raw, "/arguments", problems).Interface()
		},
		run: func(ctx context.Context, call *Call, arguments any) (any, error) {
			return run(ctx, call, arguments.(P))
		},
	}
	for _, option := range options {
		option(made)
	}
	if made.Description == "" {
		made.Description = made.Title + "."
	}
	made.FailureIndicator = made.Title + " failed."
	p.commands = append(p.commands, made)
	p.byID[id] = made
}

// outcome says whether a failed command may have been applied.
func (c *command) outcome(call *Call) string {
	if c.Effect == "read" || call.inDoubt.Load() == 0 && !call.hasWritten.Load() {
		return NotApplied
	}
	return Unknown
}

// outcomeOfTarget is the same for one target: requests for other targets do not count.
func (c *command) outcomeOfTarget(err *Error) string {
	status := err.status()
	if c.Effect == "read" || status >= 400 && status < 500 && status != 408 {
		return NotApplied
	}
	return Unknown
}
