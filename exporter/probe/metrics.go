package probe

import (
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// metrics are the descriptions of what is known of every mount, and the histograms.
type metrics struct {
	success, lastSuccess, stuck, duration, errors *prometheus.Desc
	bricks, connected                             *prometheus.Desc

	operations, echo *prometheus.HistogramVec
	lost             *prometheus.CounterVec
}

func newMetrics() *metrics {
	labels := []string{"volume", "mountpoint"}
	desc := func(name, help string, more ...string) *prometheus.Desc {
		return prometheus.NewDesc(name, help, append(labels[:2:2], more...), nil)
	}
	histogram := func(name, help string, buckets []float64, more ...string) *prometheus.HistogramVec {
		return prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: name, Help: help, Buckets: buckets,
			NativeHistogramBucketFactor: 1.1, NativeHistogramMaxBucketNumber: 160, NativeHistogramMinResetDuration: time.Hour,
		}, append(labels[:2:2], more...))
	}
	return &metrics{
		success: desc("gluster_probe_success",
			"Whether the last probe of the mount succeeded with all sizes. 0 until the first one has, within seconds of the start."),
		lastSuccess: desc("gluster_probe_last_success_timestamp_seconds",
			"When the last successful probe ended, in seconds since 1970. 0 if none has yet."),
		stuck: desc("gluster_probe_stuck_seconds",
			"For how long the mount has left an operation of the probe unanswered. 0 unless that is longer than the probe's timeout."),
		duration: desc("gluster_probe_duration_seconds",
			"How long the last probe that came to an end took, all sizes together, successful or not."),
		errors: desc("gluster_probe_errors_total",
			"Failed probes, by class; each size counts. While the mount is stuck, one per interval.", "class"),
		bricks: desc("gluster_mount_bricks",
			"Bricks of the volume that this mount's client knows. Absent while the client does not answer."),
		connected: desc("gluster_mount_bricks_connected",
			"Bricks of the volume to which this mount's client is connected; 0 also while it refuses everything as not connected. Absent while it does not answer."),
		operations: histogram("gluster_probe_operation_duration_seconds",
			"Time of the probe's successful operations, by the size of its file in bytes. Reads are from the bricks, not from the page cache.",
			[]float64{.0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10}, "operation", "size"),
		echo: histogram("gluster_probe_echo_seconds",
			"Round trip of a small change of a file to the peer's mount and back, by this node's clock: two replication delays and at most 0.04 s of polling (1.02 s if the peer missed the announcement).",
			[]float64{.005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30}, "peer"),
		lost: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "gluster_probe_echoes_lost_total",
			Help: "Changes that the peer had not answered when the next one was due, though it had answered before.",
		}, append(labels[:2:2], "peer")),
	}
}

// Describe implements prometheus.Collector.
func (p *Prober) Describe(ch chan<- *prometheus.Desc) {
	m := p.metrics
	for _, d := range []*prometheus.Desc{m.success, m.lastSuccess, m.stuck, m.duration, m.errors, m.bricks, m.connected} {
		ch <- d
	}
	m.operations.Describe(ch)
	m.echo.Describe(ch)
	m.lost.Describe(ch)
}

// Collect implements prometheus.Collector. It waits for nothing but other calls of it.
func (p *Prober) Collect(ch chan<- prometheus.Metric) {
	for _, t := range p.targets {
		t.state.collect(ch, time.Now())
	}
	p.metrics.operations.Collect(ch)
	p.metrics.echo.Collect(ch)
	p.metrics.lost.Collect(ch)
}

func (s *state) collect(ch chan<- prometheus.Metric, now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	m := s.metrics
	gauge := func(d *prometheus.Desc, value float64) {
		ch <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, value, s.volume, s.path)
	}
	success, last, stuck := 0.0, 0.0, 0.0
	if s.success {
		success = 1
	}
	if !s.lastSuccess.IsZero() {
		last = float64(s.lastSuccess.UnixMilli()) / 1000
	}
	if !s.stuck.IsZero() {
		stuck = now.Sub(s.stuck).Seconds()
	}
	gauge(m.success, success)
	gauge(m.lastSuccess, last)
	gauge(m.stuck, stuck)
	gauge(m.duration, s.duration.Seconds())
	for _, class := range classes() {
		ch <- prometheus.MustNewConstMetric(m.errors, prometheus.CounterValue, float64(s.errors[class]), s.volume, s.path, class)
	}
	if s.bricks != nil {
		gauge(m.bricks, float64(s.bricks.Total))
		gauge(m.connected, float64(s.bricks.Connected))
	}
}

// prepare makes the series of a mount that are known in advance.
func (m *metrics) prepare(volume, path string, sizes []int) {
	for _, operation := range operations() {
		for _, size := range sizes {
			m.operations.WithLabelValues(volume, path, operation, strconv.Itoa(size))
		}
	}
}

// forget removes all series of a mount.
func (m *metrics) forget(path string) {
	labels := prometheus.Labels{"mountpoint": path}
	m.operations.DeletePartialMatch(labels)
	m.echo.DeletePartialMatch(labels)
	m.lost.DeletePartialMatch(labels)
}

// forgetPeer removes the series of a peer.
func (m *metrics) forgetPeer(volume, path, peer string) {
	m.echo.DeleteLabelValues(volume, path, peer)
	m.lost.DeleteLabelValues(volume, path, peer)
}
