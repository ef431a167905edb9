package plugin

import (
	"context"
	"sync"
)

// redacted is what the host shows of a token that it knows, and a dry run in place of a token that was never
// issued.
const redacted = "[redacted]"

// tokens keeps which tokens of connections are valid. The values are known to the host only.
type tokens struct {
	mu    sync.Mutex
	slots map[string]*tokenSlot
}

type tokenSlot struct {
	// signIn has one element while no goroutine signs in.
	signIn chan struct{}

	mu sync.Mutex
	// generation is the number of the sign-in whose token is valid; 0 for none.
	generation, count uint64
}

func (s *tokenSlot) current() uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.generation
}

func (t *tokens) slot(call *Call, name string) *tokenSlot {
	t.mu.Lock()
	defer t.mu.Unlock()
	key := name + "\x00" + string(call.rawSettings)
	if t.slots == nil {
		t.slots = map[string]*tokenSlot{}
	}
	if t.slots[key] == nil {
		t.slots[key] = &tokenSlot{signIn: make(chan struct{}, 1)}
		t.slots[key].signIn <- struct{}{}
	}
	return t.slots[key]
}

// Token returns the placeholder of a token, after signing in once per connection. signIn returns the
// token that the vendor issued. If a request gets the status 401, HTTP signs in once more and repeats it.
func (c *Call) Token(ctx context.Context, name string, signIn func(ctx context.Context, call *Call) (string, error)) (string, error) {
	slot := c.plugin.tokens.slot(c, name)
	generation := slot.current()
	if generation == 0 {
		select {
		case <-slot.signIn:
		case <-ctx.Done():
			return "", ctx.Err()
		}
		defer func() { slot.signIn <- struct{}{} }()
		if generation = slot.current(); generation == 0 {
			value, err := signIn(ctx, c)
			if err != nil {
				return "", err
			}
			if c.options.DryRun {
				return redacted, nil
			}
			// The vendor issued the token that the host knows, and the host has redacted it.
			if value != redacted && value != placeholder(name) {
				if _, err := c.Secret(ctx, name, value); err != nil {
					return "", err
				}
			}
			slot.mu.Lock()
			slot.count++
			slot.generation = slot.count
			generation = slot.generation
			slot.mu.Unlock()
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.used == nil {
		c.used = map[string]uint64{}
	}
	c.used[name] = generation
	return placeholder(name), nil
}

// forgetTokens drops the tokens that this call has used. false means that it has used none.
func (c *Call) forgetTokens() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	for name, generation := range c.used {
		slot := c.plugin.tokens.slot(c, name)
		slot.mu.Lock()
		if slot.generation == generation {
			slot.generation = 0
		}
		slot.mu.Unlock()
	}
	return len(c.used) > 0
}
