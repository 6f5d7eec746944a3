package main

import (
	"cmp"
	"compress/gzip"
	"errors"
	"net/http"
	"slices"

	"github.com/klauspost/compress/gzhttp"
	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
)

// side are gatherers whose metrics have different names. Unlike prometheus.Gatherers it looks at no metric again.
type side []prometheus.Gatherer

// Gather returns all families in the order of their names.
func (s side) Gather() ([]*dto.MetricFamily, error) {
	var all []*dto.MetricFamily
	var errs []error
	for _, g := range s {
		families, err := g.Gather()
		all, errs = append(all, families...), append(errs, err)
	}
	slices.SortFunc(all, func(a, b *dto.MetricFamily) int { return cmp.Compare(a.GetName(), b.GetName()) })
	return all, errors.Join(errs...)
}

// compressed answers with gzip where the client takes it: at its fastest, since labels repeat so much that every level makes a small page of them, and
// the usual level took a third of the processor time of a large scrape.
func compressed(next http.Handler) (http.Handler, error) {
	wrap, err := gzhttp.NewWrapper(gzhttp.CompressionLevel(gzip.BestSpeed))
	if err != nil {
		return nil, err
	}
	return wrap(next), nil
}
