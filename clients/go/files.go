package sallyport

import (
	"context"
	"io"
	"os"
	"path/filepath"
	"time"
)

// File is a reference to a file in the host's store.
type File struct {
	ID          string     `json:"file_id"`
	Name        string     `json:"name"`
	Size        int64      `json:"size"`
	ContentType string     `json:"content_type"`
	MD5         string     `json:"md5"`
	SHA1        string     `json:"sha1"`
	SHA256      string     `json:"sha256"`
	Source      FileSource `json:"source"`
	Created     time.Time  `json:"created"`
	// Path is the local path on the host; only in results of commands.
	Path string `json:"path"`
}

// FileSource is the origin of a file.
type FileSource string

// The sources; commands produce FilePlaybook.
const (
	FileIncidentAttachment FileSource = "incident_attachment_file"
	FilePlaybook           FileSource = "playbook_file"
	FileArtifact           FileSource = "artifact_file"
)

// NewFile is a file to store: a content, or the path of a local file.
type NewFile struct {
	// Name is optional with Path.
	Name string `json:"name,omitempty"`
	// Content is the content; nil with Path.
	Content []byte `json:"content_base64,omitempty"`
	// Path is read by this program. The host reads a file of more than 16 MiB itself, which needs
	// "--files-from" in [Options.Args].
	Path string `json:"path,omitempty"`
	// Source defaults to FilePlaybook.
	Source FileSource `json:"source"`
	// ContentType defaults to the type of the extension of the name.
	ContentType string `json:"content_type,omitempty"`
}

// maximumInline is the maximum number of bytes of a file that is sent on one line.
const maximumInline = 16 << 20

// fileChunk is the number of bytes requested at a time: the host's maximum.
const fileChunk = 4 << 20

// PutFile stores a file, for commands that take one.
func (h *Host) PutFile(ctx context.Context, file NewFile) (File, error) {
	if file.Source == "" {
		file.Source = FilePlaybook
	}
	if file.Path != "" && file.Content == nil {
		if err := file.read(); err != nil {
			return File{}, err
		}
	}
	var stored File
	if file.Path == "" && len(file.Content) == 0 {
		// An empty content is a content too.
		params := map[string]any{"name": file.Name, "content_base64": "", "source": file.Source}
		if file.ContentType != "" {
			params["content_type"] = file.ContentType
		}
		err := h.Request(ctx, "files/put", params, &stored)
		return stored, err
	}
	err := h.Request(ctx, "files/put", file, &stored)
	return stored, err
}

// read replaces the path by the content, unless that is too long for a line.
func (f *NewFile) read() error {
	info, err := os.Stat(f.Path)
	if err != nil {
		return err
	}
	if f.Name == "" {
		f.Name = filepath.Base(f.Path)
	}
	if info.Size() > maximumInline {
		f.Path, err = filepath.Abs(f.Path)
		return err
	}
	f.Content, err = os.ReadFile(f.Path)
	f.Path = ""
	return err
}

// CopyFile writes the content of a file to w.
func (h *Host) CopyFile(ctx context.Context, w io.Writer, id string) (written int64, err error) {
	for {
		var chunk struct {
			Content []byte `json:"content_base64"`
			IsEnd   bool   `json:"eof"`
		}
		params := map[string]any{"file_id": id, "offset": written, "length": fileChunk}
		if err := h.Request(ctx, "files/get", params, &chunk); err != nil {
			return written, err
		}
		count, err := w.Write(chunk.Content)
		written += int64(count)
		if err != nil || chunk.IsEnd || len(chunk.Content) == 0 {
			return written, err
		}
	}
}

// ListFiles lists the files of the store, newest last.
func (h *Host) ListFiles(ctx context.Context) ([]File, error) {
	var files []File
	params := map[string]any{}
	for {
		var page struct {
			Files []File `json:"files"`
			Next  string `json:"next_cursor"`
		}
		if err := h.Request(ctx, "files/list", params, &page); err != nil {
			return files, err
		}
		files = append(files, page.Files...)
		if page.Next == "" {
			return files, nil
		}
		params["cursor"] = page.Next
	}
}

// RemoveFile removes a file. It returns false if there was no file with this id.
func (h *Host) RemoveFile(ctx context.Context, id string) (bool, error) {
	var answer struct {
		Removed bool `json:"removed"`
	}
	err := h.Request(ctx, "files/remove", map[string]any{"file_id": id}, &answer)
	return answer.Removed, err
}
