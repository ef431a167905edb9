package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"example.invalid/sallyport"
)

// Report records each step. A failed step does not stop the playbook.
type Report struct {
	incident    Incident
	mails       []string
	steps       []string
	hasFailures bool
}

// Step describes one target of a command.
type Step struct{ Target, Text string }

func (r *Report) String() string {
	var text strings.Builder
	fmt.Fprintf(&text, "# Phishing, incident %s\n\n", r.incident.Number)
	list(&text, r.mails)
	if r.incident.DryRun {
		text.WriteString("\n## What would be done\n\n")
	} else {
		text.WriteString("\n## What was done\n\n")
	}
	list(&text, r.steps)
	return text.String()
}

func list(text *strings.Builder, lines []string) {
	for _, line := range lines {
		// Parts of it were written by the attacker: each entry stays on one line.
		fmt.Fprintf(text, "- %s\n", strings.Join(strings.Fields(line), " "))
	}
}

func (r *Report) tellOf(mail ReportedMail) {
	r.mails = append(r.mails,
		fmt.Sprintf("%s reports: %s, from %s", mail.Reporter, mail.Subject, mail.Sender))
}

func (r *Report) tell(step, outcome string) {
	r.steps = append(r.steps, step+": "+outcome)
}

func (r *Report) fail(step, reason string) {
	r.hasFailures = true
	r.tell(step, "failed. "+reason)
}

func (r *Report) failWith(step string, failure *sallyport.Error) {
	// The remedy also says if a failed step may have been applied.
	r.fail(step, fmt.Sprintf("%d %s %s", failure.StatusCode, failure.Message, failure.Remedy))
}

// outcome records what a command did to each target. The error that it returns is not of the
// command: without a host the playbook cannot continue.
func (r *Report) outcome(steps []Step, result *sallyport.Result, err error) error {
	var failure *sallyport.Error
	if err != nil && !errors.As(err, &failure) {
		return err
	}
	failures := map[string]*sallyport.Error{}
	for _, target := range targetsOf(result, failure) {
		failures[target.Target] = target.Error
	}
	var planned []sallyport.PlannedRequest
	if result != nil && result.DryRun {
		if planned, err = result.PlannedRequests(); err != nil {
			return err
		}
	}
	for _, step := range steps {
		switch stepFailure, isTarget := failures[step.Target]; {
		case stepFailure != nil:
			r.failWith(step.Text, stepFailure)
		case failure != nil && !isTarget:
			r.failWith(step.Text, failure)
		case len(planned) > 0:
			r.tell(step.Text, plan(planned[0]))
			planned = planned[1:]
		default:
			r.tell(step.Text, "done")
		}
	}
	return nil
}

// targetsOf returns the outcomes per target, for partial success and failure.
func targetsOf(result *sallyport.Result, failure *sallyport.Error) []sallyport.Target {
	if failure != nil {
		return failure.Targets
	}
	return result.Targets
}

// plan is a request to GravityZone that was not sent.
func plan(request sallyport.PlannedRequest) string {
	var body struct {
		Method string
		Params json.RawMessage
	}
	if err := json.Unmarshal(request.Body, &body); err != nil {
		return request.Method + " " + request.URL
	}
	return body.Method + " " + string(body.Params)
}
