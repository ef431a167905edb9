package sallyport_test

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"example.invalid/sallyport"
	"example.invalid/sallyport/coda"
)

// The time that this process alone, and not the host, spends on a call: CPU-µs/call. Dry runs
// keep the vendor out of it. "no client" is what a lone call costs at least: a line written to a host
// and a line read, by one goroutine. Run it with
//
//	go test -run '^$' -bench . -benchtime 20000x
func BenchmarkInvoke(b *testing.B) {
	for _, test := range []struct {
		name    string
		callers int
	}{{"one at a time", 1}, {"64 callers", 64}} {
		b.Run(test.name, func(b *testing.B) { benchmark(b, test.callers, dryRun) })
	}
	b.Run("no client", benchmarkPipe)
}

func benchmarkPipe(b *testing.B) {
	host := exec.Command(os.Getenv("SALLYPORT"), "serve", "--sandbox")
	requests, err := host.StdinPipe()
	if err != nil {
		b.Fatal(err)
	}
	answers, err := host.StdoutPipe()
	if err != nil {
		b.Fatal(err)
	}
	if err := host.Start(); err != nil {
		b.Fatal(err)
	}
	defer host.Wait()
	defer requests.Close()
	lines := bufio.NewReader(answers)
	call := func(id int) {
		_, err := fmt.Fprintf(requests, `{"jsonrpc":"2.0","id":%d,"method":"invoke","params":{"integration":`+
			`"coda_footprint","command":"list_device_users","arguments":{"device_id":1041},`+
			`"options":{"dry_run":true}}}`+"\n", id)
		line, readErr := lines.ReadSlice('\n')
		if err != nil || readErr != nil || !bytes.Contains(line, []byte(`"dry_run":true`)) {
			b.Fatal(err, readErr, string(line))
		}
	}
	for id := range [100]int{} {
		call(id)
	}
	b.ResetTimer()
	before := cpuTime(b)
	for id := 0; id < b.N; id++ {
		call(id)
	}
	report(b, before)
}

func report(b *testing.B, before time.Duration) {
	b.ReportMetric(float64((cpuTime(b)-before).Nanoseconds())/1000/float64(b.N), "CPU-µs/call")
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "calls/s")
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
	report(b, before)
}

// cpuTime is what this process, without its children, has used of the processors.
func cpuTime(b *testing.B) time.Duration {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		b.Fatal(err)
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}
