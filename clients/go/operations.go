package sallyport

import "context"

// Reloaded are the names of the connections that reloading the connections file changed. If a
// connection is rejected, nothing changed.
type Reloaded struct {
	Added    []string             `json:"added"`
	Changed  []string             `json:"changed"`
	Removed  []string             `json:"removed"`
	Rejected []RejectedConnection `json:"rejected"`
}

// RejectedConnection is a faulty connection of the connections file.
type RejectedConnection struct {
	Name     string    `json:"name"`
	Problems []Problem `json:"problems"`
}

// Reload reads the connections file again. Calls in flight keep their connection.
func (h *Host) Reload(ctx context.Context) (*Reloaded, error) {
	reloaded := new(Reloaded)
	if err := h.Request(ctx, "connections/reload", nil, reloaded); err != nil {
		return nil, err
	}
	return reloaded, nil
}

// Metrics are the host's metrics, in the text format of OpenMetrics.
func (h *Host) Metrics(ctx context.Context) (string, error) {
	var metrics struct {
		Text string `json:"text"`
	}
	err := h.Request(ctx, "metrics", nil, &metrics)
	return metrics.Text, err
}
