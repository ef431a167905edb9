package sallyport

import "context"

type traceparentKey struct{}

// WithTraceparent returns a context whose calls have this parent span, in the format of W3C Trace
// Context. See [Options.TraceparentFrom] for a tracing library that keeps its span in the context.
func WithTraceparent(ctx context.Context, traceparent string) context.Context {
	return context.WithValue(ctx, traceparentKey{}, traceparent)
}

// traced returns the call with the label and the parent span that it does not name itself.
func (h *Host) traced(ctx context.Context, call Call) Call {
	if call.Label == "" {
		call.Label = h.options.Label
	}
	if call.Traceparent == "" {
		call.Traceparent, _ = ctx.Value(traceparentKey{}).(string)
	}
	if call.Traceparent == "" && h.options.TraceparentFrom != nil {
		call.Traceparent = h.options.TraceparentFrom(ctx)
	}
	return call
}
