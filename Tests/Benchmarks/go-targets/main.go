// What one would write in Go instead of calling a command over many targets: reads each target over
// one of 32 keep-alive connections, and writes the responses to stdout in the order asked for. With
// -key it signs in as a Google service account and reads messages; with -api-key it reads endpoints.
package main

import (
	"bufio"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
	"sync"
	"time"
)

const connections = 32

// api makes the request for one target.
type api interface {
	request(id string) (*http.Request, error)
}

func main() {
	keyFile := flag.String("key", "", "the service account's key file")
	apiKey := flag.String("api-key", "", "the key of GravityZone's API")
	address := flag.String("address", "", "of the vendor, such as http://127.0.0.1:8080")
	user := flag.String("user", "", "the mailbox")
	idsFile := flag.String("ids", "", "a file with an id in each line")
	flag.Parse()
	ids, err := os.ReadFile(*idsFile)
	if err != nil {
		fail(err)
	}
	transport := &http.Transport{
		MaxConnsPerHost: connections, MaxIdleConnsPerHost: connections, MaxIdleConns: connections,
	}
	client := &http.Client{Transport: transport, Timeout: time.Minute}
	var source api = controlCenter{url: *address + "/api/v1.0/jsonrpc/network", apiKey: *apiKey}
	if *keyFile != "" {
		token, err := signIn(client, *keyFile, *address+"/token", *user)
		if err != nil {
			fail(err)
		}
		root := fmt.Sprintf("%s/gmail/v1/users/%s/messages/", *address, url.PathEscape(*user))
		source = mailbox{root: root, token: token}
	}
	bodies, err := readAll(client, source, strings.Fields(string(ids)))
	if err != nil {
		fail(err)
	}
	output := bufio.NewWriterSize(os.Stdout, 1<<16)
	output.WriteString(`{"result":[`)
	for i, body := range bodies {
		if i > 0 {
			output.WriteByte(',')
		}
		output.Write(body)
	}
	output.WriteString("]}\n")
	if err := output.Flush(); err != nil {
		fail(err)
	}
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}

func readAll(client *http.Client, source api, ids []string) ([][]byte, error) {
	bodies := make([][]byte, len(ids))
	errors := make([]error, len(ids))
	work := make(chan int)
	var workers sync.WaitGroup
	for i := 0; i < connections; i++ {
		workers.Add(1)
		go func() {
			defer workers.Done()
			for index := range work {
				bodies[index], errors[index] = read(client, source, ids[index])
			}
		}()
	}
	for index := range ids {
		work <- index
	}
	close(work)
	workers.Wait()
	for _, err := range errors {
		if err != nil {
			return nil, err
		}
	}
	return bodies, nil
}

func read(client *http.Client, source api, id string) ([]byte, error) {
	request, err := source.request(id)
	if err != nil {
		return nil, err
	}
	response, err := client.Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return nil, err
	}
	if response.StatusCode != http.StatusOK || !json.Valid(body) {
		return nil, fmt.Errorf("target %s: %s", id, response.Status)
	}
	return body, nil
}
