package main

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"unicode/utf8"

	"golang.org/x/perf/benchmath"
)

// samples are the figures of one part: whose, of what, by round.
type samples map[[2]string]map[int]float64

func (s samples) add(who, what string, round int, value float64) {
	k := [2]string{who, what}
	if s[k] == nil {
		s[k] = map[int]float64{}
	}
	s[k][round] = value
}

// of returns the figures of one, or those of one divided by those of another in the same round.
func (s samples) of(who, by, what string) []float64 {
	var out []float64
	for round, v := range s[[2]string{who, what}] {
		if by == "" {
			out = append(out, v)
		} else if other := s[[2]string{by, what}][round]; other > 0 {
			out = append(out, v/other)
		}
	}
	return out
}

// median of figures.
func median(figures []float64) float64 {
	sample := benchmath.NewSample(slices.Clone(figures), &benchmath.DefaultThresholds)
	return benchmath.AssumeNothing.Summary(sample, 0.95).Center
}

// sameKindProbability is the probability that two lists of figures as different as these are of the same kind.
func sameKindProbability(some, others []float64) float64 {
	of := func(f []float64) *benchmath.Sample {
		return benchmath.NewSample(slices.Clone(f), &benchmath.DefaultThresholds)
	}
	return benchmath.AssumeNothing.Compare(of(some), of(others)).P
}

// figure is a number with three digits that say something.
func figure(x float64) string {
	if x == 0 {
		return "0"
	}
	digits := 2 - int(math.Floor(math.Log10(math.Abs(x))+1e-3))
	return fmt.Sprintf("%.*f", min(max(digits, 0), 6), x)
}

// spread is a median with the lowest and the highest figure; a dash where there is none.
func spread(figures []float64) string {
	switch len(figures) {
	case 0:
		return "-"
	case 1:
		return figure(figures[0])
	}
	return fmt.Sprintf("%s (%s-%s)", figure(median(figures)), figure(slices.Min(figures)), figure(slices.Max(figures)))
}

// named is something that is measured, and how a table calls it.
type named struct{ name, title string }

// ratio is a row of a table: one divided by another.
type ratio struct{ who, by, title string }

// table has a row for each contender that was measured, then the ratios of those that both were.
func (s samples) table(columns, rows []named, ratios []ratio) [][]string {
	head := []string{""}
	for _, c := range columns {
		head = append(head, c.title)
	}
	out := [][]string{head}
	lines := make([]ratio, 0, len(rows)+len(ratios))
	for _, r := range rows {
		lines = append(lines, ratio{r.name, "", r.title})
	}
	for _, l := range append(lines, ratios...) {
		line, measured := []string{l.title}, false
		for _, c := range columns {
			figures := s.of(l.who, l.by, c.name)
			measured = measured || len(figures) > 0
			line = append(line, spread(figures))
		}
		if measured {
			out = append(out, line)
		}
	}
	return out
}

// grid aligns the cells of lines: the first to the left, numbers to the right.
func grid(lines [][]string) string {
	width := map[int]int{}
	for _, l := range lines {
		for i, cell := range l {
			width[i] = max(width[i], utf8.RuneCountInString(cell))
		}
	}
	var b strings.Builder
	for _, l := range lines {
		b.WriteString("  ")
		for i, cell := range l {
			fill := strings.Repeat(" ", width[i]-utf8.RuneCountInString(cell))
			switch {
			case i > 0:
				b.WriteString("  " + fill + cell)
			case len(l) == 1:
				b.WriteString(" " + cell)
			default:
				b.WriteString(" " + cell + fill)
			}
		}
		b.WriteString("\n")
	}
	return b.String()
}
