package plugin

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime/debug"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

const (
	termWait  = 2 * time.Second
	drainWait = 60 * time.Second
)

var methods = []string{"capabilities", "invoke", "cancel", "ping", "shutdown"}

// server is the connection to the host.
type server struct {
	plugin *Plugin
	writer *writer
	lastID atomic.Uint64

	mu       sync.Mutex
	calls    map[string]*Call
	waiters  map[uint64]chan answer
	closed   bool
	shutdown bool
	running  sync.WaitGroup
}

type answer struct {
	result json.RawMessage
	err    error
}

type message struct {
	ID     json.RawMessage `json:"id"`
	Method *string         `json:"method"`
	Params json.RawMessage `json:"params"`
	Result json.RawMessage `json:"result"`
	Error  json.RawMessage `json:"error"`
}

// Serve serves a host over any pair of streams until the end of the input.
func (p *Plugin) Serve(in io.Reader, out io.Writer) {
	s := p.newServer(out)
	s.read(in)
	s.drain(drainWait)
}

func (p *Plugin) newServer(out io.Writer) *server {
	return &server{plugin: p, writer: newWriter(out), calls: map[string]*Call{}, waiters: map[uint64]chan answer{}}
}

// serveProcess is Serve that also ends at SIGTERM.
func (p *Plugin) serveProcess(in io.Reader, out io.Writer) {
	s := p.newServer(out)
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGTERM, os.Interrupt)
	ended := make(chan struct{})
	go func() {
		s.read(in)
		close(ended)
	}()
	select {
	case <-ended:
		go func() {
			<-signals
			s.cancelAll()
			time.Sleep(termWait)
			os.Exit(0)
		}()
		s.drain(drainWait)
	case <-signals:
		s.cancelAll()
		s.drain(termWait)
	}
}

// drain finishes what runs. Requests to the host fail from now on.
func (s *server) drain(wait time.Duration) {
	s.mu.Lock()
	isShutDown := s.shutdown
	if !isShutDown {
		s.closed = true
		for id, waiter := range s.waiters {
			delete(s.waiters, id)
			waiter <- answer{err: &Error{Message: "The host closed the connection.", Kind: "unavailable"}}
		}
	}
	s.mu.Unlock()
	done := make(chan struct{})
	go func() {
		s.running.Wait()
		close(done)
	}()
	select {
	case <-done:
	case <-time.After(wait):
	}
	s.writer.close()
}

func (s *server) cancelAll() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, call := range s.calls {
		call.cancel()
	}
}

func (s *server) read(in io.Reader) {
	reader := bufio.NewReaderSize(in, 1<<16)
	for {
		line, err := reader.ReadBytes('\n')
		if line = bytes.TrimSpace(line); len(line) > 0 {
			s.take(line)
		}
		if err != nil {
			return
		}
	}
}

func (s *server) take(line []byte) {
	var read message
	if err := json.Unmarshal(line, &read); err != nil {
		code, text := -32700, "The line is not JSON: "+err.Error()+"."
		if json.Valid(line) {
			code, text = -32600, "The message is malformed."
		}
		s.respondError(nil, &wireError{Code: code, Message: text})
		return
	}
	switch {
	case read.Method != nil:
		s.takeMethod(*read.Method, read.ID, read.Params)
	case read.Result != nil || read.Error != nil:
		s.takeResponse(read)
	default:
		s.respondError(nil, &wireError{Code: -32600, Message: "The message has neither a method nor a result."})
	}
}

func (s *server) takeResponse(read message) {
	id, err := strconv.ParseUint(string(read.ID), 10, 64)
	if err != nil {
		return
	}
	s.mu.Lock()
	waiter := s.waiters[id]
	delete(s.waiters, id)
	s.mu.Unlock()
	switch {
	case waiter == nil:
	case read.Error != nil:
		waiter <- answer{err: fromHost(read.Error)}
	default:
		waiter <- answer{result: read.Result}
	}
}

func (s *server) takeMethod(method string, id, params json.RawMessage) {
	isRequest := id != nil
	if isRequest && (id[0] == '[' || id[0] == '{' || id[0] == 't' || id[0] == 'f') {
		s.respondError(nil, &wireError{Code: -32600, Message: "An id is text or a number."})
		return
	}
	if len(params) > 0 && params[0] != '{' && string(params) != "null" {
		if isRequest {
			s.respondError(id, &wireError{Code: invalidCode, Message: "The params are not an object."})
		}
		return
	}
	switch {
	case method == "cancel":
		s.takeCancel(id, params)
	case !isRequest:
	case method == "invoke":
		s.invoke(id, params)
	case method == "ping":
		s.respond(id, struct{}{})
	case method == "shutdown":
		s.mu.Lock()
		s.shutdown = true
		s.mu.Unlock()
		s.respond(id, struct{}{})
	case method == "capabilities":
		var read struct {
			Integration *string `json:"integration"`
		}
		json.Unmarshal(params, &read)
		if problem := s.plugin.integrationProblem(read.Integration); problem != nil {
			s.respondError(id, invalid([]Problem{*problem}).wire("Invalid params."))
			return
		}
		s.respond(id, s.plugin.capabilities())
	default:
		s.respondError(id, &wireError{
			Code: -32601, Message: "Method not found.", Data: map[string]any{"method": method, "methods": methods}})
	}
}

