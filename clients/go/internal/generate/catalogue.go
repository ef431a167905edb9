package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"sort"
	"strings"
)

// Integration is an integration in capabilities.
type Integration struct {
	ID, Title, Description string
	Commands               []Command
}

// Command is a command in capabilities.
type Command struct {
	ID, Title, Description string
	Parameters             Schema
	ItemsPath              string `json:"items_path"`
	Effect                 string
	Idempotent             bool
	PartialSuccess         bool `json:"partial_success"`
	Permissions            []string
	RateLimit              *struct {
		Requests   json.Number
		PerSeconds json.Number `json:"per_seconds"`
	} `json:"rate_limit"`
	ReadBack string `json:"read_back"`
	// Events is nil for a command that fetches no events.
	Events *struct {
		// End is the parameter for the end of the time range.
		End string
	}
}

// followed are the parameters of a command that is followed, which has no end.
func (c Command) followed() Schema {
	end := c.Events.End
	if end == "" {
		end = "end_time"
	}
	schema := c.Parameters
	schema.Properties = nil
	for _, property := range c.Parameters.Properties {
		if property.name != end {
			schema.Properties = append(schema.Properties, property)
		}
	}
	return schema
}

// Schema is the part of JSON Schema that describes parameters.
type Schema struct {
	Title, Description string
	Type               types
	Enum               []string
	Properties         properties
	Required           []string
	Items              *Schema
	Default            json.RawMessage
	Examples           []json.RawMessage
	Sources            []source `json:"x-source"`
}

// source is another command that returns values of a parameter.
type source struct {
	Command, Path string
	// With are the arguments that the command needs, Required those that need some value.
	With     map[string]string
	Required []string
}

// conditions is " with endpoint_type endpoints and a parent_id", or empty.
func (s source) conditions() string {
	var all []string
	for name, value := range s.With {
		all = append(all, name+" "+value)
	}
	sort.Strings(all)
	for _, name := range s.Required {
		all = append(all, "a "+name)
	}
	if len(all) == 0 {
		return ""
	}
	return " with " + strings.Join(all, " and ")
}

// types is one type or several.
type types []string

func (t *types) UnmarshalJSON(data []byte) error {
	var one string
	if json.Unmarshal(data, &one) == nil {
		*t = types{one}
		return nil
	}
	return json.Unmarshal(data, (*[]string)(t))
}

// properties keeps the order of an object.
type properties []property

type property struct {
	name   string
	schema Schema
}

func (p *properties) UnmarshalJSON(data []byte) error {
	decoder := json.NewDecoder(bytes.NewReader(data))
	if start, err := decoder.Token(); err != nil || start != json.Delim('{') {
		return fmt.Errorf("properties is not an object")
	}
	for decoder.More() {
		name, err := decoder.Token()
		if err != nil {
			return err
		}
		next := property{name: name.(string)} // member names are strings
		if err := decoder.Decode(&next.schema); err != nil {
			return fmt.Errorf("%s: %w", next.name, err)
		}
		*p = append(*p, next)
	}
	return nil
}

func (s Schema) requires(name string) bool {
	for _, required := range s.Required {
		if required == name {
			return true
		}
	}
	return false
}
