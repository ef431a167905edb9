package main

import (
	"bufio"
	"fmt"
	"io"
	"strconv"
	"strings"
)

// request is the part of a request that the vendor uses. net/http would need several times the CPU
// per call, and on a small machine the host under test would wait for it.
type request struct {
	path          string
	authorization string
	body          []byte
}

// readRequest returns io.EOF if the client closed the connection between two requests.
func readRequest(reader *bufio.Reader) (request, error) {
	start, err := reader.ReadString('\n')
	if err != nil {
		return request{}, err
	}
	parts := strings.Fields(start)
	if len(parts) != 3 || parts[2] != "HTTP/1.1" {
		return request{}, fmt.Errorf("not an HTTP/1.1 request: %q", start)
	}
	result := request{path: parts[1]}
	bodyBytes := 0
	for {
		line, err := reader.ReadString('\n')
		if err != nil {
			return request{}, err
		}
		line = strings.TrimRight(line, "\r\n")
		if line == "" {
			result.body = make([]byte, bodyBytes)
			_, err := io.ReadFull(reader, result.body)
			return result, err
		}
		name, value, _ := strings.Cut(line, ":")
		value = strings.TrimSpace(value)
		switch strings.ToLower(name) {
		case "authorization":
			result.authorization = value
		case "content-length":
			if bodyBytes, err = strconv.Atoi(value); err != nil {
				return request{}, err
			}
		}
	}
}
