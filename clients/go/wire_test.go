package sallyport

import (
	"encoding/json"
	"reflect"
	"testing"
)

func TestLinesAreSortedByWhatTheyAre(t *testing.T) {
	for line, want := range map[string]message{
		// As Sallyport writes them, and in other forms of the same.
		`{"jsonrpc":"2.0","id":7,"result":{"a":[1]}}`:                                       {kind: resultMessage, id: 7, payload: []byte(`{"a":[1]}`)},
		`{"id":7,"result":{"a":[1]},"jsonrpc":"2.0"}`:                                       {kind: resultMessage, id: 7, payload: []byte(`{"a":[1]}`)},
		` {"jsonrpc":"2.0","id":7,"result":null}` + "\r\n":                                  {kind: resultMessage, id: 7, payload: []byte("null")},
		`{"jsonrpc":"2.0","id":7,"error":{"code":1}}`:                                       {kind: errorMessage, id: 7, payload: []byte(`{"code":1}`)},
		`{"jsonrpc":"2.0", "id":7, "error":{"code":1}}`:                                     {kind: errorMessage, id: 7, payload: []byte(`{"code":1}`)},
		`{"jsonrpc":"2.0","id":1234567890123456789,"result":0}`:                             {kind: resultMessage, id: 1234567890123456789, payload: []byte("0")},
		`{"jsonrpc":"2.0","id":18446744073709551615,"result":0}`:                            {kind: resultMessage, id: 18446744073709551615, payload: []byte("0")},
		`{"jsonrpc":"2.0","method":"invoke/item","params":{"id":7,"seq":3,"item":{"b":2}}}`: {kind: itemMessage, id: 7, seq: 3, payload: []byte(`{"b":2}`)},
		`{"jsonrpc":"2.0","method":"invoke/item","params":{"id":7,"item":{"b":2},"seq":3}}`: {kind: itemMessage, id: 7, seq: 3, payload: []byte(`{"b":2}`)},
		`{"jsonrpc":"2.0","method":"invoke/progress","params":{"id":7,"done":1,"total":2}}`: {
			kind: progressMessage, id: 7, payload: []byte(`{"id":7,"done":1,"total":2}`)},
		`{"jsonrpc":"2.0","method":"invoke/waiting","params":{"id":7}}`: {kind: waitingMessage, id: 7, payload: []byte(`{"id":7}`)},
		`{"jsonrpc":"2.0","method":"news","params":[1]}`:                {kind: otherNotification, method: "news", payload: []byte("[1]")},
		`{"jsonrpc":"2.0","id":null,"error":{"code":-32600,"data":{"line":4}}}`: {
			kind: lineError, id: 4, payload: []byte(`{"code":-32600,"data":{"line":4}}`)},
		// What is nothing of that.
		`{"jsonrpc":"2.0","id":null,"error":{"code":-32600}}`:                           {},
		`{"jsonrpc":"2.0","id":"7","result":{}}`:                                        {},
		`{"jsonrpc":"2.0","id":-7,"result":{}}`:                                         {},
		`{"jsonrpc":"2.0","id":7.5,"result":{}}`:                                        {},
		`{"jsonrpc":"2.0","id":7}`:                                                      {},
		`{"jsonrpc":"2.0","id":7,"result":`:                                             {},
		`{"jsonrpc":"2.0","method":"invoke/item","params":{"id":"x","seq":0,"item":1}}`: {},
		`[{"jsonrpc":"2.0","id":7,"result":{}}]`:                                        {},
		`{}`:                                                                            {}, `nonsense`: {}, ``: {}, "\xff": {},
	} {
		if got := parse([]byte(line)); !reflect.DeepEqual(got, want) {
			t.Errorf("%s\nis %+v (%s), not %+v", line, got, got.payload, want)
		}
	}
}

// FuzzParse holds the quick way of reading against encoding/json. The quick one leaves it to who
// decodes the payload to find that it is not JSON.
func FuzzParse(f *testing.F) {
	f.Add([]byte(`{"jsonrpc":"2.0","id":7,"result":{"a":[1]}}`))
	f.Add([]byte(`{"jsonrpc":"2.0","id":7,"error":{"code":1}}`))
	f.Add([]byte(`{"jsonrpc":"2.0","method":"invoke/item","params":{"id":7,"seq":3,"item":{"b":2}}}`))
	f.Fuzz(func(t *testing.T, line []byte) {
		slow := parseAny(line)
		if slow.kind == unreadable {
			return
		}
		quick, ok := parseResponse(line)
		if !ok {
			quick, ok = parseItem(line)
		}
		if ok && json.Valid(quick.payload) && (quick.kind != slow.kind || quick.id != slow.id || quick.seq != slow.seq) {
			t.Errorf("%q: %+v, not %+v", line, quick, slow)
		}
	})
}
