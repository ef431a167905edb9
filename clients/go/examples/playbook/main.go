// Command playbook contains an incident: it finds the endpoints concerned, blocks the hash that was
// seen on them, isolates them, and makes a report of it, which it also stores as a file.
//
//	go run ./examples/playbook -sandbox -name LOBBY -hash 5a0e…4a39
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log"
	"os"
	"os/signal"
	"strings"
	"time"

	"example.invalid/sallyport"
	"example.invalid/sallyport/gravityzone"
)

// Incident is what is known when the playbook starts.
type Incident struct {
	ID string
	// EndpointName is the beginning of the names of the endpoints concerned.
	EndpointName string
	SHA256       string
}

func main() {
	var incident Incident
	var options sallyport.Options
	flag.StringVar(&incident.ID, "incident", "4711", "the incident's number")
	flag.StringVar(&incident.EndpointName, "name", "", "the beginning of the endpoints' names")
	flag.StringVar(&incident.SHA256, "hash", "", "the SHA-256 of the file to block")
	flag.StringVar(&options.Connections, "connections", "", "the connections file")
	flag.BoolVar(&options.Sandbox, "sandbox", false, "take the emulated vendors")
	connection := flag.String("connection", "", "the connection; may be left out where there is one")
	flag.Parse()

	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := contain(ctx, options, *connection, incident, os.Stdout); err != nil {
		log.Fatal(err)
	}
}

func contain(ctx context.Context, options sallyport.Options, connection string, incident Incident, out io.Writer) error {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Minute)
	defer cancel()
	host, err := sallyport.Start(ctx, options)
	if err != nil {
		return err
	}
	defer host.Close()
	client := gravityzone.New(host, connection)

	endpoints, err := findEndpoints(ctx, client, incident.EndpointName)
	if err != nil {
		return err
	}
	if len(endpoints) == 0 {
		return fmt.Errorf("no managed endpoint is named %s…", incident.EndpointName)
	}
	report := newReport(incident)

	// With this key a playbook that is run again in the same host blocks the hash once.
	blocked, err := client.AddToBlocklist(ctx, gravityzone.AddToBlocklistParams{
		Hashes: []string{incident.SHA256}, HashType: gravityzone.HashTypeSHA256,
		Description: "Incident " + incident.ID,
	}, sallyport.IdempotencyKey("block "+incident.ID))
	report.step("Block "+incident.SHA256[:min(8, len(incident.SHA256))]+"…", blocked, err)

	var ids []string
	for _, endpoint := range endpoints {
		ids = append(ids, endpoint.ID)
	}
	isolated, err := client.IsolateEndpoints(ctx, gravityzone.IsolateEndpointsParams{EndpointIDs: ids})
	report.step("Isolate", isolated, err)
	for _, target := range outcomes(isolated, err) {
		report.target(nameOf(endpoints, target.Target), target)
	}

	file, err := host.PutFile(ctx, sallyport.NewFile{
		Name: "incident-" + incident.ID + ".md", Content: []byte(report.String()),
	})
	if err != nil {
		return err
	}
	fmt.Fprint(out, report)
	fmt.Fprintf(out, "\nStored as %s, %d bytes.\n", file.Name, file.Size)
	return report.failure
}

// Endpoint is what the playbook needs of one.
type Endpoint struct{ ID, Name string }

func findEndpoints(ctx context.Context, client *gravityzone.Client, name string) ([]Endpoint, error) {
	var found []Endpoint
	stream := client.ListEndpointsStream(ctx, gravityzone.ListEndpointsParams{
		EndpointType: gravityzone.EndpointTypeEndpoints,
		IsManaged:    sallyport.Ptr(true),
		Filters:      sallyport.Ptr("details.name:" + name + " AND depth.allItemsRecursively:True"),
	}, sallyport.AllPages())
	defer stream.Close()
	for stream.Next() {
		var endpoint Endpoint
		if err := stream.Decode(&endpoint); err != nil {
			return nil, err
		}
		found = append(found, endpoint)
	}
	return found, stream.Err()
}

func nameOf(endpoints []Endpoint, id string) string {
	for _, endpoint := range endpoints {
		if endpoint.ID == id {
			return endpoint.Name
		}
	}
	return id
}

// outcomes are those of the targets, whether some or none of them succeeded.
func outcomes(result *sallyport.Result, err error) []sallyport.Target {
	var failure *sallyport.Error
	if errors.As(err, &failure) {
		return failure.Targets
	}
	if result == nil {
		return nil
	}
	return result.Targets
}

// report tells each step. A step that fails does not keep the playbook from the next one.
type report struct {
	strings.Builder
	failure error
}

func newReport(incident Incident) *report {
	r := new(report)
	fmt.Fprintf(r, "# Incident %s\n\n", incident.ID)
	return r
}

func (r *report) step(what string, result *sallyport.Result, err error) {
	var failure *sallyport.Error
	switch {
	case err == nil:
		fmt.Fprintf(r, "- %s: %s\n", what, result.ReturnData)
	case errors.As(err, &failure) && failure.Outcome == sallyport.OutcomeUnknown:
		fmt.Fprintf(r, "- %s: %v It may have been done. %s\n", what, err, failure.Remedy)
	default:
		fmt.Fprintf(r, "- %s: %v\n", what, err)
	}
	if err != nil && r.failure == nil {
		r.failure = err
	}
}

func (r *report) target(name string, target sallyport.Target) {
	if target.Error != nil {
		fmt.Fprintf(r, "  - %s: %v\n", name, target.Error)
		return
	}
	fmt.Fprintf(r, "  - %s: %s\n", name, target.ReturnData)
}
