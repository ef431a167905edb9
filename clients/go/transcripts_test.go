package sallyport_test

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// Plays protocol/transcripts, whose grammar is in the README there.
func TestTheHostKeepsToTheTranscripts(t *testing.T) {
	paths, err := filepath.Glob("../../protocol/transcripts/*.txt")
	if err != nil || len(paths) == 0 {
		t.Fatal("there are no transcripts", err)
	}
	for _, path := range paths {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".txt"), func(t *testing.T) {
			text, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			(&player{T: t, kept: map[string]string{}}).play(strings.Split(string(text), "\n"))
		})
	}
}

// patience is how long one step may take.
const patience = 30 * time.Second

type player struct {
	*testing.T
	arguments []string
	process   *exec.Cmd
	input     io.WriteCloser
	output    *os.File
	lines     chan string
	log       lockedBuffer
	kept      map[string]string
	last      string
	silences  int
	ended     bool
}

func (p *player) play(lines []string) {
	var group []string
	inGroup := false
	for number, line := range lines {
		word, text, _ := strings.Cut(line, " ")
		if strings.TrimSpace(line) == "" || strings.HasPrefix(line, "#") || word == "proves" {
			continue
		}
		if word == "args" {
			p.arguments = shellWords(text)
			continue
		}
		if p.process == nil {
			p.start()
		}
		for name, value := range p.kept {
			text = strings.ReplaceAll(text, "${"+name+"}", value)
		}
		var problem error
		switch {
		case word == "unordered":
			inGroup = true
		case word == "end":
			inGroup = false
			problem = p.expect(group)
			group = nil
		case inGroup:
			group = append(group, word+" "+text)
		default:
			problem = p.do(word, text)
		}
		if problem != nil {
			p.Fatalf("line %d: %v\nstderr: %s", number+1, problem, p.log.String())
		}
	}
	if !p.ended {
		p.input.Close()
		if err := p.expectExit(0); err != nil {
			p.Fatalf("at its end: %v\nstderr: %s", err, p.log.String())
		}
	}
}

func (p *player) start() {
	p.process = exec.Command(os.Getenv("SALLYPORT"), append([]string{"serve"}, p.arguments...)...)
	output, theirs, err := os.Pipe()
	if err == nil {
		p.output, p.process.Stdout, p.process.Stderr = output, theirs, &p.log
		p.input, err = p.process.StdinPipe()
	}
	if err == nil {
		err = p.process.Start()
	}
	if err != nil {
		p.Fatal(err)
	}
	theirs.Close()
	p.Cleanup(func() {
		p.process.Process.Kill()
		p.process.Wait()
		output.Close()
	})
	p.lines = make(chan string, 100_000)
	go func() {
		defer close(p.lines)
		for reader := bufio.NewReader(output); ; {
			line, err := reader.ReadString('\n')
			if line != "" {
				p.lines <- strings.TrimSuffix(line, "\n")
			}
			if err != nil {
				return
			}
		}
	}()
}

func (p *player) do(word, text string) error {
	switch word {
	case "->":
		return p.send(text + "\n")
	case "raw":
		return p.send(unescape(text))
	case "<-", "<=":
		if word == "<-" && text == "nothing" {
			return p.expectNothing()
		}
		return p.expect([]string{word + " " + text})
	case "keep":
		name, pointer, _ := strings.Cut(text, " ")
		return p.keep(name, pointer)
	case "stderr":
		for end := time.Now().Add(patience); !strings.Contains(p.log.String(), text); time.Sleep(5 * time.Millisecond) {
			if time.Now().After(end) {
				return fmt.Errorf("stderr does not say %q", text)
			}
		}
		return nil
	case "signal":
		return p.process.Process.Signal(map[string]os.Signal{"TERM": syscall.SIGTERM, "INT": syscall.SIGINT}[text])
	case "hang": // up
		return p.output.Close()
	case "eof":
		return p.input.Close()
	case "exit":
		code, err := strconv.Atoi(text)
		if err != nil {
			return err
		}
		return p.expectExit(code)
	}
	return fmt.Errorf("no step begins with %q", word)
}

func (p *player) send(text string) error {
	_, err := io.WriteString(p.input, text)
	return err
}

func (p *player) read() (string, error) {
	select {
	case line, ok := <-p.lines:
		if !ok {
			return "", errors.New("the output has ended")
		}
		p.last = line
		return line, nil
	case <-time.After(patience):
		return "", errors.New("no answer came")
	}
}

// expect reads a line for each of the steps, in any order.
func (p *player) expect(steps []string) error {
	for len(steps) > 0 {
		line, err := p.read()
		if err != nil {
			return err
		}
		var differences []string
		found := -1
		for at, step := range steps {
			word, text, _ := strings.Cut(step, " ")
			difference := ""
			if word == "<=" && line != text {
				difference = "expected " + text
			} else if word == "<-" {
				difference = differenceOf(text, line)
			}
			if differences = append(differences, difference); difference == "" {
				found = at
				break
			}
		}
		if found < 0 {
			return fmt.Errorf("%s\n%s", line, strings.Join(differences, "\n"))
		}
		steps = append(steps[:found:found], steps[found+1:]...)
	}
	return nil
}

