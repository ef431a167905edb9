// A loopback vendor with known latency: the part of CODA Footprint and Gmail that a host needs to
// sign in and read. Each response has a fixed delay. Prints its port on stdout. At the end of stdin
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
	"time"
)

func main() {
	latency := flag.Duration("latency", 20*time.Millisecond, "delay of each response")
	flag.Parse()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	v := &vendor{pacer: newPacer(*latency), token: unsignedToken()}
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
