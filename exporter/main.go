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
	"path/filepath"
	"runtime"
	"syscall"
	"time"

	"github.com/alecthomas/kong"
	"github.com/coreos/go-systemd/v22/daemon"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/common/promslog"
	"github.com/prometheus/exporter-toolkit/web"

	"brickyard/exporter/collector"
	"brickyard/exporter/node"
	"brickyard/exporter/probe"
	"brickyard/gluster"
)

// version is stamped by the linker.
var version = "unknown"

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	if len(os.Args) > 1 && os.Args[1] == probe.ChildArgument {
		os.Exit(probe.ChildMain(ctx, os.Stdin, os.Stdout))
	}
	code := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// CLI is the command line, in the order of --help.
type CLI struct {
	Web        WebFlags       `embed:"" prefix:"web."`
	Collectors CollectorFlags `embed:"" prefix:"collector."`
	Probe      ProbeFlags     `embed:"" prefix:"probe."`
	Path       PathFlags      `embed:"" prefix:"path."`
	Log        LogFlags       `embed:"" prefix:"log."`
	Runtime    RuntimeFlags   `embed:"" prefix:"runtime."`

	Version kong.VersionFlag `help:"Print the version and exit."`
}

// ProbeFlags say which mounts are probed, and how.
type ProbeFlags struct {
	Mount    []string      `sep:"none" placeholder:"PATH" help:"Mount point of a volume on which to write, read back and remove files; may be repeated."`
	Interval time.Duration `default:"15s" help:"Time between the starts of two probes of a mount."`
	Timeout  time.Duration `default:"5s" help:"Time after which an operation of a probe counts as stuck."`
	Size     []int         `default:"1000000,4096" placeholder:"BYTES" help:"Sizes of the files that are written (${default})."`
	Node     string        `placeholder:"NAME" help:"Name of this node among those that probe the same volume. Default is the host name."`
	Peers    []string      `placeholder:"NAME,..." help:"Names of the nodes that probe the same volumes, this one's may be among them; files of other nodes are not looked at. Default is any host name, up to 64."`
}

// RuntimeFlags are for Go's runtime.
type RuntimeFlags struct {
	Gomaxprocs int `default:"1" placeholder:"N" help:"Processors to use at once (${default}). Several share a scrape's work at the price of more of it. GOMAXPROCS, where it is set, wins."`
}

// LogFlags say what is logged.
type LogFlags struct {
	Level  string `enum:"debug,info,warn,error" default:"info" help:"Least severe messages to log: ${enum}."`
	Format string `enum:"logfmt,json" default:"logfmt" help:"Form of log messages: ${enum}."`
}

