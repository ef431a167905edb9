// What one would write in Go instead of calling get_email: signs in as a service account, reads each
// message over one of 32 keep-alive connections, and writes them to stdout in the order asked for.
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

func main() {
	keyFile := flag.String("key", "", "the service account's key file")
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
	reader := &mailReader{
		client: &http.Client{Transport: transport, Timeout: time.Minute},
		root:   fmt.Sprintf("%s/gmail/v1/users/%s/messages/", *address, url.PathEscape(*user)),
	}
	reader.token, err = signIn(reader.client, *keyFile, *address+"/token", *user)
	if err != nil {
		fail(err)
	}
	messages, err := reader.readAll(strings.Fields(string(ids)))
	if err != nil {
		fail(err)
	}
	output := bufio.NewWriterSize(os.Stdout, 1<<16)
	output.WriteString(`{"result":[`)
	for i, message := range messages {
		if i > 0 {
			output.WriteByte(',')
		}
		output.Write(message)
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

type mailReader struct {
	client *http.Client
	root   string
	token  string
}

func (r *mailReader) readAll(ids []string) ([][]byte, error) {
	messages := make([][]byte, len(ids))
	errors := make([]error, len(ids))
	work := make(chan int)
	var workers sync.WaitGroup
	for i := 0; i < connections; i++ {
		workers.Add(1)
		go func() {
			defer workers.Done()
			for index := range work {
				messages[index], errors[index] = r.read(ids[index])
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
	return messages, nil
}

func (r *mailReader) read(id string) ([]byte, error) {
	request, err := http.NewRequest("GET", r.root+url.PathEscape(id)+"?format=full", nil)
	if err != nil {
		return nil, err
	}
	request.Header.Set("Authorization", "Bearer "+r.token)
	response, err := r.client.Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return nil, err
	}
	if response.StatusCode != http.StatusOK || !json.Valid(body) {
		return nil, fmt.Errorf("message %s: %s", id, response.Status)
	}
	return body, nil
}
