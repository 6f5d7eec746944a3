// Command serve shows the committed dashboards on this machine, without a Grafana: the page of dashboards/preview, the
// dashboards with their variables filled in, and a Prometheus behind the same address.
//
//	go run ./dashboards/preview/serve -prometheus http://127.0.0.1:9090 -page .cache/preview/dist
//	go run ./dashboards/preview/serve -prometheus URL -pictures DIR -state healthy    a picture of each dashboard, and ends
//
// hack/pictures builds the page.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/signal"
	"syscall"
	"time"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	os.Exit(run(ctx, os.Args[1:], os.Stdout, os.Stderr))
}

// lastChance is how long requests may take to end.
const lastChance = 5 * time.Second

func run(ctx context.Context, args []string, out, errs io.Writer) int {
	flags := flag.NewFlagSet("serve", flag.ContinueOnError)
	flags.SetOutput(errs)
	prometheus := flags.String("prometheus", "", "base URL of the Prometheus")
	dir := flags.String("json", "dashboards/json", "directory with the dashboards")
	page := flags.String("page", ".cache/preview/dist", "directory with the built page")
	listen := flags.String("listen", "127.0.0.1:3001", "address of this machine alone")
	p := pictures{out: out}
	flags.StringVar(&p.dir, "pictures", "", "write a picture of each dashboard into this directory, and end")
	flags.StringVar(&p.state, "state", "now", "with -pictures: the end of their names")
	flags.StringVar(&p.last, "last", "15m", "with -pictures: how much time they show")
	flags.IntVar(&p.width, "width", 1440, "with -pictures: pixels")
	if err := flags.Parse(args); err != nil {
		return 2
	}
	target, err := url.Parse(*prometheus)
	if err != nil || target.Host == "" {
		fmt.Fprintln(errs, "serve: give -prometheus URL")
		return 2
	}
	if err := serve(ctx, *listen, &server{dashboards: *dir, page: *page, prometheus: target}, p); err != nil {
		fmt.Fprintln(errs, "serve:", err)
		return 1
	}
	return 0
}

// serve answers until ctx ends, or until all pictures are taken.
func serve(ctx context.Context, address string, s *server, p pictures) error {
	listener, err := loopback(ctx, address)
	if err != nil {
		return err
	}
	base := "http://" + listener.Addr().String()
	drawn := make(chan report, 1)
	s.drawn = func(r report) {
		select {
		case drawn <- r:
		case <-ctx.Done():
		}
	}
	if p.dir == "" {
		fmt.Fprintf(p.out, "the dashboards are at %s/\n", base)
		s.drawn = func(r report) { fmt.Fprintln(p.out, r) }
	}
	web := &http.Server{Handler: s.handler(), ReadHeaderTimeout: lastChance}
	failed := make(chan error, 1)
	go func() { failed <- web.Serve(listener) }()
	done := make(chan error, 1)
	if p.dir != "" {
		go func() { done <- p.take(ctx, base, s.dashboards, drawn) }()
	}
	select {
	case err = <-failed:
		return err
	case err = <-done:
	case <-ctx.Done():
	}
	closing, cancel := context.WithTimeout(context.WithoutCancel(ctx), lastChance)
	defer cancel()
	if stop := web.Shutdown(closing); stop != nil && err == nil {
		err = stop
	}
	return err
}

// loopback listens where only this machine can ask: whoever reaches the page reaches the Prometheus.
func loopback(ctx context.Context, address string) (net.Listener, error) {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", address)
	if err != nil {
		return nil, err
	}
	if tcp, ok := listener.Addr().(*net.TCPAddr); !ok || !tcp.IP.IsLoopback() {
		return nil, fmt.Errorf("%s can be reached from other machines: give an address such as 127.0.0.1:3001 (%w)", address, listener.Close())
	}
	return listener, nil
}
