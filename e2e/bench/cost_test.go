package bench

import (
	"cmp"
	"fmt"
	"math"
	"os"
	"runtime"
	"runtime/metrics"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// cost is what a pause and a resume take of this process.
type cost struct {
	cpu   time.Duration // of all of it: the brake, the simulated account, the collector
	brake int64         // the most that what the brake allocated held of the heap
	all   int64         // the most that the heap grew by, with the simulated account and its table
	top   []holder      // who held the brake's part when it was largest
}

// holder is a function with what it allocated and is still in use.
type holder struct {
	where string
	bytes int64
}

// Every so many bytes that are allocated are told with where; set before anything is.
func init() { runtime.MemProfileRate = 64 << 10 }

// exact is how Go collects for what is held to be what can be reached: while a collection goes on beside the
// program, all that is allocated meanwhile counts as held, which is the more the larger the simulated account
// and the slower the machine.
const exact = "gcstoptheworld=1"

// The setting is read when a process begins.
func TestMain(m *testing.M) {
	if !strings.Contains(os.Getenv("GODEBUG"), exact) {
		err := os.Setenv("GODEBUG", strings.Trim(os.Getenv("GODEBUG")+","+exact, ","))
		if err == nil {
			err = syscall.Exec(os.Args[0], os.Args, os.Environ())
		}
		fmt.Fprintln(os.Stderr, "begin anew with", exact, "in GODEBUG:", err)
		os.Exit(1)
	}
	os.Exit(m.Run())
}

// spent measures do, looking at the heap as it was at the end of each collection.
func spent(do func()) (c cost) {
	runtime.GC()
	idle, idleAll, _ := held()
	done, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		last := uint64(0)
		for {
			select {
			case <-done:
				return
			case <-time.After(100 * time.Millisecond):
			}
			cycles := []metrics.Sample{{Name: "/gc/cycles/total:gc-cycles"}}
			if metrics.Read(cycles); cycles[0].Value.Uint64() == last {
				continue
			}
			last = cycles[0].Value.Uint64()
			brake, all, top := held()
			c.all = max(c.all, all-idleAll)
			if brake-idle > c.brake {
				c.brake, c.top = brake-idle, top
			}
		}
	}()
	began := cpu()
	do()
	c.cpu = cpu() - began
	close(done)
	<-ended
	return c
}

func cpu() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// held is what was in use at the end of the last collection: of what the brake allocated, and of all. What
// the simulated account allocates has it on the stack, and so have the answers that it gives. What the
// measurement notes is not the brake's either.
func held() (brake, all int64, top []holder) {
	records := make([]runtime.MemProfileRecord, 1<<14)
	for {
		n, ok := runtime.MemProfile(records, false)
		if ok {
			records = records[:n]
			break
		}
		records = make([]runtime.MemProfileRecord, 2*n)
	}
	by := map[string]int64{}
	for _, r := range records {
		bytes := scaled(r)
		all += bytes
		where := ""
		frames := runtime.CallersFrames(r.Stack())
		for more := true; more; {
			var f runtime.Frame
			f, more = frames.Next()
			if strings.Contains(f.Function, "aws-hit-breaks/pkg/awssim.") || strings.Contains(f.Function, "aws-hit-breaks/e2e/bench.held") {
				where = ""
				bytes = 0
				break
			}
			if where == "" && strings.Contains(f.Function, "aws-hit-breaks/") {
				where = fmt.Sprintf("%s:%d", f.Function, f.Line)
			}
		}
		if strings.HasPrefix(where, "aws-hit-breaks/e2e/bench.") {
			continue // what the measurement itself notes
		}
		brake += bytes
		by[where] += bytes
	}
	for where, bytes := range by {
		top = append(top, holder{cmp.Or(where, "nothing of ours"), bytes})
	}
	slices.SortFunc(top, func(x, y holder) int { return int(y.bytes - x.bytes) })
	return brake, all, top[:min(8, len(top))]
}

// scaled is what a record stands for: it holds one in so many allocations, the larger the likelier.
func scaled(r runtime.MemProfileRecord) int64 {
	if r.AllocObjects == 0 {
		return 0
	}
	each := float64(r.AllocBytes) / float64(r.AllocObjects)
	return int64(float64(r.InUseBytes()) / (1 - math.Exp(-each/float64(runtime.MemProfileRate))))
}
