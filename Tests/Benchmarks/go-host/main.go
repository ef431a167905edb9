// A peer for the comparison with Sallyport: the host that an experienced Go engineer would write
// with the standard library. One goroutine per line, encoding/json, responses through one buffered
// writer. With -workers N, a fixed pool processes the lines: less idiomatic, but stacks need not
// grow again.
package main

import (
	"bufio"
	"flag"
	"fmt"
	"io"
	"os"
)

const (
	readBufferBytes = 1 << 20
	maxLineBytes    = 32 << 20
)

func main() {
	connectionsFile := flag.String("connections", "", "connections `file`")
	maxInFlight := flag.Int("max-in-flight", 64, "requests worked on at the same time")
	workers := flag.Int("workers", 0, "fixed number of goroutines; 0 starts one per line")
	flag.Parse()

	connections, err := loadConnections(*connectionsFile)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
	host := newHost(connections, newReplyWriter(os.Stdout))
	if err := host.serve(os.Stdin, host.dispatcher(*workers, *maxInFlight)); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(4)
	}
}

// serve reads until EOF and returns when every line has been answered.
func (h *host) serve(input io.Reader, dispatch func([]byte)) error {
	reader := bufio.NewReaderSize(input, readBufferBytes)
	for {
		line, err := readLine(reader)
		if len(line) > 0 {
			h.replies.expect()
			h.running.Add(1)
			dispatch(line)
		}
		if err == io.EOF {
			h.running.Wait()
			return h.replies.err()
		}
		if err != nil {
			return err
		}
	}
}

// dispatcher decides how lines are assigned to goroutines. In both modes a full channel stops
// reading, so memory stays bounded.
func (h *host) dispatcher(workers, maxInFlight int) func([]byte) {
	if workers == 0 {
		slots := make(chan struct{}, maxInFlight)
		return func(line []byte) {
			slots <- struct{}{}
			go func() {
				defer func() { <-slots }()
				h.work(line)
			}()
		}
	}
	lines := make(chan []byte, workers)
	for i := 0; i < workers; i++ {
		go func() {
			for line := range lines {
				h.work(line)
			}
		}()
	}
	return func(line []byte) { lines <- line }
}

// readLine copies the line, because the buffer is overwritten while a goroutine still uses the
// line.
func readLine(reader *bufio.Reader) ([]byte, error) {
	var line []byte
	for {
		part, err := reader.ReadSlice('\n')
		line = append(line, part...)
		if len(line) > maxLineBytes {
			return nil, fmt.Errorf("a line is longer than %d bytes", maxLineBytes)
		}
		if err != bufio.ErrBufferFull {
			return trimLine(line), err
		}
	}
}

func trimLine(line []byte) []byte {
	for len(line) > 0 && (line[len(line)-1] == '\n' || line[len(line)-1] == '\r') {
		line = line[:len(line)-1]
	}
	return line
}
