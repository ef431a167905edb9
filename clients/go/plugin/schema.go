package plugin

import (
	"encoding/json"
	"fmt"
	"reflect"
	"regexp"
	"strconv"
	"strings"
)

// Secret is a secret setting. By default it holds the placeholder that the host replaces in requests.
type Secret string

// GoString keeps the value out of logs with %#v.
func (s Secret) GoString() string { return `plugin.Secret("…")` }

// URL is a setting with an address of the vendor. The host allows requests to its origin.
type URL string

type schema = map[string]any

var (
	secretType = reflect.TypeOf(Secret(""))
	urlType    = reflect.TypeOf(URL(""))
	rawType    = reflect.TypeOf(json.RawMessage(nil))
)

// field is a property: a parameter, or a setting.
type field struct {
	name      string
	index     int
	schema    schema
	required  bool
	byDefault json.RawMessage
	check     func(reflect.Value) string
}

// object describes the struct of parameters or settings.
type object struct {
	kind   reflect.Type
	fields []field
	byName map[string]*field
}

// objectOf reads the tags of a struct: json, desc, title, enum, default, examples, minimum, maximum,
// minLength, maxLength, pattern, minItems, maxItems, source, required. It panics for a type that has no
// schema, because that is a mistake in the plugin.
func objectOf(kind reflect.Type, place string) *object {
	if kind.Kind() != reflect.Struct {
		panic(fmt.Sprintf("plugin: %s is a %s; expected a struct", place, kind))
	}
	made := &object{kind: kind, byName: map[string]*field{}}
	for at := 0; at < kind.NumField(); at++ {
		declared := kind.Field(at)
		name, options, _ := strings.Cut(declared.Tag.Get("json"), ",")
		if !declared.IsExported() || name == "-" {
			continue
		}
		if name == "" {
			name = declared.Name
		}
		made.fields = append(made.fields, fieldOf(declared, name, options, at, place+"."+declared.Name))
	}
	for at := range made.fields {
		made.byName[made.fields[at].name] = &made.fields[at]
	}
	return made
}

func fieldOf(declared reflect.StructField, name, options string, at int, place string) field {
	tag := declared.Tag
	made := field{name: name, index: at}
	made.schema = schemaOf(declared.Type, place)
	if tag.Get("title") != "" {
		made.schema["title"] = tag.Get("title")
	} else {
		made.schema["title"] = titleOf(name)
	}
	if tag.Get("desc") != "" {
		made.schema["description"] = tag.Get("desc")
	}
	restrict(made.schema, tag, place)
	if text, ok := tag.Lookup("default"); ok {
		made.byDefault = literal(text, declared.Type, place)
		made.schema["default"] = made.byDefault
	}
	if text, ok := tag.Lookup("examples"); ok {
		var examples []json.RawMessage
		for _, one := range strings.Split(text, ",") {
			examples = append(examples, literal(one, declared.Type, place))
		}
		made.schema["examples"] = examples
	}
	if text, ok := tag.Lookup("source"); ok {
		command, path, _ := strings.Cut(text, " ")
		made.schema["x-source"] = []schema{{"command": command, "path": path}}
	}
	isOptional := strings.Contains(options, "omitempty") || declared.Type.Kind() == reflect.Pointer
	made.required = made.byDefault == nil && !isOptional
	if text, ok := tag.Lookup("required"); ok {
		made.required = text == "true"
	}
	made.check = checkOf(made.schema)
	return made
}

func (o *object) schema() schema {
	properties := schema{}
	required := []string{}
	for _, one := range o.fields {
		properties[one.name] = one.schema
		if one.required {
			required = append(required, one.name)
		}
	}
	made := schema{"type": "object", "properties": properties, "additionalProperties": false}
	if len(required) > 0 {
		made["required"] = required
	}
	return made
}

