package sallyport

import (
	"context"
	"time"
)

// HealthChange is a connection that became healthy or unhealthy, or has failed as often as was
// asked for.
type HealthChange struct {
	Connection string `json:"connection"`
	// Status is "healthy" or "unhealthy".
	Status              string `json:"status"`
	ConsecutiveFailures int    `json:"consecutive_failures"`
	// Error is why it is unhealthy.
	Error     string    `json:"error"`
	CheckedAt time.Time `json:"checked_at"`
}

// WatchHealth tests a connection now and then every interval, which counts in whole seconds.
// [Options.OnHealth] is told of changes, and of this many failures in a row.
func (h *Host) WatchHealth(ctx context.Context, connection string, interval time.Duration, notifyAfterFailures int) error {
	return h.Request(ctx, "health/watch", map[string]any{
		"connection":            connection,
		"interval_seconds":      int64(max(interval, time.Second) / time.Second),
		"notify_after_failures": max(notifyAfterFailures, 1),
	}, nil)
}

// UnwatchHealth ends the tests of a connection.
func (h *Host) UnwatchHealth(ctx context.Context, connection string) error {
	return h.Request(ctx, "health/unwatch", map[string]any{"connection": connection}, nil)
}
