package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"time"

	"golang.org/x/sys/unix"
	"golang.org/x/term"

	"brickyard/gluster"
	"brickyard/setup/change"
	"brickyard/setup/client"
	"brickyard/setup/cluster"
	"brickyard/setup/desired"
	"brickyard/setup/host"
	"brickyard/setup/machine"
	"brickyard/setup/onefile"
	"brickyard/setup/pool"
	"brickyard/setup/report"
	"brickyard/templates"
)

// fileFlags are the flags of every command that reads the cluster file.
type fileFlags struct {
	File string `short:"f" default:"${file}" type:"path" help:"The cluster file, the same on every node."`
	Node string `help:"This node's name in the cluster file. Default: found by host name or address."`
}

// outputFlags are the flags of every command that can print for programs.
type outputFlags struct {
	Output string `short:"o" enum:"text,json" default:"text" help:"Print for persons (text) or one document for programs (json)."`
}

func (o outputFlags) json() bool { return o.Output == "json" }

// planFlags are the flags that plan, apply and render share.
type planFlags struct {
	fileFlags
	outputFlags
	Templates string `type:"path" help:"Directory with templates that replace the built-in ones. Default: ${templates} if it exists."`
}

// node is a cluster file seen from one machine.
type node struct {
	cluster  *cluster.Cluster
	state    *desired.State
	rendered *desired.Rendered
	applied  *onefile.Looker
	allowed  []consent
}

func (f fileFlags) load() (*cluster.Cluster, error) {
	c, _, err := f.read()
	return c, err
}

// read returns the cluster file and its text.
func (f fileFlags) read() (*cluster.Cluster, []byte, error) {
	text, err := cluster.Read(f.File)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, nil, fmt.Errorf("%w: name the cluster file with --file, or start one with \"gluster-setup init web\" or \"gluster-setup init cache\"", err)
	case errors.Is(err, unix.EISDIR):
		return nil, nil, fmt.Errorf("%w: name the cluster file in it with --file", err)
	case err != nil:
		return nil, nil, err
	}
	c, err := cluster.Parse(f.File, text)
	return c, text, err
}

// self finds this machine in the cluster file.
func (f fileFlags) self(c *cluster.Cluster) (*desired.State, error) {
	hostname, err := os.Hostname()
	if err != nil {
		return nil, fmt.Errorf("host name of this machine: %w", err)
	}
	addrs, err := machine.Addresses()
	if err != nil {
		return nil, err
	}
	name, err := cluster.FindNode(c, f.Node, hostname, addrs)
	if err != nil {
		return nil, err
	}
	return desired.For(c, name)
}

func (f planFlags) node(change func(*desired.State)) (*node, error) {
	c, text, err := f.read()
	if err != nil {
		return nil, err
	}
	return f.nodeOf(c, text, change)
}

// nodeOf is node for a cluster file that has been read.
func (f planFlags) nodeOf(c *cluster.Cluster, text []byte, change func(*desired.State)) (*node, error) {
	s, err := f.self(c)
	if err != nil {
		return nil, err
	}
	if change != nil {
		change(s)
	}
	set, err := f.templates()
	if err != nil {
		return nil, err
	}
	r, err := s.Render(set, text)
	if err != nil {
		return nil, err
	}
	l, err := lookApplied(c, s)
	if err != nil {
		return nil, err
	}
	return &node{cluster: c, state: s, rendered: r, applied: l}, nil
}

// templates are those that the flag names, or else this machine's.
func (f planFlags) templates() (*templates.Set, error) {
	if f.Templates == "" {
		return templates.Installed()
	}
	return templates.New(f.Templates)
}

// planners returns the parts to plan or apply, in order.
func (n *node) planners(parts []string) ([]change.Planner, func() error, error) {
	h, err := host.New(n.state, n.rendered, n.cluster.Source)
	if err != nil {
		return nil, nil, err
	}
	p := &pool.Pool{Node: n.state.Node, Want: n.state.Pool, Local: gluster.NewClient("unix", ""), CLI: &gluster.CLI{}, Dial: pool.DialTCP, Resolve: h.Resolve}
	h.Applied, p.Applied = n.applied, n.applied
	c := &client.Client{State: n.state, Exec: machine.Run, Probe: probe(n.state), AtBoot: host.Starts}
	all := []change.Planner{h, p, c}
	return slices.DeleteFunc(all, func(p change.Planner) bool { return !slices.Contains(parts, string(p.Part())) }), p.Close, nil
}

func probe(s *desired.State) *client.Probe {
	return &client.Probe{Pool: s.Pool, Dial: pool.DialTCP, Timeout: 3 * time.Second}
}

// programPath makes the units call this program where it is when it was
// installed by a package or by hand, and where apply installs it otherwise.
func programPath(s *desired.State) {
	self, err := os.Executable()
	if err != nil {
		return
	}
	if slices.Contains([]string{"/usr/sbin", "/usr/bin", "/usr/local/sbin", "/usr/local/bin"}, filepath.Dir(self)) {
		s.SetBinary(self)
	}
}

// root refuses to go on as anybody else: reading glusterd's socket needs it.
func root(what string) error {
	if os.Geteuid() != 0 {
		return fmt.Errorf("%s needs root: it reads glusterd's socket and this machine's devices; run it with sudo (render works without)", what)
	}
	return nil
}

func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd())) && os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb" //nolint:gosec // a descriptor fits
}

func logger(w io.Writer, level slog.Level) *slog.Logger {
	return slog.New(slog.NewTextHandler(w, &slog.HandlerOptions{Level: level}))
}

// finish prints the end of a plan, an apply or a render.
func finish(streams IO, o outputFlags, t *report.Text, doc report.Document, err error, last string) error {
	code := doc.ExitCode
	if err != nil {
		doc.Error = &report.Error{Reason: reason(err), Message: err.Error()}
	}
	if o.json() {
		if err := report.JSON(streams.Out, doc); err != nil {
			return err
		}
	} else {
		t.Warnings(doc.Warnings)
		for _, c := range doc.Conflicts {
			t.Conflict(change.Conflict(c))
		}
		if err != nil && len(doc.Conflicts) == 0 {
			t.Error(err)
		}
		t.End(code == exitOK || code == exitPending, "%s", last)
	}
	if code == exitOK {
		return nil
	}
	return exitStatus(code)
}

// deadline bounds a command by its --timeout.
func deadline(ctx context.Context, d time.Duration) (context.Context, context.CancelFunc) {
	return context.WithTimeoutCause(ctx, d, change.ErrDeadline)
}
