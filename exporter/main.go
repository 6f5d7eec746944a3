// Command gluster_exporter exports what one machine knows of GlusterFS to Prometheus, and what applications feel of its mounts.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/alecthomas/kong"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/common/promslog"
	"github.com/prometheus/exporter-toolkit/web"

	"brickyard/exporter/collector"
	"brickyard/exporter/node"
	"brickyard/gluster"
)

// version is stamped by the linker.
var version = "unknown"

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// CLI is the command line, in the order of --help.
type CLI struct {
	Web        WebFlags       `embed:"" prefix:"web."`
	Collectors CollectorFlags `embed:"" prefix:"collector."`
	Path       PathFlags      `embed:"" prefix:"path."`
	Log        LogFlags       `embed:"" prefix:"log."`

	Version kong.VersionFlag `help:"Print the version and exit."`
}

// LogFlags say what is logged.
type LogFlags struct {
	Level  string `enum:"debug,info,warn,error" default:"info" help:"Least severe messages to log: ${enum}."`
	Format string `enum:"logfmt,json" default:"logfmt" help:"Form of log messages: ${enum}."`
}

// PathFlags say where things are.
type PathFlags struct {
	Socket   string `default:"${socket}" help:"Unix socket of glusterd."`
	Workdir  string `default:"${workdir}" help:"Working directory of glusterd."`
	Rundir   string `default:"/var/run/gluster" help:"Directory in which glusterd notes its processes."`
	Procfs   string `default:"/proc" help:"Where /proc is mounted."`
	Fstab    string `default:"/etc/fstab" help:"Table of the mounts that should be."`
	TLS      string `name:"tls" default:"/etc/ssl" help:"Directory of GlusterFS's certificates."`
	Recovery string `default:"/var/lib/brickyard/recovery.json" help:"File in which gluster-setup recover leaves word."`
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	exited := false
	var cli CLI
	parser, err := kong.New(&cli,
		kong.Name("gluster_exporter"), kong.Description("Prometheus exporter of GlusterFS: one on every machine that serves or mounts volumes. It takes no cluster lock and, unless told to, starts no program."),
		kong.Writers(stdout, stderr), kong.Exit(func(int) { exited = true }), kong.ConfigureHelp(kong.HelpOptions{Compact: true}),
		kong.Vars{"version": "gluster_exporter " + version, "socket": gluster.DefaultSocket, "workdir": gluster.DefaultWorkdir},
	)
	if err != nil {
		fmt.Fprintf(stderr, "gluster_exporter: %v\n", err)
		return 1
	}
	_, err = parser.Parse(args)
	if exited { // --help or --version was printed
		return 0
	}
	if err != nil {
		fmt.Fprintf(stderr, "gluster_exporter: %v (see --help)\n", err)
		return 1
	}
	log, err := logger(cli.Log, stderr)
	if err == nil {
		err = serve(ctx, cli, log)
	}
	if err != nil {
		fmt.Fprintf(stderr, "gluster_exporter: %v\n", err)
		return 1
	}
	return 0
}

func logger(f LogFlags, to io.Writer) (*slog.Logger, error) {
	c := &promslog.Config{Level: promslog.NewLevel(), Format: promslog.NewFormat(), Writer: to}
	return promslog.New(c), errors.Join(c.Level.Set(f.Level), c.Format.Set(f.Format))
}

// serve listens until the context ends, and then lets requests under way end.
func serve(ctx context.Context, cli CLI, log *slog.Logger) error {
	n := node.New(node.Config{Socket: cli.Path.Socket, Workdir: cli.Path.Workdir, Rundir: cli.Path.Rundir, Proc: cli.Path.Procfs})
	defer n.Close() //nolint:errcheck // connections that are only read from
	set := collector.NewSet(n, cli.Collectors.chosen(collector.Options{
		Recovery: cli.Path.Recovery, Fstab: cli.Path.Fstab, MountInfo: cli.Path.Procfs + "/self/mountinfo", TLS: cli.Path.TLS,
		HealInfo: gluster.CLI{}.HealSummary, HealInfoInterval: cli.Collectors.HealInfoInterval,
	}), log)
	base := prometheus.NewRegistry()
	if err := registerOwn(base); err != nil {
		return err
	}
	handler, err := routes(cli.Web, set, base, log)
	if err != nil {
		return err
	}
	server := &http.Server{
		Handler: handler, ReadHeaderTimeout: readHeaderTimeout, ReadTimeout: readTimeout, WriteTimeout: writeTimeout, IdleTimeout: idleTimeout,
		ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelDebug), BaseContext: func(net.Listener) context.Context { return context.WithoutCancel(ctx) },
	}
	log.Info("Starting gluster_exporter", "version", version, "collectors", set.Names())
	done := make(chan error, 1)
	go func() {
		done <- web.ListenAndServe(server, cli.Web.toolkit(), log)
	}()
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
	}
	log.Info("Stopping")
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), shutdownPatience)
	defer cancel()
	if err := server.Shutdown(ctx); err != nil {
		return errors.Join(err, server.Close())
	}
	return nil
}

// Limits of a connection: a client that sends or reads slowly must not keep it for ever.
const (
	readHeaderTimeout = 5 * time.Second
	readTimeout       = 10 * time.Second
	writeTimeout      = 60 * time.Second
	idleTimeout       = 2 * time.Minute
	shutdownPatience  = 10 * time.Second
)
