// A loopback vendor with known latency: the part of CODA Footprint, GravityZone and Gmail that a host
// needs to sign in and read. Each response has a fixed delay. Prints its port on stdout. At the end of stdin
// it prints its counts, so that the benchmark can verify the number of calls and of concurrent
// requests.
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"time"
)

func main() {
	latency := flag.Duration("latency", 20*time.Millisecond, "delay of each response")
	endpointBytes := flag.Int("endpoint-bytes", 3000, "size of an endpoint's details, about")
	pages := flag.Int("pages", 1, "pages of list_devices")
	size := flag.Int("file-bytes", 0, "size of a report and of an attachment")
	flag.Parse()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	file, err := archive(fileBytes(*size))
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	v := &vendor{
		pacer: newPacer(*latency), token: unsignedToken(), address: listener.Addr().String(),
		padding: strings.Repeat("x", *endpointBytes), pages: *pages, file: file,
	}
	v.attachment = attachment(v.file)
	go func() {
		for {
			connection, err := listener.Accept()
			if err != nil {
				return
			}
			go v.serve(connection)
		}
	}()
	fmt.Println(listener.Addr().(*net.TCPAddr).Port)

	io.Copy(io.Discard, os.Stdin)
	v.mutex.Lock()
	defer v.mutex.Unlock()
	json.NewEncoder(os.Stdout).Encode(v.seen)
}
