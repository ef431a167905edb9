package plugin

import (
	"context"
	"errors"
	"sync"
)

// maxTargets is how many targets run at the same time.
const maxTargets = 8

// Targets runs a function per target, concurrently, and returns the outcome per target. The function
// returns the body for its target. Duplicate targets run once. If all fail, the command fails. If the vendor
// refuses the credentials, no further target is started.
func Targets[T comparable](ctx context.Context, call *Call, targets []T, run func(ctx context.Context, target T) (any, error)) (any, error) {
	state := &targetRun[T]{call: call, outcomes: map[T]targetOutcome{}}
	seen := map[T]bool{}
	for _, one := range targets {
		if !seen[one] {
			seen[one] = true
			state.targets = append(state.targets, one)
		}
	}
	width := maxTargets
	if call.options.DryRun {
		// The requests are recorded in the order of the targets.
		width = 1
	}
	var group sync.WaitGroup
	for worker := 0; worker < width && worker < len(state.targets); worker++ {
		group.Add(1)
		go func() {
			defer group.Done()
			for {
				target, ok := state.take(ctx)
				if !ok {
					return
				}
				body, err := guarded(func() (any, error) { return run(ctx, target) })
				state.add(ctx, target, body, err)
			}
		}()
	}
	group.Wait()
	return state.result(ctx)
}

type targetOutcome struct {
	body any
	err  *Error
}

type targetRun[T comparable] struct {
	call    *Call
	targets []T

	mu       sync.Mutex
	next     int
	outcomes map[T]targetOutcome
	refusal  *Error
	dryRun   bool
}

func (r *targetRun[T]) take(ctx context.Context) (target T, ok bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.next == len(r.targets) || r.refusal != nil || ctx.Err() != nil {
		return target, false
	}
	r.next++
	return r.targets[r.next-1], true
}

func (r *targetRun[T]) add(ctx context.Context, target T, body any, err error) {
	if errors.Is(err, ErrDryRun) {
		r.mu.Lock()
		r.dryRun = true
		r.mu.Unlock()
		return
	}
	outcome := targetOutcome{body: body}
	if err != nil {
		outcome.err = asError(ctx, err)
		if outcome.err.Outcome == "" {
			outcome.err.Outcome = r.call.command.outcomeOfTarget(outcome.err)
		}
	}
	r.mu.Lock()
	r.outcomes[target] = outcome
	if outcome.err != nil && outcome.err.status() == 401 && r.refusal == nil {
		r.refusal = outcome.err
	}
	done := len(r.outcomes)
	r.mu.Unlock()
	if r.call.options.Stream {
		told := r.told(target, outcome)
		if outcome.err == nil {
			told.Data = body
		}
		if raw, err := encode(told); err == nil {
			r.call.emit(raw)
		}
	}
	r.call.Progress(done, len(r.targets))
}

func (r *targetRun[T]) told(target T, outcome targetOutcome) Target {
	if outcome.err == nil {
		return Target{Target: target, ReturnData: "Successful"}
	}
	data := outcome.err.data(r.call.command.FailureIndicator)
	data.ReturnData = ""
	return Target{Target: target, ReturnData: "Failed", Error: data}
}

func (r *targetRun[T]) result(ctx context.Context) (any, error) {
	if r.dryRun {
		return nil, ErrDryRun
	}
	if ctx.Err() == context.Canceled {
		return nil, cancelled()
	}
	result := Result{returnData: "Successful"}
	bodies := []any{}
	var first *Error
	failures, isUnknown := 0, false
	for _, target := range r.targets {
		outcome, ok := r.outcomes[target]
		if !ok {
			outcome.err = r.skipped()
		}
		result.targets = append(result.targets, r.told(target, outcome))
		if outcome.err == nil {
			bodies = append(bodies, outcome.body)
			continue
		}
		if failures++; first == nil {
			first = outcome.err
		}
		isUnknown = isUnknown || outcome.err.Outcome != NotApplied
	}
	result.Body = bodies
	switch {
	case failures == 0:
		return result, nil
	case failures < len(r.targets):
		result.returnData = "Partially Successful"
		return result, nil
	}
	if r.refusal != nil {
		first = r.refusal
	}
	failed := *first
	failed.targets, failed.Outcome = result.targets, NotApplied
	if isUnknown {
		failed.Outcome = Unknown
	}
	return nil, &failed
}

func (r *targetRun[T]) skipped() *Error {
	if r.refusal != nil {
		return &Error{Message: "Not started: the vendor refused the credentials.", StatusCode: 401, Outcome: NotApplied}
	}
	return &Error{Message: "Not started: the deadline passed.", Kind: "timeout", Outcome: NotApplied}
}
