package sallyport

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

const (
	// killWait is the time that a host has to exit after a stop request, or after it closed its
	// output.
	killWait = 5 * time.Second
	// tailWait is how long the pipes of an exited host are read if another process holds them open.
	tailWait = 5 * time.Second
)

// Host is a Sallyport process. It is safe for concurrent use.
type Host struct {
	options Options
	process *exec.Cmd
	out     *writer
	output  *output
	log     logTail
	flow    flow
	// slots holds one element per request in flight.
	slots chan struct{}
	// controls is the number of requests in flight that need no slot.
	controls atomic.Int64
	// notices are notifications that wait for their handler.
	notices chan message
	// closing is closed when the host must close, exited when the process has exited, failed when
	// its calls have failed too, and done when nothing of it is running.
	closing, exited, failed, done chan struct{}
	state                         *os.ProcessState
	// unwatch stops watching the context of the host.
	unwatch func() bool

	mu       sync.Mutex
	calls    map[uint64]*pending
	lastID   uint64
	isClosed bool
	exit     *ExitError
}

// Start starts a host and waits until it responds. When ctx ends, the host is stopped too: requests
// in flight are cancelled and get a response.
//
// The error of a host that does not start, for example because its connections file cannot be read,
// is an [*ExitError] with its log.
func Start(ctx context.Context, options Options) (*Host, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	h := &Host{
		options: options.withDefaults(),
		notices: make(chan message, maxNotices),
		closing: make(chan struct{}), exited: make(chan struct{}),
		failed: make(chan struct{}), done: make(chan struct{}),
		calls: make(map[uint64]*pending),
	}
	h.slots = make(chan struct{}, h.options.MaxInFlight)
	h.flow.init()
	h.process = h.options.command()
	log, err := h.launch()
	if err != nil {
		return nil, fmt.Errorf("sallyport: %w", err)
	}
	h.unwatch = context.AfterFunc(ctx, h.interrupt)
	go h.run(log)
	if err := h.Request(ctx, "ping", nil, nil); err != nil {
		h.process.Process.Kill()
		<-h.done
		return nil, err
	}
	return h, nil
}

// launch starts the process with a pipe per stream.
func (h *Host) launch() (log *os.File, err error) {
	var files []*os.File
	defer func() {
		if err != nil {
			for _, file := range files {
				file.Close()
			}
		}
	}()
	for range [3]int{} {
		reading, writing, err := os.Pipe()
		if err != nil {
			return nil, err
		}
		files = append(files, reading, writing)
	}
	if h.out, err = newWriter(files[1]); err != nil {
		return nil, err
	}
	h.process.Stdin, h.process.Stdout, h.process.Stderr = files[0], files[3], files[5]
	if err := h.process.Start(); err != nil {
		return nil, err
	}
	for _, theirs := range []*os.File{files[0], files[3], files[5]} {
		theirs.Close()
	}
	h.output = newOutput(files[2])
	return files[4], nil
}

// run has the lifetime of the process and releases everything.
func (h *Host) run(log *os.File) {
	var all sync.WaitGroup
	background := func(work func()) {
		all.Add(1)
		go func() {
			defer all.Done()
			work()
		}()
	}
	background(h.out.run)
	logRead := make(chan struct{})
	background(func() {
		h.log.drain(log, h.options.Stderr)
		log.Close()
		close(logRead)
	})
	background(func() {
		h.process.Wait()
		h.state = h.process.ProcessState
		close(h.exited)
		h.output.ended()
		log.SetReadDeadline(time.Now().Add(tailWait))
	})

	// A handler may wait for the host to stop, so stopping does not wait for a handler.
	go h.handleNotices()

	h.read()
	h.output.file.Close()
	select {
	case <-h.exited:
	case <-time.After(killWait):
		h.process.Process.Kill()
		<-h.exited
	}
	h.out.abandon()
	select {
	case <-logRead:
	case <-time.After(killWait):
		// Options.Stderr no longer accepts data.
	}
	h.fail(&ExitError{Code: h.state.ExitCode(), Status: h.state.String(), LastLines: h.log.last()})
	close(h.notices)
	h.unwatch()
	all.Wait()
	close(h.done)
}

// fail fails all calls in flight and refuses further ones.
func (h *Host) fail(exit *ExitError) {
	h.mu.Lock()
	h.exit = exit
	calls := h.calls
	h.calls = nil
	h.mu.Unlock()
	close(h.failed)
	for _, call := range calls {
		h.release(call)
		call.answer <- message{failure: exit}
	}
}

// Close drains the host and stops it: no call is started, calls in flight are finished. It returns
// an [*ExitError] if the host did not exit normally.
func (h *Host) Close() error { return h.Shutdown(context.Background()) }

// Shutdown is Close with a limit: when ctx ends, the remaining calls are cancelled. The
// [*ExitError] then has Code 3 if there were any.
func (h *Host) Shutdown(ctx context.Context) error {
	h.mu.Lock()
	if !h.isClosed {
		h.isClosed = true
		close(h.closing)
	}
	h.mu.Unlock()
	h.out.close()
	h.output.rouse()
	h.flow.begin()
	defer h.flow.end()

	patience := time.NewTimer(h.options.DrainTimeout + killWait)
	defer patience.Stop()
	select {
	case <-h.done:
	case <-ctx.Done():
		h.interrupt()
	case <-patience.C:
		h.interrupt()
	}
	<-h.done
	if h.exit.Code != 0 {
		return h.exit
	}
	return nil
}

// interrupt makes the process cancel calls in flight and exit. The host drains on the first signal
// and cancels on the second. Two signals with the same number could be merged into one.
func (h *Host) interrupt() {
	h.process.Process.Signal(syscall.SIGTERM)
	h.process.Process.Signal(syscall.SIGINT)
	go func() {
		select {
		case <-h.exited:
		case <-time.After(killWait):
			h.process.Process.Kill()
		}
	}()
}

// Done is closed when the host has exited and released everything; [Host.Err] then says how.
func (h *Host) Done() <-chan struct{} { return h.done }

// Err is nil while the host runs, and an [*ExitError] after it has exited.
func (h *Host) Err() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.exit == nil {
		return nil
	}
	return h.exit
}

// LastLogLines are the last lines of the host's log, 20 at most.
func (h *Host) LastLogLines() []string { return h.log.last() }
