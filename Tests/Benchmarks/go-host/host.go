package main

import (
	"bytes"
	"encoding/json"
	"sync"
	"unicode/utf8"
)

type host struct {
	connections map[string]connection
	replies     *replyWriter
	running     sync.WaitGroup

	mutex    sync.Mutex
	inFlight map[string]struct{}
}

func newHost(connections map[string]connection, replies *replyWriter) *host {
	return &host{
		connections: connections,
		replies:     replies,
		inFlight:    make(map[string]struct{}),
	}
}

// An encoder and its buffer are pooled together: json.Marshal would allocate a copy of each
// response.
type encoding struct {
	buffer  bytes.Buffer
	encoder *json.Encoder
}

var encodings = sync.Pool{New: func() any {
	e := new(encoding)
	e.encoder = json.NewEncoder(&e.buffer)
	e.encoder.SetEscapeHTML(false)
	return e
}}

func (h *host) work(line []byte) {
	defer h.running.Done()
	reply := h.answer(line)
	if reply == nil {
		h.replies.write(nil)
		return
	}
	e := encodings.Get().(*encoding)
	e.buffer.Reset()
	if err := e.encoder.Encode(reply); err != nil {
		e.buffer.Reset()
		_ = e.encoder.Encode(failed(reply.ID, -32603, err.Error()))
	}
	h.replies.write(e.buffer.Bytes())
	encodings.Put(e)
}

// answer returns nil for a notification.
func (h *host) answer(line []byte) *response {
	if !utf8.Valid(line) {
		return failed(nil, -32700, "The line is not valid UTF-8.")
	}
	var message request
	if err := json.Unmarshal(line, &message); err != nil {
		if _, ok := err.(*json.SyntaxError); ok {
			return failed(nil, -32700, err.Error())
		}
		return failed(nil, -32600, err.Error())
	}
	if message.JSONRPC != "2.0" || message.Method == "" {
		return failed(message.ID, -32600, "The message is not a JSON-RPC 2.0 request.")
	}
	if message.ID == nil {
		h.call(&message)
		return nil
	}
	if first := message.ID[0]; first == '{' || first == '[' || first == 't' || first == 'f' {
		return failed(nil, -32600, "The id must be a string, a number or null.")
	}
	key := string(message.ID)
	if !h.begin(key) {
		return failed(message.ID, -32600, "A request with this id is in flight.")
	}
	defer h.end(key)
	result, problem := h.call(&message)
	return &response{JSONRPC: "2.0", ID: message.ID, Result: result, Error: problem}
}

func (h *host) call(message *request) (any, *rpcError) {
	switch message.Method {
	case "invoke":
		return h.invoke(message.Params)
	case "capabilities":
		return capabilities(message.Params)
	}
	return nil, &rpcError{Code: -32601, Message: "There is no method " + message.Method + "."}
}

func (h *host) begin(id string) bool {
	h.mutex.Lock()
	defer h.mutex.Unlock()
	if _, taken := h.inFlight[id]; taken {
		return false
	}
	h.inFlight[id] = struct{}{}
	return true
}

func (h *host) end(id string) {
	h.mutex.Lock()
	delete(h.inFlight, id)
	h.mutex.Unlock()
}

var null = json.RawMessage("null")

func failed(id json.RawMessage, code int, message string) *response {
	if id == nil {
		id = null
	}
	return &response{JSONRPC: "2.0", ID: id, Error: &rpcError{Code: code, Message: message}}
}
