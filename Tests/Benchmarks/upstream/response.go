package main

import (
	"fmt"
	"net"
)

const jsonType = "application/json"

// response has the body as bytes, because a file of 60 MB must not be copied for each request.
type response struct {
	status      string
	contentType string
	body        []byte
}

func success(body string) response {
	return response{"200 OK", jsonType, []byte(body)}
}

// writeTo sends head and body with one system call if the socket's buffer has room for them.
func (r response) writeTo(connection net.Conn) error {
	head := fmt.Sprintf("HTTP/1.1 %s\r\nContent-Type: %s\r\nContent-Length: %d\r\n\r\n",
		r.status, r.contentType, len(r.body))
	parts := net.Buffers{[]byte(head), r.body}
	_, err := parts.WriteTo(connection)
	return err
}
