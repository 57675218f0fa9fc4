package bench

import (
	"runtime"
	"syscall"
	"time"
)

// cost is what this process has used.
type cost struct {
	cpu  time.Duration
	heap uint64
}

// spent measures do: CPU time, and the most that the heap grew by, looked at every few milliseconds.
func spent(do func()) cost {
	runtime.GC()
	var before runtime.MemStats
	runtime.ReadMemStats(&before)
	peak, done, ended := before.HeapAlloc, make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		for {
			select {
			case <-done:
				return
			case <-time.After(5 * time.Millisecond):
				var now runtime.MemStats
				runtime.ReadMemStats(&now)
				peak = max(peak, now.HeapAlloc)
			}
		}
	}()
	began := cpu()
	do()
	used := cpu() - began
	close(done)
	<-ended
	return cost{used, peak - before.HeapAlloc}
}

func cpu() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
