package plugin

import (
	"bytes"
	"encoding/json"
	"strings"
)

// Result is a result that is more than a body. Members that are nil are left out.
type Result struct {
	// Body is the vendor's body.
	Body any
	// Events and Cursor are those of a command with the option Events.
	Events []Event
	Cursor string
	// Notices are further facts for the caller.
	Notices []string

	returnData string
	targets    []Target
}

// Target is the outcome of one target.
type Target struct {
	Target     any          `json:"target"`
	ReturnData string       `json:"return_data"`
	Data       any          `json:"data,omitempty"`
	Error      *failureData `json:"error,omitempty"`
}

// Event is an event with its fields.
type Event struct {
	Fields map[string]any  `json:"fields"`
	Raw    json.RawMessage `json:"raw"`
}

// events declares how events are built.
type events struct {
	Main   string       `json:"main_event_json_path"`
	Fields []EventField `json:"fields"`
	Cursor string       `json:"cursor"`
}

// EventField is a field of an event: the value at a path of simple names such as "$.a.b", or a constant.
type EventField struct {
	Name  string `json:"name"`
	Path  string `json:"path,omitempty"`
	Value string `json:"value,omitempty"`
}

// Events says that the command fetches events, with these fields. Its parameter for the cursor of an earlier
// result is named cursor.
func Events(fields ...EventField) CommandOption {
	return func(c *command) { c.Events = &events{Main: "$", Fields: fields, Cursor: "cursor"} }
}

// Event makes the event of a document, by the command's option Events.
func (c *Call) Event(raw json.RawMessage) Event {
	made := Event{Fields: map[string]any{}, Raw: raw}
	if c.command.Events == nil {
		return made
	}
	for _, one := range c.command.Events.Fields {
		if one.Path == "" {
			made.Fields[one.Name] = one.Value
		} else if found := selectIn(raw, strings.Split(one.Path, ".")[1:]); found != nil {
			made.Fields[one.Name] = found
		}
	}
	return made
}

// selectIn returns the value at a path of names, or nil.
func selectIn(raw json.RawMessage, names []string) json.RawMessage {
	for _, name := range names {
		var members map[string]json.RawMessage
		if json.Unmarshal(raw, &members) != nil {
			return nil
		}
		raw = members[name]
	}
	return raw
}

type wireResult struct {
	ReturnData string          `json:"return_data"`
	RawData    json.RawMessage `json:"raw_data,omitempty"`
	Targets    []Target        `json:"targets,omitempty"`
	Errors     []*failureData  `json:"errors,omitempty"`
	Files      []FileReference `json:"files,omitempty"`
	Events     []Event         `json:"events,omitempty"`
	Cursor     string          `json:"cursor,omitempty"`
	Notices    []string        `json:"notices,omitempty"`
	Meta       map[string]int  `json:"meta,omitempty"`
}

// finish makes the protocol's result of what a command returned.
func (c *Call) finish(returned any) (*wireResult, error) {
	result, ok := returned.(Result)
	if !ok {
		result = Result{Body: returned}
	}
	made := &wireResult{
		ReturnData: "Successful", Targets: result.targets, Cursor: result.Cursor,
		Notices: append(c.notices, result.Notices...), Files: c.files}
	if result.returnData != "" {
		made.ReturnData = result.returnData
	}
	for _, one := range result.targets {
		if one.Error != nil {
			copied := *one.Error
			copied.Target = one.Target
			made.Errors = append(made.Errors, &copied)
		}
	}
	var body json.RawMessage
	if result.Body != nil {
		raw, err := encode(result.Body)
		if err != nil {
			return nil, err
		}
		body = raw
	}
	if c.options.Stream {
		c.stream(&result, body)
		made.Meta = map[string]int{"items": c.sent}
		return made, nil
	}
	made.Events = result.Events
	if c.hasItems {
		body = withItems(body, c.command.items, c.collected)
	}
	made.RawData = body
	return made, nil
}

// stream sends what the command returned, unless it has emitted items.
func (c *Call) stream(result *Result, body json.RawMessage) {
	switch {
	case c.hasItems || result.targets != nil:
	case result.Events != nil:
		for _, one := range result.Events {
			raw, _ := encode(one)
			c.emit(raw)
		}
	default:
		var items []json.RawMessage
		json.Unmarshal(selectIn(body, c.command.items), &items)
		for _, one := range items {
			c.emit(one)
		}
	}
}

// withItems returns the body with these items at the path.
func withItems(body json.RawMessage, path []string, items []json.RawMessage) json.RawMessage {
	if len(path) == 0 {
		if items == nil {
			items = []json.RawMessage{}
		}
		raw, _ := encode(items)
		return raw
	}
	members := map[string]json.RawMessage{}
	json.Unmarshal(body, &members)
	if members == nil {
		members = map[string]json.RawMessage{}
	}
	members[path[0]] = withItems(members[path[0]], path[1:], items)
	raw, _ := encode(members)
	return raw
}

// encode is JSON without escapes for HTML.
func encode(value any) (json.RawMessage, error) {
	var buffer bytes.Buffer
	encoder := json.NewEncoder(&buffer)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(value); err != nil {
		return nil, err
	}
	return bytes.TrimRight(buffer.Bytes(), "\n"), nil
}
