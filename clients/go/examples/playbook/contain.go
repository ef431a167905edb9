package main

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"sort"
	"strings"
	"time"

	"example.invalid/sallyport"
	"example.invalid/sallyport/gmail"
	"example.invalid/sallyport/gravityzone"
)

// playbook is the state that its steps share.
type playbook struct {
	Incident
	host      *sallyport.Host
	mail      *gmail.Client
	endpoints *gravityzone.Client
	report    *Report
}

// contain runs the playbook and returns whether all steps succeeded.
func contain(ctx context.Context, options sallyport.Options, incident Incident, out io.Writer) (bool, error) {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Minute)
	defer cancel()
	host, err := sallyport.Start(ctx, options)
	if err != nil {
		return false, err
	}
	defer host.Close()
	p := &playbook{
		incident, host, gmail.New(host, incident.Gmail), gravityzone.New(host, incident.GravityZone),
		&Report{incident: incident},
	}
	mails, err := p.findMails(ctx)
	if err != nil {
		return false, err
	}
	if len(mails) == 0 && !p.report.hasFailures {
		_, err := fmt.Fprintf(out, "No reported mail in %s.\n", incident.Mailbox)
		return true, err
	}
	if err := p.answer(ctx, mails); err != nil {
		return false, err
	}
	if _, err := io.WriteString(out, p.report.String()); err != nil {
		return false, err
	}
	if !incident.DryRun {
		err = p.send(ctx)
	}
	return !p.report.hasFailures, err
}

func (p *playbook) findMails(ctx context.Context) ([]ReportedMail, error) {
	search := "from:" + p.Domain + ` subject:"Phishing report" has:attachment`
	stream := p.mail.SearchEmailsStream(ctx, gmail.SearchEmailsParams{UserEmail: p.Mailbox, Filter: &search})
	defer stream.Close()
	var ids []string
	for stream.Next() {
		var message Message
		if err := stream.Decode(&message); err != nil {
			return nil, err
		}
		ids = append(ids, message.ID)
	}
	if err := stream.Err(); err != nil || len(ids) == 0 {
		return nil, err
	}
	result, err := p.mail.GetEmail(ctx, gmail.GetEmailParams{UserEmail: p.Mailbox, MessageIDs: ids})
	if err != nil {
		return nil, err
	}
	for _, failure := range result.Errors {
		p.report.failWith("Read mail "+failure.Target, failure)
	}
	var messages []Message
	if err := result.Decode(&messages); err != nil {
		return nil, err
	}
	var mails []ReportedMail
	for _, message := range messages {
		mails = append(mails, message.reportedMails()...)
	}
	for _, mail := range mails {
		p.report.tellOf(mail)
	}
	return mails, nil
}

// answer runs the steps that follow from the mails.
func (p *playbook) answer(ctx context.Context, mails []ReportedMail) error {
	var files []sallyport.File
	var recipients []string
	for _, mail := range mails {
		recipients = append(recipients, mail.Recipients...)
		downloaded, err := p.download(ctx, mail)
		if err != nil {
			return err
		}
		files = append(files, downloaded...)
	}
	if err := p.block(ctx, files); err != nil {
		return err
	}
	return p.isolate(ctx, unique(recipients))
}

func (p *playbook) download(ctx context.Context, mail ReportedMail) ([]sallyport.File, error) {
	names := unique(mail.Attachments)
	if len(names) == 0 {
		return nil, nil
	}
	var steps []Step
	for _, name := range names {
		steps = append(steps, Step{name, "Download " + name})
	}
	result, err := p.mail.DownloadEmailAttachment(ctx, gmail.DownloadEmailAttachmentParams{
		UserEmail: p.Mailbox, MessageID: mail.MessageID, AttachmentFileNames: names,
	})
	if err := p.report.outcome(steps, result, err); err != nil || result == nil {
		return nil, err
	}
	return result.Files, nil
}

