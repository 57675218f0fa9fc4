package bench

import (
	"fmt"
	"math"
	"os"
	"testing"

	"aws-hit-breaks/pkg/awssim"
	"aws-hit-breaks/pkg/killswitch"
)

// size is what a fleet of one size costs to pause and to resume.
type size struct {
	resources int
	calls     int
	cost
}

// sizeOf measures a fleet that is enterprise with so many resources.
func sizeOf(t *testing.T, resources int) size {
	s := size{resources: resources}
	inWorld(t, awssim.Sized(resources), false, func(w *world) {
		w.alone = true
		original := w.account.State()
		s.cost = spent(func() {
			for _, act := range []killswitch.Act{killswitch.Pause, killswitch.Resume} {
				s.calls += len(w.carry(act, original).Calls)
			}
		})
	})
	return s
}

func (s size) String() string {
	return fmt.Sprintf("%7d resources: %7d calls, CPU %8.2f s, the brake holds %6.1f MiB, the heap grows by %6.1f MiB\n",
		s.resources, s.calls, s.cpu.Seconds(), mebibytes(s.brake), mebibytes(s.all))
}

func mebibytes(bytes int64) float64 { return float64(bytes) / (1 << 20) }

// exponent is that of the power of x which fits y best.
func exponent(x, y []float64) float64 {
	var sx, sy, sxx, sxy float64
	n := float64(len(x))
	for i := range x {
		lx, ly := math.Log(x[i]), math.Log(y[i])
		sx, sy, sxx, sxy = sx+lx, sy+ly, sxx+lx*lx, sxy+lx*ly
	}
	return (n*sxy - sx*sy) / (n*sxx - sx*sx)
}

func TestGrowth(t *testing.T) {
	sizes := []int{100, 1000}
	if os.Getenv("BENCH") == "full" {
		sizes = []int{100, 1000, 10000, 100000}
	}
	var n, calls, cpu []float64
	for _, resources := range sizes {
		s := sizeOf(t, resources)
		fmt.Print(s)
		for _, h := range s.top {
			fmt.Printf("      %6.1f MiB %s\n", mebibytes(h.bytes), h.where)
		}
		n, calls, cpu = append(n, float64(resources)), append(calls, float64(s.calls)), append(cpu, s.cpu.Seconds())
	}
	fmt.Printf("calls grow with the power %.2f of the resources, CPU with %.2f\n", exponent(n, calls), exponent(n, cpu))
}
