package sallyport

import (
	"context"
	"time"
)

// HealthChange is sent when a connection becomes healthy or unhealthy, or when its consecutive
// failures reach the threshold.
type HealthChange struct {
	Connection string `json:"connection"`
	// Status is "healthy" or "unhealthy".
	Status              string `json:"status"`
	ConsecutiveFailures int    `json:"consecutive_failures"`
	// Error is the reason if it is unhealthy.
	Error     HealthError `json:"error"`
	CheckedAt time.Time   `json:"checked_at"`
}

// HealthError is why the last check failed. It is empty if the connection is healthy.
type HealthError struct {
	// Kind is that of a failed command, such as "auth" or "rate_limited".
	Kind    string `json:"kind"`
	Message string `json:"message"`
}

// WatchHealth tests a connection now and then at every interval, in whole seconds.
// [Options.OnHealth] is called on changes, and after this number of consecutive failures.
func (h *Host) WatchHealth(ctx context.Context, connection string, interval time.Duration, notifyAfterFailures int) error {
	return h.Request(ctx, "health/watch", map[string]any{
		"connection":            connection,
		"interval_seconds":      int64(max(interval, time.Second) / time.Second),
		"notify_after_failures": max(notifyAfterFailures, 1),
	}, nil)
}

// UnwatchHealth stops the tests of a connection.
func (h *Host) UnwatchHealth(ctx context.Context, connection string) error {
	return h.Request(ctx, "health/unwatch", map[string]any{"connection": connection}, nil)
}
