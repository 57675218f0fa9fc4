package bench

import (
	"bytes"
	"math"
	"os"
	"strconv"
	"testing"

	"github.com/wcharczuk/go-chart/v2"
	"github.com/wcharczuk/go-chart/v2/drawing"
)

// plot draws calls and CPU by the number of resources, both axes in powers of ten, so that what grows
// linearly is a line that rises by one for each one to the right.
func plot(t *testing.T, n, calls, cpu []float64) {
	t.Helper()
	powers := func(from, to int) (ticks []chart.Tick) {
		for i := from; i <= to; i++ {
			ticks = append(ticks, chart.Tick{Value: float64(i), Label: strconv.FormatFloat(math.Pow(10, float64(i)), 'f', -1, 64)})
		}
		return ticks
	}
	line := func(name string, color drawing.Color, y []float64) chart.Series {
		s := chart.ContinuousSeries{Name: name, Style: chart.Style{StrokeColor: color, StrokeWidth: 2, DotColor: color, DotWidth: 4}}
		for i := range n {
			s.XValues, s.YValues = append(s.XValues, math.Log10(n[i])), append(s.YValues, math.Log10(y[i]))
		}
		return s
	}
	linear := chart.ContinuousSeries{
		Name: "what grows linearly", XValues: []float64{2, 5}, YValues: []float64{2, 5},
		Style: chart.Style{StrokeColor: chart.ColorAlternateGray, StrokeWidth: 1, StrokeDashArray: []float64{4, 4}},
	}
	graph := chart.Chart{
		Width: 800, Height: 480, Background: chart.Style{Padding: chart.Box{Top: 50, Left: 20, Right: 20, Bottom: 20}},
		XAxis:  chart.XAxis{Name: "resources", Ticks: powers(2, 5), Range: &chart.ContinuousRange{Min: 2, Max: 5}},
		YAxis:  chart.YAxis{Name: "calls, seconds of CPU", Ticks: powers(-1, 6), Range: &chart.ContinuousRange{Min: -1, Max: 6}},
		Series: []chart.Series{line("calls", chart.ColorBlue, calls), line("seconds of CPU", chart.ColorRed, cpu), linear},
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