// names returns the names of all fields.
func (o *object) names() []string {
	names := make([]string, 0, len(o.fields))
	for _, one := range o.fields {
		names = append(names, one.name)
	}
	return names
}

// read decodes an object into a new struct. null means the same as leaving out a member.
func (o *object) read(raw json.RawMessage, path string, problems *[]Problem) reflect.Value {
	made := reflect.New(o.kind).Elem()
	var members map[string]json.RawMessage
	if len(raw) > 0 && json.Unmarshal(raw, &members) != nil {
		*problems = append(*problems, Problem{Path: path, Message: "must be an object"})
		return made
	}
	for name := range members {
		if o.byName[name] == nil {
			*problems = append(*problems, Problem{
				Path: path + "/" + escaped(name), Message: "unknown parameter", DidYouMean: suggest(name, o.names())})
		}
	}
	for at := range o.fields {
		one := &o.fields[at]
		given, ok := members[one.name]
		if !ok || string(given) == "null" {
			if one.required {
				*problems = append(*problems, Problem{Path: path + "/" + escaped(one.name), Message: "is missing"})
			} else if one.byDefault != nil {
				json.Unmarshal(one.byDefault, made.Field(one.index).Addr().Interface())
			}
			continue
		}
		value := made.Field(one.index)
		if err := json.Unmarshal(given, value.Addr().Interface()); err != nil {
			*problems = append(*problems, Problem{
				Path: path + "/" + escaped(one.name), Message: fmt.Sprintf("must be %s", described(one.schema))})
		} else if problem := one.check(value); problem != "" {
			*problems = append(*problems, Problem{Path: path + "/" + escaped(one.name), Message: problem})
		}
	}
	return made
}

func schemaOf(kind reflect.Type, place string) schema {
	switch {
	case kind == secretType:
		return schema{"type": "string", "writeOnly": true}
	case kind == urlType:
		return schema{"type": "string", "format": "uri"}
	case kind == rawType || kind.Kind() == reflect.Interface:
		return schema{}
	}
	switch kind.Kind() {
	case reflect.String:
		return schema{"type": "string"}
	case reflect.Bool:
		return schema{"type": "boolean"}
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return schema{"type": "integer"}
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return schema{"type": "integer", "minimum": 0}
	case reflect.Float32, reflect.Float64:
		return schema{"type": "number"}
	case reflect.Pointer:
		return schemaOf(kind.Elem(), place)
	case reflect.Slice, reflect.Array:
		return schema{"type": "array", "items": schemaOf(kind.Elem(), place)}
	case reflect.Map:
		if kind.Key().Kind() == reflect.String {
			return schema{"type": "object", "additionalProperties": schemaOf(kind.Elem(), place)}
		}
	case reflect.Struct:
		return objectOf(kind, place).schema()
	}
	panic(fmt.Sprintf("plugin: %s: %s has no JSON Schema", place, kind))
}

func restrict(into schema, tag reflect.StructTag, place string) {
	for _, name := range []string{"minimum", "maximum", "minLength", "maxLength", "minItems", "maxItems"} {
		if text, ok := tag.Lookup(name); ok {
			number, err := strconv.ParseFloat(text, 64)
			if err != nil {
				panic(fmt.Sprintf("plugin: %s: %s is %q; expected a number", place, name, text))
			}
			into[name] = number
		}
	}
	if text, ok := tag.Lookup("pattern"); ok {
		regexp.MustCompile(text)
		into["pattern"] = text
	}
	if text, ok := tag.Lookup("enum"); ok {
		target := into
		if items, ok := into["items"].(schema); ok {
			target = items
		}
		target["enum"] = strings.Split(text, ",")
	}
}