func (p *playbook) block(ctx context.Context, files []sallyport.File) error {
	var hashes, names []string
	nameOf := map[string]string{}
	for _, file := range files {
		nameOf[file.SHA256] = file.Name
	}
	for hash := range nameOf {
		hashes = append(hashes, hash)
	}
	if len(hashes) == 0 {
		return nil
	}
	sort.Strings(hashes)
	for _, hash := range hashes {
		names = append(names, fmt.Sprintf("%s (SHA-256 %s)", nameOf[hash], hash))
	}
	// With this key, files that were blocked before, even before a crash, are not blocked again.
	key := fmt.Sprintf("%s %x", p.Number, sha256.Sum256([]byte(strings.Join(hashes, " "))))
	result, err := p.endpoints.AddToBlocklist(ctx, gravityzone.AddToBlocklistParams{
		Hashes: hashes, HashType: gravityzone.HashTypeSHA256,
		Description: "Phishing, incident " + p.Number,
	}, append(p.changes(), sallyport.IdempotencyKey(key))...)
	return p.report.outcome([]Step{{Text: "Block " + strings.Join(names, ", ")}}, result, err)
}

func (p *playbook) isolate(ctx context.Context, recipients []string) error {
	var names, ids []string
	owners := map[string][]string{}
	for _, recipient := range recipients {
		name, isKnown := p.Owners[recipient]
		if !isKnown {
			p.report.tell("Isolate the endpoint of "+recipient, "none is known")
			continue
		}
		names = append(names, name)
		owners[name] = append(owners[name], recipient)
	}
	var steps []Step
	for _, name := range unique(names) {
		text := fmt.Sprintf("Isolate %s of %s", name, strings.Join(owners[name], ", "))
		id, err := p.findEndpoint(ctx, name)
		var failure *sallyport.Error
		switch {
		case errors.As(err, &failure):
			p.report.failWith(text, failure)
		case err != nil:
			return err
		case id == "":
			p.report.fail(text, "No managed endpoint has this name.")
		default:
			steps, ids = append(steps, Step{id, text}), append(ids, id)
		}
	}
	if len(ids) == 0 {
		return nil
	}
	result, err := p.endpoints.IsolateEndpoints(ctx, gravityzone.IsolateEndpointsParams{EndpointIDs: ids}, p.changes()...)
	return p.report.outcome(steps, result, err)
}

// findEndpoint returns the id of the managed endpoint with this name, or an empty string.
func (p *playbook) findEndpoint(ctx context.Context, name string) (string, error) {
	stream := p.endpoints.ListEndpointsStream(ctx, gravityzone.ListEndpointsParams{
		EndpointType: gravityzone.EndpointTypeEndpoints,
		IsManaged:    sallyport.Ptr(true),
		Filters:      sallyport.Ptr("details.name:" + name + " AND depth.allItemsRecursively:True"),
	}, sallyport.AllPages())
	defer stream.Close()
	for stream.Next() {
		var endpoint struct{ ID, Name string }
		if err := stream.Decode(&endpoint); err != nil {
			return "", err
		}
		// The filter also finds names with this prefix.
		if strings.EqualFold(endpoint.Name, name) {
			return endpoint.ID, nil
		}
	}
	return "", stream.Err()
}

// changes are the options of commands that change something.
func (p *playbook) changes() []sallyport.Option {
	if p.DryRun {
		return []sallyport.Option{sallyport.DryRun()}
	}
	return nil
}

func (p *playbook) send(ctx context.Context) error {
	file, err := p.host.PutFile(ctx, sallyport.NewFile{
		Name: "incident-" + p.Number + ".md", Content: []byte(p.report.String()),
	})
	if err != nil {
		return err
	}
	_, err = p.mail.SendEmail(ctx, gmail.SendEmailParams{
		SenderEmail: p.Mailbox, ToRecipients: &[]string{p.Mailbox},
		Subject: sallyport.Ptr("Phishing, incident " + p.Number),
		Content: sallyport.Ptr("The report is attached."), FileIDs: &[]string{file.ID},
	})
	return err
}
