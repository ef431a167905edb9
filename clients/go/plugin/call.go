package plugin

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"reflect"
	"sync"
	"sync/atomic"
)

const chunkBytes = 1 << 20

// Call is one invocation: the host, as the command sees it. It may be used by several goroutines.
type Call struct {
	plugin      *Plugin
	command     *command
	settings    reflect.Value
	rawSettings json.RawMessage
	options     options
	link        *server
	id          json.RawMessage
	cancel      context.CancelFunc

	// inDoubt counts requests that may have changed something.
	inDoubt    atomic.Int64
	hasWritten atomic.Bool

	mu        sync.Mutex
	collected []json.RawMessage
	hasItems  bool
	sent      int
	files     []FileReference
	notices   []string
	used      map[string]uint64
	failure   error
}

// SettingsOf returns the settings of the connection; S is the type that was passed to the option Settings.
func SettingsOf[S any](call *Call) S {
	return call.settings.Interface().(S)
}

// DryRun says that no request is sent; the first one returns ErrDryRun.
func (c *Call) DryRun() bool { return c.options.DryRun }

// AllPages says that the caller wants all pages.
func (c *Call) AllPages() bool { return c.options.AllPages }

// Stream says that the caller gets the items as they are emitted.
func (c *Call) Stream() bool { return c.options.Stream }

// Items emits items: at once if the caller streams. Otherwise they replace the list at the command's
// path of items in the body that it returns.
func (c *Call) Items(items ...any) error {
	for _, item := range items {
		raw, err := encode(item)
		if err != nil {
			return err
		}
		c.emit(raw)
	}
	c.mu.Lock()
	c.hasItems = true
	c.mu.Unlock()
	return nil
}

func (c *Call) emit(raw json.RawMessage) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.hasItems = true
	if !c.options.Stream {
		c.collected = append(c.collected, raw)
		return
	}
	c.link.notify("invoke/item", itemParams{ID: c.id, Seq: c.sent, Item: raw})
	c.sent++
}

type itemParams struct {
	ID   json.RawMessage `json:"id"`
	Seq  int             `json:"seq"`
	Item json.RawMessage `json:"item"`
}

type progressParams struct {
	ID    json.RawMessage `json:"id"`
	Done  int             `json:"done"`
	Total int             `json:"total,omitempty"`
}

// Progress reports progress to a caller that asked for it. A total of 0 is unknown.
func (c *Call) Progress(done, total int) {
	if c.options.Stream || c.options.Progress {
		c.link.notify("invoke/progress", progressParams{ID: c.id, Done: done, Total: total})
	}
}

// Notice adds a fact to the result.
func (c *Call) Notice(text string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.notices = append(c.notices, text)
}

// Log writes to the host's log. Levels: debug, info, warning, error.
func (c *Call) Log(level, message string) {
	c.link.post("host/log", map[string]any{"invocation": c.id, "level": level, "message": message})
}

// Secret registers a secret that the vendor returned. It returns the placeholder to use in its place.
func (c *Call) Secret(ctx context.Context, name, value string) (string, error) {
	_, err := c.request(ctx, "host/secret", map[string]any{"invocation": c.id, "name": name, "value": value})
	return placeholder(name), err
}

func placeholder(name string) string { return "{{secret:" + name + "}}" }

// FileReference names a file in the host's store.
type FileReference struct {
	FileID      string `json:"file_id"`
	Name        string `json:"name"`
	Size        int64  `json:"size"`
	ContentType string `json:"content_type"`
	MD5         string `json:"md5"`
	SHA1        string `json:"sha1"`
	SHA256      string `json:"sha256"`
	Source      string `json:"source"`
	Created     string `json:"created"`
	Path        string `json:"path,omitempty"`
}

// FilePut stores a file and adds it to the result. The content type may be empty.
func (c *Call) FilePut(ctx context.Context, name string, content []byte, contentType string) (FileReference, error) {
	params := map[string]any{
		"invocation": c.id, "name": name, "source": "playbook_file",
		"content_base64": base64.StdEncoding.EncodeToString(content)}
	if contentType != "" {
		params["content_type"] = contentType
	}
	var reference FileReference
	raw, err := c.request(ctx, "host/file_put", params)
	if err == nil {
		err = json.Unmarshal(raw, &reference)
	}
	if err == nil {
		c.mu.Lock()
		c.files = append(c.files, reference)
		c.mu.Unlock()
	}
	return reference, err
}

// FileGet returns the content of a stored file.
func (c *Call) FileGet(ctx context.Context, id string) ([]byte, error) {
	var content []byte
	for {
		raw, err := c.request(ctx, "host/file_get", map[string]any{
			"invocation": c.id, "file_id": id, "offset": len(content), "length": chunkBytes})
		if err != nil {
			return nil, err
		}
		var chunk struct {
			Content []byte `json:"content_base64"`
			EOF     bool   `json:"eof"`
		}
		if err := json.Unmarshal(raw, &chunk); err != nil {
			return nil, err
		}
		content = append(content, chunk.Content...)
		if chunk.EOF || len(chunk.Content) == 0 {
			return content, nil
		}
	}
}

// request asks the host. The end of a dry run and a cancellation are kept, in case the command
// loses the error.
func (c *Call) request(ctx context.Context, method string, params any) (json.RawMessage, error) {
	raw, err := c.link.request(ctx, method, params)
	if err == ErrDryRun {
		c.mu.Lock()
		c.failure = err
		c.mu.Unlock()
	}
	return raw, err
}
