package main

import (
	"regexp"
	"strings"
)

const mailType = "message/rfc822"

var addressPattern = regexp.MustCompile(`[^\s<>(),;:"]+@[^\s<>(),;:"]+`)

// ReportedMail is a suspicious mail, as an attachment of the mail that reports it.
type ReportedMail struct {
	MessageID, Reporter, Sender, Subject string
	Recipients, Attachments              []string
}

// Message is the part of a Gmail message that is needed here.
type Message struct {
	ID      string
	Payload Part
}

// Part is a part of a message.
type Part struct {
	MimeType, Filename string
	Headers            []struct{ Name, Value string }
	Parts              []Part
}

// reportedMails returns the mails attached to a message. Other attachments of the reporter, such as
// a screenshot, are not suspicious.
func (m Message) reportedMails() []ReportedMail {
	var found []ReportedMail
	for _, attached := range m.Payload.Parts {
		if attached.MimeType != mailType || len(attached.Parts) == 0 {
			continue
		}
		mail := attached.Parts[0]
		recipients := strings.ToLower(mail.header("To") + " " + mail.header("Cc"))
		found = append(found, ReportedMail{
			MessageID: m.ID, Reporter: m.Payload.header("From"),
			Sender: mail.header("From"), Subject: mail.header("Subject"),
			Recipients:  addressPattern.FindAllString(recipients, -1),
			Attachments: attached.attachments(),
		})
	}
	return found
}

func (p Part) header(name string) string {
	for _, header := range p.Headers {
		if strings.EqualFold(header.Name, name) {
			return header.Value
		}
	}
	return ""
}

// attachments are the names of the files below a part, including attached mails.
func (p Part) attachments() []string {
	var names []string
	for _, child := range p.Parts {
		if child.Filename != "" && child.MimeType != mailType {
			names = append(names, child.Filename)
		}
		names = append(names, child.attachments()...)
	}
	return names
}

// unique returns each text once, in the order of first occurrence.
func unique(texts []string) []string {
	var once []string
	seen := map[string]bool{}
	for _, text := range texts {
		if !seen[text] {
			seen[text] = true
			once = append(once, text)
		}
	}
	return once
}
