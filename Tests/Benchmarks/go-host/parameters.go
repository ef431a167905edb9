package main

import (
	"encoding/json"
	"fmt"
	"sort"
	"strconv"
	"strings"
)

// parameter declares one argument. Commands contain no checks of their arguments.
type parameter struct {
	title    string
	check    func(any) string
	required bool
	members  map[string]parameter // of an object
}

// validate collects all problems, not only the first.
func validate(path string, declared map[string]parameter, given map[string]any) []problem {
	var problems []problem
	for name, value := range given {
		p, known := declared[name]
		switch {
		case !known:
			problems = append(problems, problem{path + "/" + name, "There is no such parameter."})
		case p.members != nil:
			object, ok := value.(map[string]any)
			if !ok {
				problems = append(problems, invalid(path, name, p, "It must be an object."))
				continue
			}
			problems = append(problems, validate(path+"/"+name, p.members, object)...)
		default:
			if fault := p.check(value); fault != "" {
				problems = append(problems, invalid(path, name, p, fault))
			}
		}
	}
	for name, p := range declared {
		if _, present := given[name]; p.required && !present {
			problems = append(problems, invalid(path, name, p, "It is required."))
		}
	}
	sort.Slice(problems, func(i, j int) bool { return problems[i].Path < problems[j].Path })
	return problems
}

func invalid(path, name string, p parameter, fault string) problem {
	message := fmt.Sprintf("The value for parameter (%s) is invalid. %s", p.title, fault)
	return problem{path + "/" + name, message}
}

func integer(minimum, maximum int64) func(any) string {
	return func(value any) string {
		number, ok := value.(json.Number)
		if !ok {
			return "It must be an integer."
		}
		return checkRange(string(number), minimum, maximum)
	}
}

// identifier also accepts a string of digits, as the wire contract allows.
func identifier(value any) string {
	switch v := value.(type) {
	case json.Number:
		return checkRange(string(v), 1, 1<<62)
	case string:
		return checkRange(v, 1, 1<<62)
	}
	return "It must be an integer."
}

func checkRange(text string, minimum, maximum int64) string {
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return "It must be an integer."
	}
	if n < minimum || n > maximum {
		return fmt.Sprintf("It must be from %d to %d.", minimum, maximum)
	}
	return ""
}

func choice(options ...string) func(any) string {
	return func(value any) string {
		text, ok := value.(string)
		if ok {
			for _, option := range options {
				if text == option {
					return ""
				}
			}
		}
		return "It must be one of " + strings.Join(options, ", ") + "."
	}
}

func boolean(value any) string {
	if _, ok := value.(bool); !ok {
		return "It must be true or false."
	}
	return ""
}

func nonEmptyText(value any) string {
	if text, ok := value.(string); !ok || text == "" {
		return "It must be a string that is not empty."
	}
	return ""
}
