package main

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"example.invalid/sallyport"
)

const hash = "5a0ef59d5dcb2ba8b6c5f4f1d4d0e9f6a8d4c1f6c0e3d2b1a09f8e7d6c5b4a39"

func sandbox(faults ...string) sallyport.Options {
	path := os.Getenv("SALLYPORT")
	if path == "" {
		path, _ = filepath.Abs("../../../../.build/release/sallyport")
	}
	options := sallyport.Options{Path: path, Sandbox: true}
	for _, fault := range faults {
		options.Args = append(options.Args, "--sandbox-fault", fault)
	}
	return options
}

func Example() {
	incident := Incident{ID: "4711", EndpointName: "LOBBY", SHA256: hash}
	if err := contain(context.Background(), sandbox(), "", incident, os.Stdout); err != nil {
		panic(err)
	}
	// Output:
	// # Incident 4711
	//
	// - Block 5a0ef59d…: Successful
	// - Isolate: Successful
	//   - LOBBY-PC1: Successful
	//   - LOBBY-PC2: Successful
	//   - LOBBY-PC3: Successful
	//   - LOBBY-PC4: Successful
	//
	// Stored as incident-4711.md, 175 bytes.
}

func TestAStepThatFailsIsReportedAndTheNextOneIsDone(t *testing.T) {
	var out strings.Builder
	incident := Incident{ID: "4711", EndpointName: "LOBBY", SHA256: hash}
	err := contain(context.Background(), sandbox("gravityzone: 403 always on addToBlocklist"), "", incident, &out)
	var failure *sallyport.Error
	if !errors.As(err, &failure) || failure.Command != "add_to_blocklist" {
		t.Errorf("%#v", err)
	}
	for _, want := range []string{"- Block 5a0ef59d…: Add to Blocklist failed.", "- Isolate: Successful", "LOBBY-PC1: Successful"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("there is no %q in\n%s", want, out.String())
		}
	}
}

func TestWithoutEndpointsNothingIsDone(t *testing.T) {
	var out strings.Builder
	err := contain(context.Background(), sandbox(), "", Incident{ID: "1", EndpointName: "NOBODY", SHA256: hash}, &out)
	if err == nil || out.Len() > 0 {
		t.Error(err, out.String())
	}
}