// PathFlags say where things are.
type PathFlags struct {
	Socket   string   `default:"${socket}" help:"Unix socket of glusterd."`
	Workdir  string   `default:"${workdir}" help:"Working directory of glusterd."`
	Rundir   string   `default:"/var/run/gluster" help:"Directory in which glusterd notes its processes."`
	Procfs   string   `default:"/proc" help:"Where /proc is mounted."`
	Fstab    string   `default:"/etc/fstab" help:"Table of the mounts that should be."`
	TLS      []string `name:"tls" default:"/usr/lib/ssl,/etc/ssl,/etc/pki/tls" placeholder:"DIR,..." help:"Directories of GlusterFS's certificates (${default}): builds differ in which of them they read. Those that volumes name are found anyway."`
	Recovery string   `default:"/var/lib/brickyard/recovery.json" help:"File in which gluster-setup recover leaves word."`
	Waiting  string   `default:"/run/brickyard/mount-wait" help:"Directory in which mounts that wait for a heal leave word."`
	Check    string   `default:"/var/lib/brickyard/check.json" help:"File in which gluster-setup check leaves its results."`
	File     string   `name:"cluster-file" default:"/var/lib/brickyard/cluster-file.json" help:"File in which gluster-setup apply notes which cluster file this node applied last."`
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	exited := false
	var cli CLI
	parser, err := newParser(&cli, kong.Writers(stdout, stderr), kong.Exit(func(int) { exited = true }))
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
	if err := errors.Join(cli.Web.check(), cli.Probe.check(), cli.Runtime.check()); err != nil {
		fmt.Fprintf(stderr, "gluster_exporter: %v\n", err)
		return 1
	}
	if os.Getenv("GOMAXPROCS") == "" {
		runtime.GOMAXPROCS(cli.Runtime.Gomaxprocs)
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

const description = "Prometheus exporter of GlusterFS: one on every machine that serves or mounts volumes. It takes no cluster lock and, unless told to, starts no program."

// newParser returns the parser of the command line, whose manual page and completions are made from it too.
func newParser(cli *CLI, more ...kong.Option) (*kong.Kong, error) {
	return kong.New(cli, append([]kong.Option{
		kong.Name("gluster_exporter"), kong.Description(description), kong.ConfigureHelp(kong.HelpOptions{Compact: true}),
		kong.Vars{"version": "gluster_exporter " + version, "socket": gluster.DefaultSocket, "workdir": gluster.DefaultWorkdir},
	}, more...)...)
}

// check finds what would only show when the first probe fails.
func (f ProbeFlags) check() error {
	for _, m := range f.Mount {
		if !filepath.IsAbs(m) {
			return fmt.Errorf("--probe.mount=%s: it is no absolute path", m) //nolint:err113 // for the person who typed it
		}
	}
	if f.Interval <= 0 || f.Timeout <= 0 {
		return fmt.Errorf("--probe.interval and --probe.timeout must be longer than 0") //nolint:err113 // see above
	}
	for _, name := range append([]string{f.Node}, f.Peers...) {
		if len(name) > maxNodeName {
			const wrong = "--probe.node and --probe.peers: a name of %d bytes; write one of at most %d, as hosts have"
			return fmt.Errorf(wrong, len(name), maxNodeName) //nolint:err113 // see above
		}
	}
	for _, n := range f.Size {
		if n < 1 || n > maxProbeSize {
			return fmt.Errorf("--probe.size=%d: it must be from 1 to %d bytes", n, maxProbeSize) //nolint:err113 // see above
		}
	}
	return nil
}

func (f RuntimeFlags) check() error {
	if f.Gomaxprocs < 1 {
		return fmt.Errorf("--runtime.gomaxprocs=%d: it must be 1 or more", f.Gomaxprocs) //nolint:err113 // see above
	}
	return nil
}

// maxNodeName is the longest name of a host, in bytes (RFC 1035). It is a label, and part of a file's content.
const maxNodeName = 253

// maxProbeSize bounds what a mistyped flag may write to a volume every few seconds, in bytes.
const maxProbeSize = 64 << 20

func logger(f LogFlags, to io.Writer) (*slog.Logger, error) {
	c := &promslog.Config{Level: promslog.NewLevel(), Format: promslog.NewFormat(), Writer: to}
	return promslog.New(c), errors.Join(c.Level.Set(f.Level), c.Format.Set(f.Format))
}

// serve listens until the context ends, and then lets requests under way end.
func serve(ctx context.Context, cli CLI, log *slog.Logger) error {
	n := node.New(node.Config{Socket: cli.Path.Socket, Workdir: cli.Path.Workdir, Rundir: cli.Path.Rundir, Proc: cli.Path.Procfs})
	defer n.Close() //nolint:errcheck // connections that are only read from
	set := collector.NewSet(n, cli.Collectors.chosen(collector.Options{
		Waiting: cli.Path.Waiting, Recovery: cli.Path.Recovery, Check: cli.Path.Check, ClusterFile: cli.Path.File, Fstab: cli.Path.Fstab, MountInfo: cli.Path.Procfs + "/self/mountinfo", TLS: cli.Path.TLS,
		HealInfo: gluster.CLI{}.HealSummary, HealInfoInterval: cli.Collectors.HealInfoInterval,
	}), log)
	prober := probe.New(probe.Config{
		Mounts: cli.Probe.Mount, Interval: cli.Probe.Interval, Timeout: cli.Probe.Timeout, Sizes: cli.Probe.Size,
		Node: cli.Probe.Node, Peers: cli.Probe.Peers,
		MountInfo: cli.Path.Procfs + "/self/mountinfo", Fstab: cli.Path.Fstab,
	}, log)
	base := prometheus.NewRegistry()
	if err := registerOwn(base, prober); err != nil {
		return err
	}
	handler, err := routes(cli.Web, set, base, log)
	if err != nil {
		return err
	}
	server := &http.Server{
		Handler: handler, ReadHeaderTimeout: readHeaderTimeout, ReadTimeout: readTimeout,
		WriteTimeout: max(writeTimeout, 2*cli.Web.ScrapeTimeout), IdleTimeout: idleTimeout,
		MaxHeaderBytes: maxHeader, ConnState: newConnections(room(cli.Web.MaxRequests)).changed,
		ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelDebug), BaseContext: func(net.Listener) context.Context {
			ready(log)
			return context.WithoutCancel(ctx)
		},
	}
	scrapes, err := cli.Web.handed()
	if err != nil {
		return err
	}
	log.Info("Starting gluster_exporter", "version", version, "collectors", set.Names(), "probes", cli.Probe.Mount)
	// Whatever ends the server ends the prober, and its children take their files away.
	probing, quit := context.WithCancel(ctx)
	probed := make(chan struct{})
	go func() {
		defer close(probed)
		prober.Run(probing)
	}()
	defer func() { <-probed }()
	defer quit()
	done := make(chan error, 1)
	go func() {
		if scrapes != nil {
			done <- web.ServeMultiple(scrapes, server, cli.Web.toolkit(), log)
			return
		}
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

// ready tells systemd that the exporter listens, so that whoever starts its unit hears of a flag or an address that does not work.
func ready(log *slog.Logger) {
	if _, err := daemon.SdNotify(false, daemon.SdNotifyReady); err != nil {
		log.Error("systemd cannot be told that the exporter listens", "err", err)
	}
}

// Limits of a connection: a client that sends or reads slowly must not keep it for ever.
const (
	readHeaderTimeout = 5 * time.Second
	readTimeout       = 10 * time.Second
	writeTimeout      = 60 * time.Second
	idleTimeout       = 2 * time.Minute
	shutdownPatience  = 10 * time.Second
)
