package main

import (
	"runtime"
	"syscall"
	"time"
)

// pacer wakes callers after a fixed time, without spinning. Go's own timers end in epoll_wait with
// its whole milliseconds: up to 1 ms late of 20, which a host under test would have to answer for.
// As the latency is the same for all, those who wait are a queue and one thread sleeps for them.
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
			// An interrupted sleep only goes round once more.
			duration := syscall.NsecToTimespec(left.Nanoseconds())
			_ = syscall.Nanosleep(&duration, nil)
		}
		close(w.wake)
	}
}