// literal is the JSON of a value in a tag.
func literal(text string, kind reflect.Type, place string) json.RawMessage {
	for kind.Kind() == reflect.Pointer || kind.Kind() == reflect.Slice && !json.Valid([]byte(text)) {
		kind = kind.Elem()
	}
	raw := json.RawMessage(text)
	if kind.Kind() == reflect.String {
		raw, _ = json.Marshal(text)
	}
	if err := json.Unmarshal(raw, reflect.New(kind).Interface()); err != nil {
		panic(fmt.Sprintf("plugin: %s: %q is no %s", place, text, kind))
	}
	return raw
}

// checkOf returns a function that says why a decoded value is not allowed, or "".
func checkOf(one schema) func(reflect.Value) string {
	minimum, hasMinimum := one["minimum"].(float64)
	maximum, hasMaximum := one["maximum"].(float64)
	choices, _ := one["enum"].([]string)
	if items, ok := one["items"].(schema); ok {
		choices, _ = items["enum"].([]string)
	}
	var pattern *regexp.Regexp
	if text, ok := one["pattern"].(string); ok {
		pattern = regexp.MustCompile(text)
	}
	var check func(value reflect.Value) string
	check = func(value reflect.Value) string {
		switch value.Kind() {
		case reflect.Pointer:
			if !value.IsNil() {
				return check(value.Elem())
			}
		case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
			return outside(float64(value.Int()), minimum, hasMinimum, maximum, hasMaximum)
		case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
			return outside(float64(value.Uint()), minimum, hasMinimum, maximum, hasMaximum)
		case reflect.Float32, reflect.Float64:
			return outside(value.Float(), minimum, hasMinimum, maximum, hasMaximum)
		case reflect.String:
			text := value.String()
			if choices != nil && !contains(choices, text) {
				return "unknown value; expected one of: " + strings.Join(choices, ", ")
			}
			if pattern != nil && !pattern.MatchString(text) {
				return "must match the pattern " + pattern.String()
			}
			return counted(len([]rune(text)), one, "minLength", "maxLength", "characters")
		case reflect.Slice:
			for at := 0; at < value.Len(); at++ {
				if choices != nil && value.Index(at).Kind() == reflect.String && !contains(choices, value.Index(at).String()) {
					return "unknown value; expected some of: " + strings.Join(choices, ", ")
				}
			}
			return counted(value.Len(), one, "minItems", "maxItems", "elements")
		}
		return ""
	}
	return check
}

func outside(value, minimum float64, hasMinimum bool, maximum float64, hasMaximum bool) string {
	switch {
	case hasMinimum && value < minimum:
		return fmt.Sprintf("must be at least %v", minimum)
	case hasMaximum && value > maximum:
		return fmt.Sprintf("must be at most %v", maximum)
	}
	return ""
}

func counted(count int, one schema, low, high, what string) string {
	if limit, ok := one[low].(float64); ok && float64(count) < limit {
		return fmt.Sprintf("must have at least %v %s", limit, what)
	}
	if limit, ok := one[high].(float64); ok && float64(count) > limit {
		return fmt.Sprintf("must have at most %v %s", limit, what)
	}
	return ""
}

func contains(words []string, word string) bool {
	for _, one := range words {
		if one == word {
			return true
		}
	}
	return false
}

func described(one schema) string {
	switch one["type"] {
	case "string":
		return "text"
	case "boolean":
		return "true or false"
	case "integer":
		return "an integer"
	case "number":
		return "a number"
	case "array":
		return "a list"
	}
	return "an object"
}

var acronyms = map[string]string{"api": "API", "id": "ID", "ids": "IDs", "ip": "IP", "url": "URL", "urls": "URLs"}

// titleOf makes List Devices of list_devices.
func titleOf(name string) string {
	words := strings.Split(name, "_")
	for at, word := range words {
		if acronyms[word] != "" {
			words[at] = acronyms[word]
		} else if word != "" {
			words[at] = strings.ToUpper(word[:1]) + word[1:]
		}
	}
	return strings.Join(words, " ")
}

func escaped(name string) string {
	return strings.ReplaceAll(strings.ReplaceAll(name, "~", "~0"), "/", "~1")
}
