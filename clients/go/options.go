package sallyport

import (
	"context"
	"encoding/json"
	"io"
	"os"
	"os/exec"
	"strconv"
	"time"
)

// Options configures the start of a host. The zero value starts "serve" of $SALLYPORT, or of
// sallyport on the PATH.
type Options struct {
	// Path is the executable.
	Path string
	// Connections is the connections file; empty for $SALLYPORT_CONNECTIONS.
	Connections string
	// Sandbox uses the emulated vendors inside the host.
	Sandbox bool
	// Args are further options of "sallyport serve", such as "--read-only".
	Args []string
	// Env is the environment of the host; nil for that of this process.
	Env []string
	// Dir is the working directory of the host; empty for that of this process.
	Dir string

	// Label is the default of [Call.Label].
	Label string
	// TraceparentFrom returns the traceparent of the current span of a context, or an empty string.
	// It connects a tracing library, which this package does not depend on. [WithTraceparent] has
	// priority.
	TraceparentFrom func(context.Context) string

	// MaxInFlight is the maximum number of requests in flight; 0 for 64. Further requests wait here
	// and not in the pipe, where no deadline and no cancellation would reach them.
	MaxInFlight int
	// DrainTimeout is the time the host has to finish accepted requests when it is closed; 0 for 30
	// seconds.
	DrainTimeout time.Duration
	// CancelWait is the time a call waits for the host to report the outcome after its context has
	// ended; 0 for 2 seconds. A working host responds within milliseconds.
	CancelWait time.Duration

	// Stderr receives the log of the host. It is always read, and its last lines are kept for
	// [ExitError].
	Stderr io.Writer
	// OnHealth is called when a connection becomes healthy or unhealthy (see [Host.WatchHealth]). A
	// separate goroutine delivers notifications in order; if 1,000 are queued, further ones are
	// dropped.
	OnHealth func(HealthChange)
	// OnNotification is called for notifications that belong to no call, such as
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
