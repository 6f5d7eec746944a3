package collector

import (
	"strings"

	"github.com/prometheus/client_golang/prometheus"
)

// namespace begins the names of all metrics.
const namespace = "gluster"

// Metric is one metric of a collector, as docs/metrics.md has it.
type Metric struct {
	Name, Help string
	Type       prometheus.ValueType
	// Histogram is set where it is one; then Type means nothing.
	Histogram bool
	Labels    []string

	desc *prometheus.Desc
}

func metric(t prometheus.ValueType, name, help string, labels []string) *Metric {
	full := prometheus.BuildFQName(namespace, "", name)
	return &Metric{Name: full, Help: help, Type: t, Labels: labels, desc: prometheus.NewDesc(full, help, labels, nil)}
}

func gauge(name, help string, labels ...string) *Metric {
	return metric(prometheus.GaugeValue, name, help, labels)
}

func counter(name, help string, labels ...string) *Metric {
	return metric(prometheus.CounterValue, name, help, labels)
}

func histogram(name, help string, labels ...string) *Metric {
	m := metric(prometheus.UntypedValue, name, help, labels)
	m.Histogram = true
	return m
}

// sink takes what a collector found.
type sink chan<- prometheus.Metric

func (s sink) set(m *Metric, value float64, labels ...string) {
	s <- prometheus.MustNewConstMetric(m.desc, m.Type, value, legal(labels)...)
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
	s <- prometheus.MustNewConstHistogram(m.desc, count, sum, buckets, legal(labels)...)
}

// legal makes label values that Prometheus takes: a file name may hold any bytes, a label value is UTF-8.
func legal(labels []string) []string {
	for i, l := range labels {
		labels[i] = strings.ToValidUTF8(l, "�")
	}
	return labels
}
