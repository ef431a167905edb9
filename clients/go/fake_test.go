package sallyport_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"example.invalid/sallyport"
)

// playHost is a host that behaves as badly as the command of an invoke says. It runs in a
// separate process: this test binary, started with FAKE_HOST set.
func playHost(mode string) {
	if mode == "no start" {
		fmt.Fprintln(os.Stderr, "sallyport: connections.json: no such file")
		os.Exit(2)
	}
	if strings.HasPrefix(mode, "follow") {
		playFollowed(mode)
		return
	}
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, 64<<20)
	var held []string
	seen, invokes := 0, 0
	for lines.Scan() {
		seen++
		var request struct {
			ID     json.RawMessage
			Method string
			Params struct {
				ID        json.RawMessage
				Command   string
				Arguments json.RawMessage
			}
		}
		if err := json.Unmarshal(lines.Bytes(), &request); err != nil {
			panic(err)
		}
		id := string(request.ID)
		switch request.Method {
		case "ping":
			answer(id, "{}")
		case "metrics":
			answer(id, `{"content_type":"text/plain","text":"# EOF\n"}`)
		case "connections/reload":
			answer(id, `{"added":["a"],"changed":[],"removed":[],"rejected":[{"name":"d","problems":[`+
				`{"path":"/settings/api_key","message":"must not be empty"}]}]}`)
		case "seen":
			answer(id, fmt.Sprint(invokes))
		case "cancel":
			if mode == "done anyway" {
				answer(string(request.Params.ID), `{"return_data":"Successful","notices":["was done"]}`)
			}
		case "invoke":
			invokes++
			if request.Params.Command == "hold" {
				held = append(held, id)
			} else {
				misbehave(request.Params.Command, id, seen, lines.Text())
			}
		}
	}
	for _, id := range held {
		answer(id, `{"return_data":"Successful"}`)
	}
}

func answer(id, result string) {
	say(fmt.Sprintf(`{"jsonrpc":"2.0","id":%s,"result":%s}`, id, result))
}

func item(id string, seq int, item string) {
	say(fmt.Sprintf(`{"jsonrpc":"2.0","method":"invoke/item","params":{"id":%s,"seq":%d,"item":%s}}`, id, seq, item))
}

func say(line string) { os.Stdout.WriteString(line + "\n") }

const manyItems = 500

func misbehave(command, id string, line int, text string) {
	const success = `{"return_data":"Successful"}`
	switch command {
	case "silent":
	case "echo":
		answer(id, `{"return_data":"Successful","raw_data":`+text+`}`)
	case "news behind it":
		answer(id, success)
		say(`{"jsonrpc":"2.0","method":"news","params":{"of":"today"}}`)
	case "exit":
		fmt.Fprintln(os.Stderr, "first\nsallyport: fatal: out of cheese")
		os.Exit(7)
	case "be killed":
		syscall.Kill(os.Getpid(), syscall.SIGKILL)
	case "cut off":
		os.Stdout.WriteString(`{"jsonrpc":"2.0","id":` + id + `,"result":{"return_data":"Succ`)
		os.Exit(0)
	case "garbage":
		say("Segmentation fault\n\n[]\n{}\n\"text\"\n17")
		say(`{"jsonrpc":"2.0","id":999999,"result":{}}`)
		say(`{"jsonrpc":"2.0","id":null,"error":{"code":-32700,"message":"?"}}`)
		say(`{"jsonrpc":"2.0","method":"invoke/item","params":{"id":999999,"seq":0,"item":1}}`)
		say(`{"jsonrpc":"2.0","method":"news","params":{"of":"today"}}`)
		say("\xff\xfe" + strings.Repeat("x", 200<<10))
		answer(id, success)
	case "other order":
		say(` { "result" : {"return_data":"Successful","notices":["other"]}, "id" : ` + id + `, "jsonrpc":"2.0" } ` + "\r")
	case "not a result":
		answer(id, `{"return_data":`)
	case "bad line":
		say(fmt.Sprintf(`{"jsonrpc":"2.0","id":null,"error":{"code":-32600,"message":"The line is too long.","data":{"line":%d,"offset":9}}}`, line))
	case "log flood":
		os.Stderr.WriteString(strings.Repeat(strings.Repeat("y", 5000)+"\n", 4000))
		answer(id, success)
	case "gap":
		item(id, 0, "0")
		item(id, 2, "2")
		answer(id, success)
	case "not an item":
		item(id, 0, `{"a":`)
		answer(id, success)
	case "many":
		filler := strings.Repeat("z", 64<<10)
		for seq := 0; seq < manyItems; seq++ {
			item(id, seq, `{"n":`+fmt.Sprint(seq)+`,"filler":"`+filler+`"}`)
		}
		answer(id, `{"return_data":"Successful","meta":{"items":500}}`)
	default:
		panic(command)
	}
}

// startFake starts a host with this fault.
func startFake(t *testing.T, mode string, options sallyport.Options) *sallyport.Host {
	t.Helper()
	host, err := sallyport.Start(testContext(t), fake(t, mode, options))
	if err != nil {
		t.Fatal(err)
	}
	closeAfter(t, host)
	return host
}

func fake(t *testing.T, mode string, options sallyport.Options) sallyport.Options {
	t.Helper()
	path, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	options.Path = path
	// A process under the race detector would wait a second before it ends.
	options.Env = append(os.Environ(), "FAKE_HOST="+mode, "GORACE=atexit_sleep_ms=0")
	return options
}

// testContext ends when the test has taken far longer than it may.
func testContext(t testing.TB) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	t.Cleanup(cancel)
	return ctx
}

// closeAfter closes the host at the end of the test, which must leave no goroutine behind.
func closeAfter(t *testing.T, host *sallyport.Host) {
	t.Helper()
	t.Cleanup(func() {
		host.Close()
		expectNoGoroutines(t)
	})
}

// expectNoGoroutines looks for goroutines that the package has started.
func expectNoGoroutines(t *testing.T) {
	t.Helper()
	var left string
	for attempt := 0; attempt < 500; attempt++ {
		stacks := make([]byte, 1<<20)
		stacks = stacks[:runtime.Stack(stacks, true)]
		left = ""
		for _, stack := range strings.Split(string(stacks), "\n\n") {
			if strings.Contains(stack, "created by example.invalid/sallyport.") {
				left = stack
			}
		}
		if left == "" {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Errorf("a goroutine was left behind:\n%s", left)
}
