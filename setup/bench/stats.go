package bench

import (
	"slices"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// longest is the longest time a histogram tells apart, in nanoseconds; what
// takes longer counts as this long in percentiles, and in full in mean and max.
const longest = int64(time.Hour)

// recorder collects the times of one operation on one path.
type recorder struct {
	histogram *hdrhistogram.Histogram
	sum, max  time.Duration
}

func newRecorder() *recorder {
	return &recorder{histogram: hdrhistogram.New(1, longest, 3)}
}

func (r *recorder) add(d time.Duration) {
	r.sum += d
	r.max = max(r.max, d)
	// The value is inside the histogram's range, the only error there is.
	_ = r.histogram.RecordValue(min(max(int64(d), 1), longest))
}

func (r *recorder) operation(name string) Operation {
	n := r.histogram.TotalCount()
	at := func(percentile float64) float64 {
		// A bucket's upper edge may lie above the slowest time there was.
		return min(time.Duration(r.histogram.ValueAtQuantile(percentile)), r.max).Seconds()
	}
	return Operation{
		Operation:   name,
		Count:       n,
		MeanSeconds: (r.sum / time.Duration(max(n, 1))).Seconds(),
		P50Seconds:  at(50),
		P90Seconds:  at(90),
		P99Seconds:  at(99),
		MaxSeconds:  r.max.Seconds(),
	}
}

// compare pairs the rounds of two paths. It reports false if they have no
// finished round in common.
func compare(base, other PathResult) (Comparison, bool) {
	var ratios []float64
	for i := range min(len(base.RoundSeconds), len(other.RoundSeconds)) {
		if base.RoundSeconds[i] > 0 {
			ratios = append(ratios, other.RoundSeconds[i]/base.RoundSeconds[i])
		}
	}
	if len(ratios) == 0 {
		return Comparison{}, false
	}
	slices.Sort(ratios)
	return Comparison{
		BasePath:           base.Path,
		Path:               other.Path,
		Rounds:             len(ratios),
		MedianRatio:        quantile(ratios, 0.5),
		FirstQuartileRatio: quantile(ratios, 0.25),
		ThirdQuartileRatio: quantile(ratios, 0.75),
		MinRatio:           ratios[0],
		MaxRatio:           ratios[len(ratios)-1],
	}, true
}

// quantile interpolates between the two nearest of the sorted values.
func quantile(sorted []float64, q float64) float64 {
	at := q * float64(len(sorted)-1)
	low := int(at)
	if low+1 >= len(sorted) {
		return sorted[len(sorted)-1]
	}
	return sorted[low] + (at-float64(low))*(sorted[low+1]-sorted[low])
}

func mean(values []float64) float64 {
	if len(values) == 0 {
		return 0
	}
	sum := 0.0
	for _, v := range values {
		sum += v
	}
	return sum / float64(len(values))
}
