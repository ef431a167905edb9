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
	tenants      = `[{"id":1,"name":"Acme","photo":"","lastLogin":"2022-08-01T10:00:00Z","isPrimaryAccount":"True"}]`
	unauthorized = `{"detail":"Authentication credentials were not provided."}`
)

type vendor struct {
	pacer   *pacer
	token   string
	address string
	// padding makes the details of an endpoint as large as asked for.
	padding string
	pages   int
	// file is the content of a report and of an attachment.
	file       []byte
	attachment []byte

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
		if err := v.answer(request).writeTo(connection); err != nil {
			return
		}
	}
}

func (r request) isSignIn() bool {
	return strings.HasPrefix(r.path, "/api/auth/token/") || r.path == "/token"
}

func (v *vendor) answer(r request) response {
	switch {
	case r.path == "/token":
		return success(fmt.Sprintf(
			`{"access_token":%q,"token_type":"Bearer","expires_in":3599}`, v.token))
	case r.isSignIn():
		return success(fmt.Sprintf(`{"access":%q,"refresh":%q}`, v.token, v.token))
	case isGravityZone(r) && strings.HasPrefix(r.authorization, "Basic "):
		return v.answerGravityZone(r)
	case r.authorization != "Bearer "+v.token:
		return response{"401 Unauthorized", jsonType, []byte(unauthorized)}
	case strings.HasPrefix(r.path, mailPath):
		return v.answerMail(r)
	case strings.HasPrefix(r.path, "/batch/"):
		return v.answerBatch(r)
	case strings.HasSuffix(r.path, "/users/"):
		return success(users)
	case strings.HasSuffix(r.path, "/accounts/"):
		return success(tenants)
	case strings.HasPrefix(r.path, "/api/console/scanSurface/"):
		return success("{}")
	}
	return v.devicePage(r)
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
