// Command playbook handles a phishing report: it blocks the files of the reported mail, isolates the
// endpoints of its recipients, and writes a report.
//
//	go run ./examples/playbook -sandbox -owners ../../protocol/examples/phishing/owners.csv -dry-run
//
// It searches a mailbox to which users forward suspicious mail as an attachment, and sends its report
// there. With -dry-run it only reads, and shows the changes that would be made. With -state-dir a
// second run blocks nothing twice. Exit status: 0 success; 1 a step failed (the others still run);
// 2 wrong command line, nothing was started. clients/python/examples/phishing.py does the same.
package main

import (
	"context"
	"encoding/csv"
	"flag"
	"fmt"
	"log"
	"os"
	"os/signal"
	"strings"

	"example.invalid/sallyport"
)

// Incident is the input of the playbook.
type Incident struct {
	Number  string
	Mailbox string
	// Domain is the domain whose reports count: anyone can send a mail that looks like one.
	Domain string
	// Owners maps the mail address of an owner to an endpoint: neither vendor knows the owners.
	Owners map[string]string
	DryRun bool
	// Gmail and GravityZone are connections; empty if there is only one.
	Gmail, GravityZone string
}

func main() {
	var incident Incident
	var options sallyport.Options
	flag.BoolVar(&options.Sandbox, "sandbox", false, "emulated vendors, no account")
	flag.StringVar(&options.Connections, "connections", "", "the connections file")
	flag.StringVar(&incident.Gmail, "gmail", "", "its connection, if there are several")
	flag.StringVar(&incident.GravityZone, "gravityzone", "", "its connection, if there are several")
	stateDir := flag.String("state-dir", "", "the state directory of the host")
	flag.StringVar(&incident.Number, "incident", "4711", "its number")
	flag.StringVar(&incident.Mailbox, "mailbox", "soc@harbor.example", "the mailbox of reports")
	flag.StringVar(&incident.Domain, "from", "harbor.example", "the domain whose reports count")
	owners := flag.String("owners", "", "CSV with the columns mail and endpoint")
	flag.BoolVar(&incident.DryRun, "dry-run", false, "show the changes, make none")
	flag.Parse()

	log.SetFlags(0)
	if flag.NArg() > 0 {
		refuse(fmt.Errorf("unexpected argument %s; see -help", flag.Arg(0)))
	}
	if *stateDir != "" {
		options.Args = []string{"--state-dir", *stateDir}
	}
	var err error
	if *owners != "" {
		if incident.Owners, err = readOwners(*owners); err != nil {
			refuse(err)
		}
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	succeeded, err := contain(ctx, options, incident, os.Stdout)
	if err != nil {
		log.Fatal(err)
	}
	if !succeeded {
		os.Exit(1)
	}
}

// refuse exits before anything has started.
func refuse(err error) {
	log.Print(err)
	os.Exit(2)
}

// readOwners reads a table with the columns mail and endpoint.
func readOwners(path string) (map[string]string, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	table := csv.NewReader(file)
	table.FieldsPerRecord = 2
	rows, err := table.ReadAll()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	if len(rows) == 0 || rows[0][0] != "mail" || rows[0][1] != "endpoint" {
		return nil, fmt.Errorf("%s: the first line must be mail,endpoint", path)
	}
	owners := map[string]string{}
	for _, row := range rows[1:] {
		owners[strings.ToLower(row[0])] = row[1]
	}
	return owners, nil
}
