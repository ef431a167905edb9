// Command playbook answers a phishing report: it blocks what the reported mail brought, isolates the
// endpoints of those who got it, and reports.
//
//	go run ./examples/playbook -sandbox -owners ../../protocol/examples/phishing/owners.csv -dry-run
//
// It searches a mailbox to which users forward suspicious mail as an attachment, and sends its report
// there. With -dry-run it reads as usual and shows the changes that would be made. With -state-dir a
// repetition blocks nothing twice. The exit status is 1 when a step failed; the others are done all
// the same. It is 2 when nothing was begun. clients/python/examples/phishing.py does the same.
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

// Incident is what is known when the playbook starts.
type Incident struct {
	Number  string
	Mailbox string
	// Domain is whose reports count: anybody can send a mail that looks like one.
	Domain string
	// Owners are endpoints by the mail address of their owner: neither vendor knows them.
	Owners map[string]string
	DryRun bool
	// Gmail and GravityZone are connections; empty where there is one.
	Gmail, GravityZone string
}

func main() {
	var incident Incident
	var options sallyport.Options
	flag.BoolVar(&options.Sandbox, "sandbox", false, "emulated vendors, no account")
	flag.StringVar(&options.Connections, "connections", "", "the connections file")
	flag.StringVar(&incident.Gmail, "gmail", "", "its connection, where there are several")
	flag.StringVar(&incident.GravityZone, "gravityzone", "", "its connection, where there are several")
	stateDir := flag.String("state-dir", "", "where the host notes what was done")
	flag.StringVar(&incident.Number, "incident", "4711", "its number")
	flag.StringVar(&incident.Mailbox, "mailbox", "soc@harbor.example", "where mail is reported")
	flag.StringVar(&incident.Domain, "from", "harbor.example", "whose reports count")
	owners := flag.String("owners", "", "CSV with the columns mail and endpoint")
	flag.BoolVar(&incident.DryRun, "dry-run", false, "show what would be changed")
	flag.Parse()

	log.SetFlags(0)
	if flag.NArg() > 0 {
		refuse(fmt.Errorf("%s belongs to no option; see -help", flag.Arg(0)))
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

// refuse ends the program before it has begun anything.
func refuse(err error) {
	log.Print(err)
	os.Exit(2)
}

// readOwners reads a table whose columns are mail and endpoint.
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
		return nil, fmt.Errorf("%s: the first line has to be mail,endpoint", path)
	}
	owners := map[string]string{}
	for _, row := range rows[1:] {
		owners[strings.ToLower(row[0])] = row[1]
	}
	return owners, nil
}
