package sallyport_test

import (
	"context"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"example.invalid/sallyport"
	"example.invalid/sallyport/coda"
)

// The time that this process alone, and not the host, spends on a call: CPU-µs/call. Dry runs
// keep the vendor out of it. Run it with
//
//	go test -run '^$' -bench . -benchtime 20000x
func BenchmarkInvoke(b *testing.B) {
	for _, test := range []struct {
		name    string
		callers int
	}{{"one at a time", 1}, {"64 callers", 64}} {
		b.Run(test.name, func(b *testing.B) { benchmark(b, test.callers, dryRun) })
	}
}

func dryRun(b *testing.B, host *sallyport.Host) {
	result, err := coda.New(host, "coda_sandbox").ListDeviceUsers(
		context.Background(), coda.ListDeviceUsersParams{DeviceID: 1041}, sallyport.DryRun())
	if err != nil || !result.DryRun || len(result.Requests) == 0 {
		b.Errorf("%+v, %v", result, err)
	}
}

func benchmark(b *testing.B, callers int, call func(*testing.B, *sallyport.Host)) {
	host, err := sallyport.Start(context.Background(), sallyport.Options{Sandbox: true})
	if err != nil {
		b.Fatal(err)
	}
	defer host.Close()
	for range [100]int{} {
		call(b, host)
	}
	var left atomic.Int64
	left.Store(int64(b.N))
	b.ReportAllocs()
	b.ResetTimer()
	before := cpuTime(b)
	var all sync.WaitGroup
	for caller := 0; caller < callers; caller++ {
		all.Add(1)
		go func() {
			defer all.Done()
			for left.Add(-1) >= 0 {
				call(b, host)
			}
		}()
	}
	all.Wait()
	b.ReportMetric(float64((cpuTime(b)-before).Nanoseconds())/1000/float64(b.N), "CPU-µs/call")
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "calls/s")
}

// cpuTime is what this process, without its children, has used of the processors.
func cpuTime(b *testing.B) time.Duration {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		b.Fatal(err)
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}
