package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"path"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/coreos/go-systemd/v22/activation"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"github.com/prometheus/exporter-toolkit/web"

	"brickyard/exporter/collector"
)

// WebFlags say how metrics are served.
type WebFlags struct {
	ListenAddress []string      `default:":9189" sep:"none" help:"Address to listen on; may be repeated. vsock:// is supported."`
	ConfigFile    string        `name:"config.file" help:"File that switches TLS and authentication on, in the form of https://github.com/prometheus/exporter-toolkit."`
	TelemetryPath string        `default:"/metrics" help:"Path of the metrics."`
	SystemdSocket bool          `help:"Take the sockets that systemd hands over instead of listening."`
	MaxRequests   int           `default:"40" help:"Scrapes at the same time; more are answered with status 503. The last one is for a client that has none. 0 means any number."`
	ScrapeTimeout time.Duration `default:"10s" help:"Time for a scrape whose request does not say how long Prometheus waits. No request gets more than 30s, or than this where it is longer."`
	TimeoutOffset time.Duration `default:"500ms" help:"Time to take off the one that Prometheus waits, so that the answer is there before."`
}

// healthPath answers whoever asks whether the exporter runs.
const healthPath = "/-/healthy"

// check finds what would only show when the server starts, or never.
func (f WebFlags) check() error {
	//nolint:err113 // for the person who typed it
	switch {
	case !strings.HasPrefix(f.TelemetryPath, "/") || strings.Trim(strings.ToLower(f.TelemetryPath), "abcdefghijklmnopqrstuvwxyz0123456789._~/-") != "":
		return fmt.Errorf("--web.telemetry-path=%s: it is no path such as /metrics, of letters, digits and . _ ~ -", f.TelemetryPath)
	case path.Clean(f.TelemetryPath) != f.TelemetryPath || f.TelemetryPath == healthPath:
		return fmt.Errorf("--web.telemetry-path=%s: write another path, without //, . and .. in it; %s is taken", f.TelemetryPath, healthPath)
	case f.MaxRequests < 0:
		return fmt.Errorf("--web.max-requests=%d: write a number of scrapes, or 0 for any number", f.MaxRequests)
	case f.ScrapeTimeout <= 0:
		return fmt.Errorf("--web.scrape-timeout=%s: it must be longer than 0", f.ScrapeTimeout)
	case f.TimeoutOffset < 0:
		return fmt.Errorf("--web.timeout-offset=%s: it must not be less than 0", f.TimeoutOffset)
	}
	if err := web.Validate(f.ConfigFile); err != nil {
		return fmt.Errorf("--web.config.file=%s: %w", f.ConfigFile, err)
	}
	return nil
}

func (f WebFlags) toolkit() *web.FlagConfig {
	return &web.FlagConfig{WebListenAddresses: &f.ListenAddress, WebSystemdSocket: &f.SystemdSocket, WebConfigFile: &f.ConfigFile}
}

// handed are the sockets that systemd hands over, none where nobody asked for them. They are taken before the first probe starts: its process would inherit them.
func (f WebFlags) handed() ([]net.Listener, error) {
	if !f.SystemdSocket {
		return nil, nil
	}
	listeners, err := activation.Listeners()
	if err == nil && len(listeners) == 0 {
		err = errors.New("--web.systemd-socket: systemd has handed over no socket; start gluster_exporter.service, or leave the flag out") //nolint:err113 // for the person who typed it
	}
	return listeners, err
}

// registerOwn registers what the exporter says about itself.
func registerOwn(r prometheus.Registerer, prober prometheus.Collector) error {
	info := prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "gluster_exporter_build_info", Help: "The exporter's version. Always 1.",
		ConstLabels: prometheus.Labels{"version": version, "goversion": runtime.Version(), "goos": runtime.GOOS, "goarch": runtime.GOARCH},
	}, func() float64 { return 1 })
	for _, c := range []prometheus.Collector{info, prober, collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{})} {
		if err := r.Register(c); err != nil {
			return err
		}
	}
	return nil
}

// routes are the pages of the exporter.
func routes(f WebFlags, set *collector.Set, base prometheus.Gatherer, log *slog.Logger) (http.Handler, error) {
	mux := http.NewServeMux()
	page, err := compressed(metrics(f, set, base, log))
	if err != nil {
		return nil, err
	}
	mux.Handle("GET "+f.TelemetryPath, page)
	mux.HandleFunc("GET "+healthPath, func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintln(w, "gluster_exporter is healthy.")
	})
	if f.TelemetryPath == "/" {
		return mux, nil
	}
	landing, err := web.NewLandingPage(web.LandingConfig{
		Name: "GlusterFS exporter", Description: "Prometheus exporter of GlusterFS", Version: version,
		Links: []web.LandingLinks{{Address: f.TelemetryPath, Text: "Metrics"}, {Address: healthPath, Text: "Health"}},
	})
	if err != nil {
		return nil, err
	}
	mux.Handle("GET /{$}", landing)
	return mux, nil
}

// metrics answers a scrape. ?collect[]=NAME chooses collectors, ?exclude[]=NAME leaves some out.
func metrics(f WebFlags, set *collector.Set, base prometheus.Gatherer, log *slog.Logger) http.Handler {
	turns := newTurns(f.MaxRequests)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		who := client(r.RemoteAddr)
		if !turns.take(who) {
			const full = "%d scrapes are under way (--web.max-requests), or one less and one of them is yours"
			http.Error(w, fmt.Sprintf(full, f.MaxRequests), http.StatusServiceUnavailable)
			return
		}
		defer turns.giveBack(who)
		names, err := choose(set.Names(), r.URL.Query()["collect[]"], r.URL.Query()["exclude[]"])
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		timeout, err := scrapeTimeout(f, r.Header.Get("X-Prometheus-Scrape-Timeout-Seconds"))
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		ctx, cancel := context.WithTimeout(r.Context(), timeout)
		defer cancel()
		promhttp.HandlerFor(side{base, set.Scrape(ctx, names)}, promhttp.HandlerOpts{
			ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelError), ErrorHandling: promhttp.ContinueOnError, DisableCompression: true,
		}).ServeHTTP(w, r)
	})
}

// choose applies the parameters of a request to the collectors that are switched on.
func choose(all, collect, exclude []string) ([]string, error) {
	if len(collect) > 0 && len(exclude) > 0 {
		return nil, fmt.Errorf("collect[] and exclude[] exclude each other") //nolint:err113 // for the person who typed it
	}
	for _, n := range append(slices.Clone(collect), exclude...) {
		if !slices.Contains(all, n) {
			return nil, fmt.Errorf("no collector %q is switched on here; there are %v", n, all) //nolint:err113 // see above
		}
	}
	if len(collect) > 0 {
		return collect, nil
	}
	return slices.DeleteFunc(slices.Clone(all), func(n string) bool { return slices.Contains(exclude, n) }), nil
}

// scrapeTimeout is the time that the request gives, within bounds, less what the answer needs on its way.
func scrapeTimeout(f WebFlags, header string) (time.Duration, error) {
	timeout := f.ScrapeTimeout
	if header != "" {
		seconds, err := strconv.ParseFloat(header, 64)
		if err != nil || !(seconds > 0) || seconds > (24*time.Hour).Seconds() {
			return 0, fmt.Errorf("X-Prometheus-Scrape-Timeout-Seconds: %q is no number of seconds", header) //nolint:err113 // see above
		}
		timeout = min(time.Duration(seconds*float64(time.Second)), max(longestScrape, f.ScrapeTimeout))
	}
	// A short time is halved rather than used up.
	return max(timeout-f.TimeoutOffset, timeout/2), nil
}
