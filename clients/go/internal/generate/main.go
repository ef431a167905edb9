// Command generate writes the packages of typed calls, one per integration, from
// "sallyport capabilities --json".
//
//	go run ./internal/generate          in clients/go
//	go run ./internal/generate -check   writes nothing; exit status 1 if a file is stale
//
// The executable is $SALLYPORT, or the release build of this checkout.
package main

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

func main() {
	check := flag.Bool("check", false, "write nothing; exit status 1 if a file is stale")
	flag.Parse()
	stale, err := generate(*check)
	if err != nil {
		fmt.Fprintln(os.Stderr, "generate:", err)
		os.Exit(2)
	}
	for _, path := range stale {
		fmt.Println(map[bool]string{true: "stale:", false: "wrote:"}[*check], path)
	}
	if *check && len(stale) > 0 {
		fmt.Println("Run `go run ./internal/generate` in clients/go, and commit the result.")
		os.Exit(1)
	}
}

// generate updates the files, or only lists the stale ones.
func generate(check bool) (stale []string, err error) {
	root, err := moduleRoot()
	if err != nil {
		return nil, err
	}
	integrations, err := capabilities(root)
	if err != nil {
		return nil, err
	}
	for _, integration := range integrations {
		source, err := packageOf(integration)
		if err != nil {
			return nil, err
		}
		path := filepath.Join(packageName(integration.ID), "calls.go")
		if old, err := os.ReadFile(filepath.Join(root, path)); err == nil && bytes.Equal(old, source) {
			continue
		}
		stale = append(stale, path)
		if check {
			continue
		}
		if err := os.MkdirAll(filepath.Join(root, filepath.Dir(path)), 0o777); err != nil {
			return nil, err
		}
		if err := os.WriteFile(filepath.Join(root, path), source, 0o666); err != nil {
			return nil, err
		}
	}
	return stale, nil
}

// moduleRoot is the folder of go.mod, at or above the current one.
func moduleRoot() (string, error) {
	folder, err := os.Getwd()
	for err == nil {
		if _, missing := os.Stat(filepath.Join(folder, "go.mod")); missing == nil {
			return folder, nil
		}
		if folder == filepath.Dir(folder) {
			return "", fmt.Errorf("no go.mod here; run it in clients/go")
		}
		folder = filepath.Dir(folder)
	}
	return "", err
}

func capabilities(root string) ([]Integration, error) {
	executable := os.Getenv("SALLYPORT")
	if executable == "" {
		executable = filepath.Join(root, "../../.build/release/sallyport")
	}
	text, err := exec.Command(executable, "capabilities", "--json").Output()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", executable, err)
	}
	var catalogue struct {
		Integrations []Integration `json:"integrations"`
	}
	if err := json.Unmarshal(text, &catalogue); err != nil {
		return nil, err
	}
	return catalogue.Integrations, nil
}
