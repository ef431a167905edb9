package main

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
)

// mailbox reads Gmail messages.
type mailbox struct {
	root  string
	token string
}

func (m mailbox) request(id string) (*http.Request, error) {
	request, err := http.NewRequest("GET", m.root+url.PathEscape(id)+"?format=full", nil)
	if err == nil {
		request.Header.Set("Authorization", "Bearer "+m.token)
	}
	return request, err
}

// controlCenter reads the details of GravityZone endpoints: JSON-RPC over POST, signed in with an
// API key.
type controlCenter struct {
	url    string
	apiKey string
}

func (c controlCenter) request(id string) (*http.Request, error) {
	body := fmt.Sprintf(
		`{"id":%q,"jsonrpc":"2.0","method":"getManagedEndpointDetails","params":{"endpointId":%q}}`, id, id)
	request, err := http.NewRequest("POST", c.url, strings.NewReader(body))
	if err == nil {
		request.SetBasicAuth(c.apiKey, "")
		request.Header.Set("Content-Type", "application/json")
	}
	return request, err
}
