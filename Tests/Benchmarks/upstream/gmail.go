package main

import (
	"encoding/base64"
	"fmt"
	"path"
	"strings"
)

const mailPath = "/gmail/v1/users/"

// text is the content of every message: 3 KB, typical for mail without attachments.
var text = base64.URLEncoding.EncodeToString([]byte(strings.Repeat(
	"The quarterly report of the harbor office is attached to the next mail of this thread.\r\n", 34)))

// message is Gmail's response to messages.get with format=full.
func message(target string) string {
	id := messageID(target)
	return fmt.Sprintf(`{
  "id": %q,
  "threadId": %q,
  "labelIds": ["INBOX", "UNREAD"],
  "snippet": "The quarterly report of the harbor office",
  "payload": {
    "partId": "",
    "mimeType": "text/plain",
    "filename": "",
    "headers": [
      {"name": "Date", "value": "Thu, 19 May 2022 02:00:00 +0000"},
      {"name": "From", "value": "Fiona Gale <fiona@harbor.example>"},
      {"name": "To", "value": "Alex Reed <alex@harbor.example>"},
      {"name": "Subject", "value": "Report %s"},
      {"name": "Content-Type", "value": "text/plain; charset=\"utf-8\""}
    ],
    "body": {"size": 2992, "data": %q}
  },
  "sizeEstimate": 3412,
  "historyId": "9001",
  "internalDate": "1652925600000"
}`, id, id, id, text)
}

func messageID(target string) string {
	before, _, _ := strings.Cut(target, "?")
	return path.Base(before)
}

// messagesIn returns the messages that a request targets: one, or those of a batch.
func messagesIn(r request) []string {
	if strings.HasPrefix(r.path, mailPath) {
		return []string{r.path}
	}
	var targets []string
	if strings.HasPrefix(r.path, "/batch/") {
		for _, line := range strings.Split(string(r.body), "\n") {
			if strings.HasPrefix(line, "GET ") {
				targets = append(targets, strings.Fields(line)[1])
			}
		}
	}
	return targets
}

// answerBatch answers the calls of a batch in order.
func (v *vendor) answerBatch(r request) response {
	var body strings.Builder
	for number, target := range messagesIn(r) {
		content := message(target)
		fmt.Fprintf(&body, "--batch_answer\r\nContent-Type: application/http\r\n"+
			"Content-ID: <response-%d>\r\n\r\nHTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"+
			"Content-Length: %d\r\n\r\n%s\r\n", number, len(content), content)
	}
	body.WriteString("--batch_answer--\r\n")
	return response{"200 OK", "multipart/mixed; boundary=batch_answer", []byte(body.String())}
}
