// Minimum mutator utilisation, as sims/mmu.h defines it, of what is known about the cycles.
package main

import (
	"math"
	"sort"
)

var mmuWindowsNs = []float64{1e4, 1e5, 1e6, 1e7, 1e8, 1e9}

// span is a time in which the collector took that share of the processors.
type span struct{ begin, end, taken float64 }

// spans of the cycles within [begin, end]: the stops take everything; what marking took is spread
// evenly over the mark phase.
func spansOf(cycles []cycle, procs, begin, end float64) []span {
	spans := []span{}
	add := func(from, to, taken float64) {
		from, to = math.Max(from, begin), math.Min(to, end)
		if to > from {
			spans = append(spans, span{from, to, math.Min(taken, 1)})
		}
	}
	for i := range cycles {
		c := &cycles[i]
		busy := c.assist + c.dedicated + c.fractionalNs()
		add(c.start, c.mark, 1)
		if c.markTerm > c.mark {
			add(c.mark, c.markTerm, busy/(procs*(c.markTerm-c.mark)))
		}
		add(c.markTerm, c.end, 1)
	}
	sort.Slice(spans, func(i, k int) bool { return spans[i].begin < spans[k].begin })
	return spans
}

// utilisation is the least mean share left to the program in any window of that length: with an
// edge of the window on an edge of a span, because it is linear in between.
func utilisation(spans []span, begin, end, window float64) float64 {
	window = math.Min(window, end-begin)
	edges := []float64{begin, end}
	for _, s := range spans {
		edges = append(edges, s.begin, s.end)
	}
	sums := make([]float64, len(spans)+1) // taken by the spans before
	for i, s := range spans {
		sums[i+1] = sums[i] + (s.end-s.begin)*s.taken
	}
	before := func(t float64) float64 { // taken before t
		i := sort.Search(len(spans), func(i int) bool { return spans[i].end > t })
		sum := sums[i]
		if i < len(spans) && spans[i].begin < t {
			sum += (t - spans[i].begin) * spans[i].taken
		}
		return sum
	}
	most := 0.0
	for _, edge := range edges {
		for _, from := range []float64{edge, edge - window} {
			if from >= begin && from+window <= end {
				most = math.Max(most, before(from+window)-before(from))
			}
		}
	}
	return math.Max(0, 1-most/window)
}
