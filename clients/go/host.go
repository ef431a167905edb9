package sallyport

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"sync"
	"syscall"
	"time"
)

const (
	// killWait is how long a host that was told to end, or has closed its output, may live on.
	killWait = 5 * time.Second
	// tailWait is how long the pipes of a host that has ended are read when another process
	// holds them open.
	tailWait = 5 * time.Second
)

// Host is a Sallyport process. It may be used by several goroutines at a time.
type Host struct {
	options Options
	process *exec.Cmd
	out     *writer
	output  *output
	log     logTail
	flow    flow
	// slots holds one element for each request that is under way.
	slots chan struct{}
	// notices are notifications that wait for their handler.
	notices chan message
	// closing is closed when the host is to be closed, exited when the process has ended, failed
	// when its calls have been ended too, and done when nothing of it is left running.
	closing, exited, failed, done chan struct{}
	state                         *os.ProcessState
	// unwatch ends the watch on the context of the host.
	unwatch func() bool

	mu       sync.Mutex
	calls    map[uint64]*pending
	lastID   uint64
	isClosed bool
	exit     *ExitError
}

// Start starts a host and waits until it answers. When ctx ends, the host is made to end too:
// what is under way is cancelled and answered.
//
// A host that does not start, as with a connections file that cannot be read, is an
// [*ExitError] that holds what it said.
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

// launch starts the process with a pipe for each of its streams.
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

// run lives as long as the process and leaves nothing behind.
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

	// A handler may wait for the end of the host, so the end does not wait for a handler.
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
		// Options.Stderr takes nothing any more.
	}
	h.fail(&ExitError{Code: h.state.ExitCode(), Status: h.state.String(), LastLines: h.log.last()})
	close(h.notices)
	h.unwatch()
	all.Wait()
	close(h.done)
}

// fail ends all calls that are under way, and refuses further ones.
func (h *Host) fail(exit *ExitError) {
	h.mu.Lock()
	h.exit = exit
	calls := h.calls
	h.calls = nil
	h.mu.Unlock()
	close(h.failed)
	for _, call := range calls {
		<-h.slots
		call.answer <- message{failure: exit}
	}
}

// Close ends the host: no call is begun any more, those under way are finished. It returns an
// [*ExitError] when the host ended in another way than it should.
func (h *Host) Close() error { return h.Shutdown(context.Background()) }

// Shutdown is Close for who cannot wait that long: when ctx ends, what is left is cancelled. The
// [*ExitError] then has Code 3 where something was.
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

// interrupt makes the process cancel what is under way and end. The host takes the first signal
// for the order to finish and the second for the order to cancel; two of one number could
// become one.
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

// Done is closed when the host has ended and nothing of it is left; [Host.Err] then says how.
func (h *Host) Done() <-chan struct{} { return h.done }

// Err is nil while the host lives, and an [*ExitError] when it has ended.
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
