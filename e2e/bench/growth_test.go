package bench

import (
	"fmt"
	"math"
	"strings"
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

// Limits of growth: exponents, and MiB that the brake holds at 10,000 resources; at 100,000 it may hold
// four times that.
const (
	mostExponent = 1.05
	mostHeld     = 64
)

func TestGrowth(t *testing.T) {
	sizes := []int{100, 1000}
	if full() {
		sizes = []int{100, 1000, 10000, 100000}
	}
	text := "| Resources | Calls | CPU, with the simulated account | The brake holds | Where from, most of it |\n|--:|--:|--:|--:|---|\n"
	var n, calls, cpu []float64
	for _, resources := range sizes {
		s := sizeOf(t, resources)
		fmt.Print(s)
		for _, h := range s.top {
			fmt.Printf("        %6.1f MiB of it in %s\n", mebibytes(h.bytes), h.where)
		}
		var holders []string
		for _, h := range s.top[:min(3, len(s.top))] {
			holders = append(holders, fmt.Sprintf("`%s` %.1f MiB", strings.TrimPrefix(h.where, "aws-hit-breaks/"), mebibytes(h.bytes)))
		}
		text += fmt.Sprintf("| %d | %d | %.1f s | %.1f MiB | %s |\n", resources, s.calls, s.cpu.Seconds(), mebibytes(s.brake), strings.Join(holders, ", "))
		most := float64(mostHeld)
		if resources > 10000 {
			most *= 4
		}
		if mebibytes(s.brake) > most {
			t.Errorf("at %d resources the brake holds %.1f MiB, at most %.0f: %s", resources, mebibytes(s.brake), most, strings.Join(holders, ", "))
		}
		n, calls, cpu = append(n, float64(resources)), append(calls, float64(s.calls)), append(cpu, s.cpu.Seconds())
	}
	grown := fmt.Sprintf("Calls grow with the power %.2f of the number of resources, CPU with the power %.2f.", exponent(n, calls), exponent(n, cpu))
	fmt.Println(grown)
	for what, y := range map[string][]float64{"calls": calls, "CPU": cpu} {
		if e := exponent(n, y); e > mostExponent {
			t.Errorf("%s grow with the power %.2f of the resources, at most %.2f", what, e, mostExponent)
		}
	}
	document(t, "growth", text+"\n"+grown)
	if full() {
		plot(t, n, calls, cpu)
	}
}

func TestExponentIsThatOfThePower(t *testing.T) {
	if e := exponent([]float64{1, 10, 100}, []float64{3, 300, 30000}); math.Abs(e-2) > 1e-9 {
		t.Errorf("3x² has the exponent %v", e)
	}
}
