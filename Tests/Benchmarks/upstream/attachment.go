package main

import (
	"encoding/base64"
	"fmt"
	"strings"
)

const attachmentMessage = "attached"

// attachment is Gmail's response to attachments.get.
func attachment(file []byte) []byte {
	encoded := base64.URLEncoding.EncodeToString(file)
	return []byte(fmt.Sprintf(`{"size":%d,"data":%q}`, len(file), encoded))
}

// messageWithAttachment is Gmail's response to messages.get of the message with the attachment.
func (v *vendor) messageWithAttachment() string {
	return fmt.Sprintf(`{"id":%q,"threadId":%q,"payload":{"partId":"","mimeType":"multipart/mixed",`+
		`"filename":"","headers":[],"body":{"size":0},"parts":[{"partId":"0","mimeType":"application/zip",`+
		`"filename":"logs.zip","headers":[],"body":{"size":%d,"attachmentId":"ANGjdJ8"}}]}}`,
		attachmentMessage, attachmentMessage, len(v.file))
}

func (v *vendor) answerMail(r request) response {
	switch {
	case strings.Contains(r.path, "/attachments/"):
		return response{"200 OK", jsonType, v.attachment}
	case messageID(r.path) == attachmentMessage:
		return success(v.messageWithAttachment())
	}
	return success(message(r.path))
}
