package sallyport

import (
	"encoding/json"
	"io"
	"os"
	"os/exec"
	"strconv"
	"time"
)

// Options says how the host is started. The zero value starts "sallyport serve" from the PATH,
// or from $SALLYPORT where that is set.
type Options struct {
	// Path is the executable.
	Path string
	// Connections is the connections file; empty for that of $SALLYPORT_CONNECTIONS.
	Connections string
	// Sandbox takes vendors that are emulated inside the host instead.
	Sandbox bool
	// Args are further options of "sallyport serve", such as "--read-only".
	Args []string
	// Env is the environment of the host; nil for that of this process.
	Env []string
	// Dir is the directory that the host runs in; empty for that of this process.
	Dir string

	// MaxInFlight is how many requests are under way at a time; 0 for 64. Further ones wait here
	// and not in the pipe, where neither a deadline nor a cancellation would reach them.
	MaxInFlight int
	// DrainTimeout is how long the host may take, when it is closed, to finish what it has
	// accepted; 0 for 30 seconds.
	DrainTimeout time.Duration
	// CancelWait is how long a call waits, after its context has ended, for the host to say what
	// became of it; 0 for 2 seconds. A host that works answers within milliseconds.
	CancelWait time.Duration

	// Stderr receives the log of the host. It is read in any case, and the last lines of it are
	// kept for [ExitError].
	Stderr io.Writer
	// OnHealth is told of connections that became healthy or unhealthy (see
	// [Host.WatchHealth]). Notifications are handed over one after the other, by a goroutine of
	// their own; when 1,000 of them wait, further ones are dropped.
	OnHealth func(HealthChange)
	// OnNotification is told of what the host says to nobody in particular, such as
	// connections/changed.
	OnNotification func(method string, params json.RawMessage)
}

const (
	defaultMaxInFlight  = 64
	defaultDrainTimeout = 30 * time.Second
	defaultCancelWait   = 2 * time.Second
)

func (o Options) withDefaults() Options {
	if o.Path == "" {
		o.Path = os.Getenv("SALLYPORT")
	}
	if o.Path == "" {
		o.Path = "sallyport"
	}
	if o.MaxInFlight <= 0 {
		o.MaxInFlight = defaultMaxInFlight
	}
	if o.DrainTimeout <= 0 {
		o.DrainTimeout = defaultDrainTimeout
	}
	if o.CancelWait <= 0 {
		o.CancelWait = defaultCancelWait
	}
	return o
}

func (o Options) command() *exec.Cmd {
	arguments := []string{
		"serve",
		"--max-in-flight", strconv.Itoa(o.MaxInFlight),
		"--drain-timeout", strconv.Itoa(int((o.DrainTimeout + time.Second - 1) / time.Second)),
	}
	if o.Sandbox {
		arguments = append(arguments, "--sandbox")
	}
	if o.Connections != "" {
		arguments = append(arguments, "--connections", o.Connections)
	}
	command := exec.Command(o.Path, append(arguments, o.Args...)...)
	command.Env, command.Dir = o.Env, o.Dir
	return command
}