func (p *player) expectNothing() error {
	p.silences++
	id := fmt.Sprintf(`"silence %d"`, p.silences)
	if err := p.send(`{"jsonrpc":"2.0","id":` + id + `,"method":"ping"}` + "\n"); err != nil {
		return err
	}
	return p.expect([]string{`<= {"jsonrpc":"2.0","id":` + id + `,"result":{}}`})
}

func (p *player) expectExit(code int) error {
	p.ended = true
	ended := make(chan error, 1)
	go func() { ended <- p.process.Wait() }()
	select {
	case <-ended:
	case <-time.After(patience):
		return errors.New("the host does not end")
	}
	if got := p.process.ProcessState.ExitCode(); got != code {
		return fmt.Errorf("it ended with %d, not %d", got, code)
	}
	for line := range p.lines {
		return fmt.Errorf("it also said %s", line)
	}
	return nil
}

func (p *player) keep(name, pointer string) error {
	var value any
	if err := json.Unmarshal([]byte(p.last), &value); err != nil {
		return err
	}
	for _, part := range strings.Split(pointer, "/")[1:] {
		switch inside := value.(type) {
		case map[string]any:
			value = inside[part]
		case []any:
			at, err := strconv.Atoi(part)
			if err != nil || at >= len(inside) {
				return fmt.Errorf("there is no %s", pointer)
			}
			value = inside[at]
		}
	}
	text, ok := value.(string)
	if p.kept[name] = text; !ok {
		return fmt.Errorf("%v is no string", value)
	}
	return nil
}

func differenceOf(expected, got string) string {
	var want, is any
	if err := decodeKeepingNumbers(expected, &want); err != nil {
		return "the transcript has no JSON: " + err.Error()
	}
	if err := decodeKeepingNumbers(got, &is); err != nil {
		return "no JSON: " + err.Error()
	}
	return differs(want, is, "$")
}

func decodeKeepingNumbers(text string, value *any) error {
	decoder := json.NewDecoder(strings.NewReader(text))
	decoder.UseNumber()
	return decoder.Decode(value)
}

// differs tells where and how, or nothing when it is as expected.
func differs(expected, got any, place string) string {
	const anything = "…"
	unlike := fmt.Sprintf("%s: expected %v, got %v", place, expected, got)
	switch expected := expected.(type) {
	case string:
		if expected == anything {
			return ""
		}
		parts := strings.Split(expected, anything)
		for at := range parts {
			parts[at] = regexp.QuoteMeta(parts[at])
		}
		text, ok := got.(string)
		if !ok || !regexp.MustCompile("(?s)^"+strings.Join(parts, ".*")+"$").MatchString(text) {
			return unlike
		}
	case []any:
		array, ok := got.([]any)
		if !ok || len(array) != len(expected) {
			return unlike
		}
		for at := range expected {
			if difference := differs(expected[at], array[at], fmt.Sprintf("%s[%d]", place, at)); difference != "" {
				return difference
			}
		}
	case map[string]any:
		object, ok := got.(map[string]any)
		if !ok {
			return unlike
		}
		for name, value := range expected {
			if name == anything {
				continue
			}
			member, ok := object[name]
			if !ok {
				return place + ": without " + name
			}
			if difference := differs(value, member, place+"."+name); difference != "" {
				return difference
			}
		}
		for name := range object {
			if expected[name] == nil && expected[anything] == nil {
				if _, isNull := expected[name]; !isNull {
					return place + ": with " + name + " too"
				}
			}
		}
	default:
		if !reflect.DeepEqual(expected, got) {
			return unlike
		}
	}
	return ""
}

func shellWords(text string) []string {
	var words []string
	for _, word := range regexp.MustCompile(`(?:'[^']*'|[^\s'])+`).FindAllString(text, -1) {
		words = append(words, strings.ReplaceAll(word, "'", ""))
	}
	return words
}

func unescape(text string) string {
	return regexp.MustCompile(`\\(x[0-9a-fA-F]{2}|.)`).ReplaceAllStringFunc(text, func(escape string) string {
		if escape[1] == 'x' {
			code, _ := strconv.ParseUint(escape[2:], 16, 8) // two digits, as the pattern has it
			return string([]byte{byte(code)})
		}
		return map[byte]string{'r': "\r", 'n': "\n", 't': "\t", '\\': `\`}[escape[1]]
	})
}

func TestComparingIsAsTheGrammarSays(t *testing.T) {
	for _, test := range []struct {
		expected, got string
		equal         bool
	}{
		{`{"a":1,"b":2}`, `{"b":2,"a":1}`, true}, {`{"a":1}`, `{"a":1.0}`, false}, {`{"a":"…"}`, `{"a":[1]}`, true},
		{`{"a":1,"…":"…"}`, `{"a":1,"b":2}`, true}, {`{"a":1}`, `{"a":1,"b":2}`, false}, {`{"a":1}`, `{}`, false},
		{`"x…z"`, `"xyz"`, true}, {`"x…z"`, `"xy"`, false}, {`[1]`, `[1,2]`, false}, {`["…"]`, `[]`, false},
		{`"1"`, `1`, false}, {`1`, `"1"`, false}, {`null`, `false`, false}, {`true`, `1`, false}, {`"a.c"`, `"abc"`, false},
		{`{"a":null}`, `{"a":null}`, true}, {`{"a":null}`, `{"a":1}`, false},
	} {
		if difference := differenceOf(test.expected, test.got); (difference == "") != test.equal {
			t.Errorf("%s, %s: %q", test.expected, test.got, difference)
		}
	}
}
