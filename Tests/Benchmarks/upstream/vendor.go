package main

import (
	"bufio"
	"encoding/base64"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"sync"
	"time"
)

const (
	users        = `[{"accountType":"512","description":"","disabled":"False","name":"alice","passwordExpires":"True"}]`
	devices      = `{"page":1,"totalPages":1,"totalCount":1,"items":[{"id":17,"type":"AgentDevice","name":"PC-5"}]}`
	tenants      = `[{"id":1,"name":"Acme","photo":"","lastLogin":"2022-08-01T10:00:00Z","isPrimaryAccount":"True"}]`
	unauthorized = `{"detail":"Authentication credentials were not provided."}`
)

type vendor struct {
	pacer *pacer
	token string

	mutex sync.Mutex
	seen  tally
	open  int
}

type tally struct {
	Reads       int `json:"reads"`
	SignIns     int `json:"sign_ins"`
	Messages    int `json:"messages"`
	Connections int `json:"connections"`
	PeakOpen    int `json:"peak_open"`
}

func (v *vendor) serve(connection net.Conn) {
	defer connection.Close()
	v.mutex.Lock()
	v.seen.Connections++
	v.mutex.Unlock()
	reader := bufio.NewReader(connection)
	for {
		request, err := readRequest(reader)
		if err == io.EOF {
			return
		}
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			return
		}
		v.begin(request)
		v.pacer.wait()
		v.end()
		if _, err := io.WriteString(connection, v.answer(request)); err != nil {
			return
		}
	}
}

func (r request) isSignIn() bool {
	return strings.HasPrefix(r.path, "/api/auth/token/") || r.path == "/token"
}

func (v *vendor) answer(r request) string {
	status, body := "200 OK", devices
	switch {
	case r.path == "/token":
		body = fmt.Sprintf(`{"access_token":%q,"token_type":"Bearer","expires_in":3599}`, v.token)
	case r.isSignIn():
		body = fmt.Sprintf(`{"access":%q,"refresh":%q}`, v.token, v.token)
	case r.authorization != "Bearer "+v.token:
		status, body = "401 Unauthorized", unauthorized
	case strings.HasPrefix(r.path, mailPath):
		body = message(r.path)
	case strings.HasPrefix(r.path, "/batch/"):
		return v.answerBatch(r)
	case strings.HasSuffix(r.path, "/users/"):
		body = users
	case strings.HasSuffix(r.path, "/accounts/"):
		body = tenants
	}
	const head = "HTTP/1.1 %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s"
	return fmt.Sprintf(head, status, len(body), body)
}

func (v *vendor) begin(r request) {
	v.mutex.Lock()
	defer v.mutex.Unlock()
	if r.isSignIn() {
		v.seen.SignIns++
	} else {
		v.seen.Reads++
	}
	v.seen.Messages += len(messagesIn(r))
	v.open++
	if v.open > v.seen.PeakOpen {
		v.seen.PeakOpen = v.open
	}
}

func (v *vendor) end() {
	v.mutex.Lock()
	v.open--
	v.mutex.Unlock()
}

// unsignedToken has the form of a JWT that outlives the run, for hosts that read its claims.
func unsignedToken() string {
	encode := base64.RawURLEncoding.EncodeToString
	expires := time.Now().Add(24 * time.Hour).Unix()
	claims := fmt.Sprintf(`{"token_type":"access","exp":%d,"original_tenant_id":1}`, expires)
	return encode([]byte(`{"alg":"none","typ":"JWT"}`)) + "." + encode([]byte(claims)) + ".c2ln"
}
