package sallyport

import (
	"bytes"
	"encoding/json"
	"strconv"
)

type messageKind int

const (
	unreadable messageKind = iota
	resultMessage
	errorMessage
	// lineError is the error for a line whose id the host could not read; id is the number of the
	// line.
	lineError
	itemMessage
	progressMessage
	waitingMessage
	eventMessage
	heartbeatMessage
	failedPollMessage
	otherNotification
	// refusalMessage is an errorMessage for whose request nobody waits.
	refusalMessage
)

// message is one line of the host, classified. The payload is the relevant member, not yet
// validated as JSON.
type message struct {
	kind    messageKind
	id      uint64
	seq     uint64
	method  string
	payload []byte
	// failure replaces a response that will not arrive.
	failure error
}

var (
	responsePrefix = []byte(`{"jsonrpc":"2.0","id":`)
	resultPrefix   = []byte(`,"result":`)
	errorPrefix    = []byte(`,"error":`)
	itemPrefix     = []byte(`{"jsonrpc":"2.0","method":"invoke/item","params":{"id":`)
	seqPrefix      = []byte(`,"seq":`)
	itemMember     = []byte(`,"item":`)
)

// parse reads a line in Sallyport's own form without decoding it, and any other with encoding/json.
// The waiting caller decodes it: decoding in the single reading goroutine would limit all calls.
func parse(line []byte) message {
	line = bytes.TrimSpace(line)
	if found, ok := parseResponse(line); ok {
		return found
	}
	if found, ok := parseItem(line); ok {
		return found
	}
	return parseAny(line)
}

func parseResponse(line []byte) (message, bool) {
	rest, ok := bytes.CutPrefix(line, responsePrefix)
	if !ok {
		return message{}, false
	}
	id, rest, ok := cutNumber(rest)
	if !ok || !bytes.HasSuffix(rest, []byte("}")) {
		return message{}, false
	}
	rest = rest[:len(rest)-1]
	if payload, ok := bytes.CutPrefix(rest, resultPrefix); ok {
		return message{kind: resultMessage, id: id, payload: payload}, true
	}
	if payload, ok := bytes.CutPrefix(rest, errorPrefix); ok {
		return message{kind: errorMessage, id: id, payload: payload}, true
	}
	return message{}, false
}

func parseItem(line []byte) (message, bool) {
	rest, ok := bytes.CutPrefix(line, itemPrefix)
	if !ok {
		return message{}, false
	}
	id, rest, ok := cutNumber(rest)
	if !ok {
		return message{}, false
	}
	if rest, ok = bytes.CutPrefix(rest, seqPrefix); !ok {
		return message{}, false
	}
	seq, rest, ok := cutNumber(rest)
	if !ok {
		return message{}, false
	}
	if rest, ok = bytes.CutPrefix(rest, itemMember); !ok {
		return message{}, false
	}
	payload, ok := bytes.CutSuffix(rest, []byte("}}"))
	return message{kind: itemMessage, id: id, seq: seq, payload: payload}, ok
}

// cutNumber takes the leading digits.
func cutNumber(text []byte) (number uint64, rest []byte, ok bool) {
	end := 0
	for end < len(text) && end < 19 && text[end] >= '0' && text[end] <= '9' {
		number = number*10 + uint64(text[end]-'0')
		end++
	}
	return number, text[end:], end > 0
}

func parseAny(line []byte) message {
	var wire struct {
		ID     json.RawMessage `json:"id"`
		Method string          `json:"method"`
		Params json.RawMessage `json:"params"`
		Result json.RawMessage `json:"result"`
		Error  json.RawMessage `json:"error"`
	}
	if json.Unmarshal(line, &wire) != nil {
		return message{}
	}
	if wire.Method != "" {
		return parseNotification(wire.Method, wire.Params)
	}
	id, err := strconv.ParseUint(string(wire.ID), 10, 64)
	switch {
	case err == nil && wire.Error != nil:
		return message{kind: errorMessage, id: id, payload: wire.Error}
	case err == nil && wire.Result != nil:
		return message{kind: resultMessage, id: id, payload: wire.Result}
	case wire.Error != nil:
		var place struct {
			Data struct {
				Line uint64 `json:"line"`
			} `json:"data"`
		}
		if json.Unmarshal(wire.Error, &place) == nil && place.Data.Line > 0 {
			return message{kind: lineError, id: place.Data.Line, payload: wire.Error}
		}
	}
	return message{}
}

func parseNotification(method string, params []byte) message {
	kinds := map[string]messageKind{
		"invoke/item": itemMessage, "invoke/progress": progressMessage, "invoke/waiting": waitingMessage,
		"events/event": eventMessage, "events/heartbeat": heartbeatMessage, "events/failed": failedPollMessage,
	}
	kind, isOfACall := kinds[method]
	if !isOfACall {
		return message{kind: otherNotification, method: method, payload: params}
	}
	var wire struct {
		ID   uint64          `json:"id"`
		Seq  uint64          `json:"seq"`
		Item json.RawMessage `json:"item"`
	}
	if json.Unmarshal(params, &wire) != nil {
		return message{}
	}
	if kind == itemMessage {
		params = wire.Item
	}
	return message{kind: kind, id: wire.ID, seq: wire.Seq, payload: params}
}
