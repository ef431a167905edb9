package main

import (
	"encoding/json"
	"fmt"
	"net/url"
	"os"
)

type connection struct {
	Integration string `json:"integration"`
	Settings    struct {
		ServerURL string `json:"server_url"`
		UserName  string `json:"user_name"`
		Password  string `json:"password"`
	} `json:"settings"`

	base *url.URL
}

// loadConnections reads the same file as Sallyport. Without a file there are no connections.
func loadConnections(path string) (map[string]connection, error) {
	if path == "" {
		return nil, nil
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var file struct {
		Connections map[string]connection `json:"connections"`
	}
	if err := json.Unmarshal(text, &file); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	for name, entry := range file.Connections {
		entry.base, err = url.Parse(entry.Settings.ServerURL)
		if err != nil {
			return nil, fmt.Errorf("%s: connection %s: %w", path, name, err)
		}
		file.Connections[name] = entry
	}
	return file.Connections, nil
}
