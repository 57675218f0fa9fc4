package bench

import (
	"bytes"
	"fmt"
	"math"
	"os"
	"testing"

	"github.com/wcharczuk/go-chart/v2"
)

// plot draws calls and CPU by the number of resources, both axes in powers of ten, so that what grows
// linearly is a line that rises by one for each one to the right.
func plot(t *testing.T, n, calls, cpu []float64) {
	t.Helper()
	powers := func(from, to int, unit string) (ticks []chart.Tick) {
		for i := from; i <= to; i++ {
			ticks = append(ticks, chart.Tick{Value: float64(i), Label: fmt.Sprintf("%g%s", math.Pow(10, float64(i)), unit)})
		}
		return ticks
	}
	logs := func(of []float64) (all []float64) {
		for _, x := range of {
			all = append(all, math.Log10(x))
		}
		return all
	}
	graph := chart.Chart{
		Title: "Calls and CPU of a pause and a resume, by the size of the fleet", Width: 800, Height: 420,
		Background:     chart.Style{Padding: chart.Box{Top: 60, Left: 20, Right: 20, Bottom: 10}},
		XAxis:          chart.XAxis{Name: "resources", Ticks: powers(2, 5, ""), Range: &chart.ContinuousRange{Min: 2, Max: 5}},
		YAxis:          chart.YAxis{Name: "seconds of CPU", Ticks: powers(-1, 4, " s"), Range: &chart.ContinuousRange{Min: -1, Max: 4}},
		YAxisSecondary: chart.YAxis{Name: "calls", Ticks: powers(2, 7, ""), Range: &chart.ContinuousRange{Min: 2, Max: 7}},
		Series: []chart.Series{
			chart.ContinuousSeries{Name: "calls", XValues: logs(n), YValues: logs(calls), YAxis: chart.YAxisSecondary, Style: chart.Style{StrokeColor: chart.ColorBlue, StrokeWidth: 2, DotColor: chart.ColorBlue, DotWidth: 4}},
			chart.ContinuousSeries{Name: "CPU", XValues: logs(n), YValues: logs(cpu), Style: chart.Style{StrokeColor: chart.ColorRed, StrokeWidth: 2, DotColor: chart.ColorRed, DotWidth: 4}},
			chart.ContinuousSeries{Name: "linear", XValues: []float64{2, 5}, YValues: []float64{0, 3}, Style: chart.Style{StrokeColor: chart.ColorAlternateGray, StrokeWidth: 1, StrokeDashArray: []float64{4, 4}}},
		},
	}
	graph.Elements = []chart.Renderable{chart.LegendThin(&graph)}
	var svg bytes.Buffer
	if err := graph.Render(chart.SVG, &svg); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile("../../docs/performance-growth.svg", svg.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
}
