package collector

import (
	"slices"
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

	order []int // of the labels by name, in which they are written
}

func metric(t prometheus.ValueType, name, help string, labels []string) *Metric {
	m := &Metric{Name: prometheus.BuildFQName(namespace, "", name), Help: help, Type: t, Labels: labels}
	for i := range labels {
		m.order = append(m.order, i)
	}
	slices.SortFunc(m.order, func(a, b int) int { return strings.Compare(labels[a], labels[b]) })
	return m
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
