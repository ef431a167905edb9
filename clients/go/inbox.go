package sallyport

import "sync"

// maxHeld is the maximum bytes of notifications that a call buffers before it makes the host wait,
// unless another call is waiting.
const maxHeld = 4 << 20

// inbox buffers the notifications of a call until they are read.
type inbox struct {
	flow *flow
	mu   sync.Mutex
	// held are the unread notifications.
	held      []message
	heldBytes int
	// discards is true when nothing more will be read.
	discards bool
	// more has an element when something was added to held.
	more chan struct{}
}

func newInbox(flow *flow) *inbox { return &inbox{flow: flow, more: make(chan struct{}, 1)} }

// push is called by the reader of the host.
func (i *inbox) push(got message) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.discards {
		return
	}
	i.held = append(i.held, got)
	i.grow(len(got.payload))
	select {
	case i.more <- struct{}{}:
	default:
	}
}

func (i *inbox) take() (message, bool) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if len(i.held) == 0 {
		return message{}, false
	}
	got := i.held[0]
	i.held[0] = message{}
	i.held = i.held[1:]
	i.grow(-len(got.payload))
	return got, true
}

func (i *inbox) discard() {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.discards, i.held = true, nil
	i.grow(-i.heldBytes)
}

// grow counts the buffered bytes, and reports when the limit is exceeded or no longer exceeded.
func (i *inbox) grow(by int) {
	wasFull := i.heldBytes > maxHeld
	i.heldBytes += by
	if isFull := i.heldBytes > maxHeld; isFull && !wasFull {
		i.flow.changeFull(1)
	} else if wasFull && !isFull {
		i.flow.changeFull(-1)
	}
}
