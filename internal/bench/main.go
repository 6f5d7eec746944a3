// Command bench measures gluster-setup and gluster_exporter against other ways to the same end, in turn on this machine, and prints
// medians with their spread. Numbers are shown, never judged. hack/bench builds and calls it; docs/benchmarks.md explains the method.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"time"

	"github.com/alecthomas/kong"
	"github.com/gofrs/flock"
	"golang.org/x/sys/unix"
)

// options are the command line.
type options struct {
	Root  string   `required:"" hidden:"" type:"existingdir" help:"The checkout."`
	Parts []string `arg:"" optional:"" enum:"${parts}" default:"${usual}" help:"What to measure: ${parts}. All but before, unless some are named."`

	Rounds       int    `env:"BENCH_ROUNDS" default:"4" help:"Rounds of first."`
	NoopRounds   int    `env:"BENCH_NOOP_ROUNDS" default:"5" help:"Rounds of noop."`
	StatusRuns   int    `env:"BENCH_STATUS_RUNS" default:"5" help:"Runs of status."`
	ScrapeRounds int    `env:"BENCH_SCRAPE_ROUNDS" default:"5" help:"Rounds of scrape."`
	ScaleScrapes int    `env:"BENCH_SCALE_SCRAPES" default:"40" help:"Scrapes of each size."`
	CheckFiles   int    `env:"BENCH_CHECK_FILES" default:"100000" help:"Files that check compares."`
	SyncRounds   int    `env:"BENCH_SYNC_ROUNDS" default:"5" help:"Rounds of sync."`
	MountRounds  int    `env:"BENCH_MOUNT_ROUNDS" default:"5" help:"Rounds of mounts."`
	Before       string `env:"BENCH_BEFORE" default:"d3ebc59" help:"The commit that before compares with."`
	BeforeRounds int    `env:"BENCH_BEFORE_ROUNDS" default:"5" help:"Rounds of before."`
	BeforeFiles  int    `env:"BENCH_BEFORE_FILES" default:"10000" help:"Files of before."`
}

// part is one comparison.
type part struct {
	name, about string
	measure     func(*session, context.Context) error
	asked       bool // it runs only where it is named
}

// parts are in the order in which they run.
func parts() []part {
	return []part{
		{"status", "the status of a volume by glusterd's socket against the command line", (*session).status, false},
		{"first", "the first apply on four blank hosts against bare commands in a shell", (*session).first, false},
		{"noop", "an apply that changes nothing, and our module, against Ansible with gluster.gluster", (*session).noop, false},
		{"scrape", "a scrape of gluster_exporter against gathering the same by command line", (*session).scrape, false},
		{"scale", "a scrape against the size of the pool, on simulated nodes", (*session).scale, false},
		{"check", "check on many files: its rate and memory, and what a client feels meanwhile", (*session).check, false},
		{"sync", "what it costs that bricks' file systems are mounted sync, against async and other ways", (*session).sync, false},
		{"mounts", "what auto-invalidation=yes costs a client", (*session).mounts, false},
		{"render", "the files of one node of a thousand", (*session).render, false},
		{"looks", "one look of plan, status, ok-to-stop and recover at a simulated pool of a hundred servers and a thousand volumes", (*session).looks, false},
		{"day", "24 hours' worth of scrapes as fast as they go, and what is left of them", (*session).day, false},
		{"before", "check, resync after a power cut, and scrape of an earlier commit's programs and of these, in turn", (*session).before, true},
	}
}

// session is one run of this program.
type session struct {
	options
	work  string       // a directory for what parts keep
	log   *os.File     // what the programs said that this one called
	only  *flock.Flock // held until the process ends
	began time.Time
	out   io.Writer
	// applied: the hosts carry a cluster that apply made.
	applied bool
	machines
}

func main() { os.Exit(run(os.Args[1:])) }

func run(args []string) int {
	ctx, stop := signal.NotifyContext(context.Background(), unix.SIGTERM, unix.SIGINT, unix.SIGHUP)
	defer stop()
	var all, usual, about []string
	for _, p := range parts() {
		all = append(all, p.name)
		about = append(about, fmt.Sprintf("  %-8s %s", p.name, p.about))
		if !p.asked {
			usual = append(usual, p.name)
		}
	}
	s := &session{began: time.Now(), out: os.Stdout}
	parser := kong.Must(&s.options, kong.Name("hack/bench"), kong.ShortUsageOnError(),
		kong.Vars{"parts": strings.Join(all, ","), "usual": strings.Join(usual, ",")},
		kong.Description("Measures gluster-setup and gluster_exporter against other ways to the same end, in turn on this machine, and prints medians with their spread.\n\n"+
			strings.Join(about, "\n")))
	_, err := parser.Parse(args)
	parser.FatalIfErrorf(err)
	if err := s.run(ctx); err != nil {
		parser.Errorf("%s", err)
		return 1
	}
	return 0
}

// run measures one part after the other. However it ends, the hosts are gone.
func (s *session) run(ctx context.Context) (err error) {
	if os.Geteuid() != 0 {
		return errors.New("bench needs root: it installs packages and runs systemd hosts as containers. Try: sudo make bench")
	}
	if err := s.open(); err != nil {
		return err
	}
	defer s.log.Close() //nolint:errcheck // nothing is lost
	for _, argv := range [][]string{{"hack/install", "hosts", "lab", "python", "bench"}, {"hack/build"}} {
		if err := s.do(ctx, nil, argv...); err != nil {
			return err
		}
	}
	about, err := s.machine(ctx)
	if err != nil {
		return err
	}
	s.heading(about)
	defer func() {
		if derr := s.remove(); derr != nil {
			err = errors.Join(err, fmt.Errorf("could not remove the hosts: HOSTS_GROUP=%s hack/hosts down: %w", group, derr))
		}
	}()
	for _, p := range parts() {
		for _, named := range s.Parts {
			if p.name != named {
				continue
			}
			if err := p.measure(s, ctx); err != nil {
				return fmt.Errorf("%s: %w", p.name, err)
			}
		}
	}
	load, err := loadAverage()
	fmt.Fprintf(s.out, "\n%.0f s, load at the end %s\n", time.Since(s.began).Seconds(), load)
	return err
}

// open makes the directory and the log of this run, the only one of this checkout.
func (s *session) open() error {
	cache := filepath.Join(s.Root, ".cache")
	s.work = filepath.Join(cache, "bench")
	if err := os.MkdirAll(filepath.Join(cache, "logs"), 0o755); err != nil { //nolint:gosec // nothing of it is secret
		return err
	}
	s.only = flock.New(filepath.Join(cache, "bench.lock"))
	if free, err := s.only.TryLock(); err != nil || !free {
		return errors.Join(errors.New("another hack/bench is running in this checkout"), err)
	}
	if err := os.RemoveAll(s.work); err != nil {
		return err
	}
	if err := os.Mkdir(s.work, 0o755); err != nil { //nolint:gosec // nothing of it is secret
		return err
	}
	var err error
	s.log, err = os.Create(filepath.Join(cache, "logs", "bench.log"))
	return err
}
