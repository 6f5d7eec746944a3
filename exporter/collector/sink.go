package collector

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
)

// sink takes what the collectors of one scrape find, and makes families of metrics of it. Methods are safe for concurrent use.
//
// It stands in for a prometheus.Registry, whose checks of every metric of every scrape took more processor time than all collectors together: here a
// metric has its labels by construction, and that none comes twice shows when they are sorted.
type sink struct{ *found }

type found struct {
	mu       sync.Mutex
	families map[string]*dto.MetricFamily
}

func newSink() sink { return sink{&found{families: map[string]*dto.MetricFamily{}}} }

// sample is a metric with what it points to, allocated at once.
type sample struct {
	metric  dto.Metric
	gauge   dto.Gauge
	counter dto.Counter
	value   float64
}

func (s sink) set(m *Metric, value float64, labels ...string) {
	one := &sample{value: value}
	if m.Type == prometheus.CounterValue {
		one.counter.Value, one.metric.Counter = &one.value, &one.counter
	} else {
		one.gauge.Value, one.metric.Gauge = &one.value, &one.gauge
	}
	one.metric.Label = m.pairs(labels)
	s.add(m, &one.metric)
}

func (s sink) is(m *Metric, yes bool, labels ...string) {
	value := 0.0
	if yes {
		value = 1
	}
	s.set(m, value, labels...)
}

// observe sends a histogram: buckets has, by upper bound, how many were at most that.
func (s sink) observe(m *Metric, count uint64, sum float64, buckets map[float64]uint64, labels ...string) {
	h := &dto.Histogram{SampleCount: &count, SampleSum: &sum}
	for _, bound := range slices.Sorted(maps.Keys(buckets)) {
		h.Bucket = append(h.Bucket, &dto.Bucket{CumulativeCount: new(buckets[bound]), UpperBound: new(bound)})
	}
	s.add(m, &dto.Metric{Histogram: h, Label: m.pairs(labels)})
}

// pairs are the labels of a metric with these values, in the order of their names. A file name may hold any bytes, a label value is UTF-8.
func (m *Metric) pairs(values []string) []*dto.LabelPair {
	if len(values) != len(m.Labels) {
		panic(fmt.Sprintf("%s has labels %v, and was given %v", m.Name, m.Labels, values))
	}
	if len(values) == 0 {
		return nil
	}
	pairs, pointers := make([]dto.LabelPair, len(values)), make([]*dto.LabelPair, len(values))
	for to, from := range m.order {
		values[from] = strings.ToValidUTF8(values[from], "\ufffd")
		pairs[to].Name, pairs[to].Value = &m.Labels[from], &values[from]
		pointers[to] = &pairs[to]
	}
	return pointers
}

func (s sink) add(m *Metric, one *dto.Metric) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f := s.families[m.Name]
	if f == nil {
		kind := dto.MetricType_GAUGE
		switch {
		case m.Histogram:
			kind = dto.MetricType_HISTOGRAM
		case m.Type == prometheus.CounterValue:
			kind = dto.MetricType_COUNTER
		}
		f = &dto.MetricFamily{Name: &m.Name, Help: &m.Help, Type: &kind}
		s.families[m.Name] = f
	}
	f.Metric = append(f.Metric, one)
}

var errTwice = errors.New("a metric was collected twice with the same labels")

// sorted are the families in the order of their names, each with its metrics in the order of their labels. Of equal metrics one is kept, with an error.
func (s sink) sorted() ([]*dto.MetricFamily, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var errs []error
	out := make([]*dto.MetricFamily, 0, len(s.families))
	for _, name := range slices.Sorted(maps.Keys(s.families)) {
		f := s.families[name]
		slices.SortStableFunc(f.Metric, byLabels)
		count := len(f.Metric)
		f.Metric = slices.CompactFunc(f.Metric, func(a, b *dto.Metric) bool { return byLabels(a, b) == 0 })
		if len(f.Metric) < count {
			errs = append(errs, fmt.Errorf("%s: %w", name, errTwice))
		}
		out = append(out, f)
	}
	return out, errors.Join(errs...)
}

// byLabels compares two metrics of one family, which have the same labels in the same order.
func byLabels(a, b *dto.Metric) int {
	for i, l := range a.Label {
		if c := strings.Compare(*l.Value, *b.Label[i].Value); c != 0 {
			return c
		}
	}
	return 0
}