func (s *server) takeCancel(id, params json.RawMessage) {
	var read struct {
		ID json.RawMessage `json:"id"`
	}
	json.Unmarshal(params, &read)
	s.mu.Lock()
	call := s.calls[string(read.ID)]
	s.mu.Unlock()
	if call != nil {
		call.cancel()
	}
	if id != nil {
		s.respond(id, map[string]bool{"cancelled": call != nil})
	}
}

func (s *server) invoke(id, params json.RawMessage) {
	command, arguments, call, failed := s.plugin.prepare(params)
	if failed != nil {
		indicator := "Invalid params."
		if command != nil {
			indicator = command.FailureIndicator
		}
		s.respondError(id, failed.wire(indicator))
		return
	}
	call.id, call.link = id, s
	ctx, cancel := context.WithCancel(context.Background())
	if limit := call.options.TimeoutMS; limit != nil {
		var cancelDeadline context.CancelFunc
		ctx, cancelDeadline = context.WithTimeout(ctx, time.Duration(*limit)*time.Millisecond)
		outer := cancel
		cancel = func() { outer(); cancelDeadline() }
	}
	call.cancel = cancel
	s.mu.Lock()
	if s.calls[string(id)] != nil || s.shutdown {
		s.mu.Unlock()
		cancel()
		s.respondError(id, &wireError{Code: -32600, Message: "A request with this id is in flight, or the plugin is shutting down."})
		return
	}
	s.calls[string(id)] = call
	s.running.Add(1)
	s.mu.Unlock()
	go s.run(ctx, command, call, arguments)
}

func (s *server) run(ctx context.Context, command *command, call *Call, arguments any) {
	defer s.running.Done()
	returned, err := guarded(func() (any, error) { return command.run(ctx, call, arguments) })
	var result *wireResult
	if err == nil && call.failure != nil {
		err = call.failure
	}
	if err == nil {
		result, err = call.finish(returned)
	}
	var line []byte
	switch {
	case err == nil:
		line, err = s.line(call.id, "result", result)
	case errors.Is(err, ErrDryRun):
		line, err = s.line(call.id, "error", &wireError{Code: dryRunCode, Message: "Dry run."})
	}
	if err != nil && line == nil {
		failed := asError(ctx, err)
		if failed.Outcome == "" {
			failed.Outcome = command.outcome(call)
		}
		line, _ = s.line(call.id, "error", failed.wire(command.FailureIndicator))
	}
	call.cancel()
	// The id is free as soon as the host has the response.
	s.mu.Lock()
	delete(s.calls, string(call.id))
	s.mu.Unlock()
	s.writer.send(line)
}

// guarded makes an error of a panic.
func guarded(run func() (any, error)) (returned any, err error) {
	defer func() {
		if problem := recover(); problem != nil {
			fmt.Fprintf(os.Stderr, "panic: %v\n%s", problem, debug.Stack())
			err = &Error{Message: fmt.Sprintf("panic: %v", problem), Kind: "internal"}
		}
	}()
	return run()
}

func (s *server) respond(id json.RawMessage, result any) {
	line, err := s.line(id, "result", result)
	if err == nil {
		s.writer.send(line)
	}
}

func (s *server) respondError(id json.RawMessage, failed *wireError) {
	line, err := s.line(id, "error", failed)
	if err == nil {
		s.writer.send(line)
	}
}

func (s *server) line(id json.RawMessage, member string, value any) ([]byte, error) {
	if id == nil {
		id = json.RawMessage("null")
	}
	return enveloped(`{"jsonrpc":"2.0","id":`+string(id)+`,"`+member+`":`, value)
}

func enveloped(head string, value any) ([]byte, error) {
	raw, err := encode(value)
	if err != nil {
		return nil, err
	}
	line := make([]byte, 0, len(head)+len(raw)+2)
	line = append(append(line, head...), raw...)
	return append(line, '}', '\n'), nil
}

func (s *server) notify(method string, params any) {
	if line, err := enveloped(`{"jsonrpc":"2.0","method":"`+method+`","params":`, params); err == nil {
		s.writer.send(line)
	}
}

// post sends a request whose response is ignored.
func (s *server) post(method string, params any) {
	id := s.lastID.Add(1)
	if line, err := enveloped(requestHead(id, method), params); err == nil {
		s.writer.send(line)
	}
}

func requestHead(id uint64, method string) string {
	return `{"jsonrpc":"2.0","id":` + strconv.FormatUint(id, 10) + `,"method":"` + method + `","params":`
}

func (s *server) request(ctx context.Context, method string, params any) (json.RawMessage, error) {
	id := s.lastID.Add(1)
	line, err := enveloped(requestHead(id, method), params)
	if err != nil {
		return nil, err
	}
	waiter := make(chan answer, 1)
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return nil, &Error{Message: "The host closed the connection.", Kind: "unavailable", Outcome: NotApplied}
	}
	s.waiters[id] = waiter
	s.mu.Unlock()
	if ctx.Err() == nil {
		s.writer.send(line)
	}
	select {
	case got := <-waiter:
		return got.result, got.err
	case <-ctx.Done():
		s.mu.Lock()
		delete(s.waiters, id)
		s.mu.Unlock()
		return nil, ctx.Err()
	}
}
