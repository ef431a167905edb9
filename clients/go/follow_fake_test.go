package sallyport_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
)

// followRequest is a request to playFollowed.
type followRequest struct {
	ID     json.RawMessage
	Method string
	Params struct {
		ID                json.RawMessage
		Seq               int
		MaxUnacknowledged *int `json:"max_unacknowledged"`
		Arguments         struct{ Cursor string }
	}
}

// playFollowed is a host that sends 500 events to each follower, as many as may be unacknowledged. The
// methods acks and follows return what it was sent. A call is not answered until the host ends.
func playFollowed(mode string) {
	const events = 500
	type feed struct{ sent, acknowledged, window int }
	feeds := map[string]*feed{}
	acks, follows := []int{}, []json.RawMessage{}
	sendMore := func(id string) {
		for f := feeds[id]; f.sent < events && f.sent-f.acknowledged < f.window; f.sent++ {
			notify("event", id, fmt.Sprintf(
				`"seq":%d,"cursor":"c%d","event":{"fields":{"Number":%d},"raw":{"n":%d}}`, f.sent, f.sent, f.sent, f.sent))
			if mode == "follow gap" {
				notify("event", id, `"seq":2,"event":{}`)
			}
		}
	}
	for lines := bufio.NewScanner(os.Stdin); lines.Scan(); {
		var request followRequest
		if err := json.Unmarshal(lines.Bytes(), &request); err != nil {
			panic(err)
		}
		id, subject := string(request.ID), string(request.Params.ID)
		switch request.Method {
		case "ping":
			answer(id, "{}")
		case "acks", "follows":
			kept, err := json.Marshal(map[string]any{"acks": acks, "follows": follows}[request.Method])
			if err != nil {
				panic(err)
			}
			answer(id, string(kept))
		case "events/follow":
			follows = append(follows, json.RawMessage(append([]byte{}, lines.Bytes()...)))
			feeds[id] = &feed{window: 100}
			if request.Params.MaxUnacknowledged != nil {
				feeds[id].window = *request.Params.MaxUnacknowledged
			}
			notify("heartbeat", id, `"cursor":"c","next_poll_at":"2026-12-01T10:00:00Z"`)
			notify("failed", id, `"next_poll_at":"2026-12-01T10:01:00Z","error":{"kind":"unavailable",`+
				`"failure_indicator":"Fetch failed.","status_code":503,"message":"Try later."}`)
			if mode == "follow refused" {
				delete(feeds, id)
				refuse(id, "The checkpoint inbox is in use.")
			} else {
				sendMore(id)
			}
		case "events/ack":
			acks = append(acks, request.Params.Seq)
			if feeds[subject] == nil || mode == "follow full" {
				refuse(id, "The checkpoint cannot be written.")
				continue
			}
			feeds[subject].acknowledged = max(feeds[subject].acknowledged, request.Params.Seq+1)
			answer(id, `{}`)
			if mode == "follow crash" && request.Params.Seq == 1 {
				os.Exit(9)
			}
			sendMore(subject)
		case "cancel":
			if feeds[subject] != nil {
				endFeed(subject, feeds[subject].sent)
				delete(feeds, subject)
			}
		}
	}
	for id, feed := range feeds {
		endFeed(id, feed.sent)
	}
}

func notify(name, id, members string) {
	say(fmt.Sprintf(`{"jsonrpc":"2.0","method":"events/%s","params":{"id":%s,%s}}`, name, id, members))
}

func refuse(id, message string) {
	say(fmt.Sprintf(`{"jsonrpc":"2.0","id":%s,"error":{"code":-32000,"message":"It failed.",`+
		`"data":{"kind":"unavailable","message":%q}}}`, id, message))
}

func endFeed(id string, sent int) {
	answer(id, fmt.Sprintf(`{"return_data":"Successful","meta":{"events":%d}}`, sent))
}
