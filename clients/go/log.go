package sallyport

import (
	"bufio"
	"io"
	"sync"
)

const (
	// lastLines is the number of log lines kept, and lastLineBytes the maximum bytes of each.
	lastLines     = 20
	lastLineBytes = 1 << 10
)

// logTail keeps the last lines of a log.
type logTail struct {
	mu    sync.Mutex
	lines []string
}

// drain reads the log to its end, and copies it.
func (t *logTail) drain(log io.Reader, copyTo io.Writer) {
	if copyTo != nil {
		log = io.TeeReader(log, ignoringErrors{copyTo})
	}
	reader := bufio.NewReader(log)
	var line []byte
	for {
		piece, err := reader.ReadSlice('\n')
		if room := lastLineBytes - len(line); room > 0 {
			line = append(line, piece[:min(room, len(piece))]...)
		}
		if err == bufio.ErrBufferFull {
			continue
		}
		t.add(string(trimLineEnd(line)))
		line = line[:0]
		if err != nil {
			return
		}
	}
}

func (t *logTail) add(line string) {
	if line == "" {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.lines) == lastLines {
		copy(t.lines, t.lines[1:])
		t.lines = t.lines[:lastLines-1]
	}
	t.lines = append(t.lines, line)
}

func (t *logTail) last() []string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return append([]string(nil), t.lines...)
}

func trimLineEnd(line []byte) []byte {
	for len(line) > 0 && (line[len(line)-1] == '\n' || line[len(line)-1] == '\r') {
		line = line[:len(line)-1]
	}
	return line
}

// ignoringErrors keeps reading the log if the receiver of the copy fails.
type ignoringErrors struct{ io.Writer }

func (w ignoringErrors) Write(data []byte) (int, error) {
	w.Writer.Write(data)
	return len(data), nil
}
