package main

import (
	"runtime"
	"syscall"
	"time"
)

// pacer wakes callers after a fixed time, without spinning. Go's timers use epoll_wait with whole
// milliseconds: they are up to 1 ms of 20 ms late, which would count against the host under test.
// The latency is the same for all callers, so they form a queue and one thread sleeps for them.
type pacer struct {
	latency time.Duration
	waiting chan waiter
}

type waiter struct {
	due  time.Time
	wake chan struct{}
}

func newPacer(latency time.Duration) *pacer {
	p := &pacer{latency: latency, waiting: make(chan waiter, 4096)}
	go p.run()
	return p
}

func (p *pacer) wait() {
	w := waiter{due: time.Now().Add(p.latency), wake: make(chan struct{})}
	p.waiting <- w
	<-w.wake
}

func (p *pacer) run() {
	runtime.LockOSThread()
	for w := range p.waiting {
		for left := time.Until(w.due); left > 0; left = time.Until(w.due) {
			// After an interrupted sleep, the loop sleeps again.
			duration := syscall.NsecToTimespec(left.Nanoseconds())
			_ = syscall.Nanosleep(&duration, nil)
		}
		close(w.wake)
	}
}
