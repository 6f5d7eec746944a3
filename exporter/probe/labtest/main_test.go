package labtest

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"brickyard/exporter/probe"
	"brickyard/internal/lab"
)

// The environment with which the test's own program is the exporter.
const (
	configVariable = "BRICKYARD_PROBE_CONFIG"
	socketVariable = "BRICKYARD_PROBE_SOCKET"
)

func TestMain(m *testing.M) {
	switch {
	case len(os.Args) > 1 && os.Args[1] == probe.ChildArgument:
		ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
		code := probe.ChildMain(ctx, os.Stdin, os.Stdout)
		stop()
		os.Exit(code)
	case os.Getenv(configVariable) != "":
		if err := export(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(lab.Main(m, nil))
}

// export is an exporter that only probes and answers on a unix socket.
func export() error {
	var cfg probe.Config
	if err := json.Unmarshal([]byte(os.Getenv(configVariable)), &cfg); err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	listener, err := net.Listen("unix", os.Getenv(socketVariable))
	if err != nil {
		return err
	}
	p := probe.New(cfg, slog.New(slog.NewTextHandler(os.Stderr, nil)))
	registry := prometheus.NewPedanticRegistry()
	registry.MustRegister(p)
	server := &http.Server{Handler: promhttp.HandlerFor(registry, promhttp.HandlerOpts{}), ReadHeaderTimeout: lab.Patience}
	go func() { _ = server.Serve(listener) }() //nolint:errcheck // ends with the process
	p.Run(ctx)
	return server.Close()
}
