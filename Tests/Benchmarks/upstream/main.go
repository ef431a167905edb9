// A loopback vendor of known speed: just enough of CODA Footprint and of Gmail for a host to sign in
// and read, each answer after a fixed latency. Prints its port on stdout; when stdin ends it prints what it
// saw, so that the benchmark can prove that every call was made and how many were open at once.
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
	latency := flag.Duration("latency", 20*time.Millisecond, "time before each answer")
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
