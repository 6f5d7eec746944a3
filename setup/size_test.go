package main

import (
	"context"
	"fmt"
	"maps"
	"net/netip"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"brickyard/gluster"
	"brickyard/internal/simulated"
	"brickyard/setup/actual"
	"brickyard/setup/cluster"
	"brickyard/setup/desired"
	"brickyard/setup/onefile"
	"brickyard/setup/pool"
	"brickyard/setup/status"
	"brickyard/setup/stop"
)

// patience is how long a simulated daemon may take: only what hangs takes so long.
const patience = 10 * time.Minute

// big is a simulated pool and what the cluster file of its node says.
type big struct {
	*simulated.Cluster
	state *desired.State
	here  int // volumes with a brick of this node
	sets  int // replica sets with a brick of this node
}

func bigPool(t testing.TB, size simulated.Size) *big {
	t.Helper()
	c, err := simulated.Start(size)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	})
	if err := c.StartServers(); err != nil {
		t.Fatal(err)
	}
	nodes := c.Nodes()
	b := &big{Cluster: c, state: &desired.State{Node: nodes[0], Server: true, ManageHosts: true}}
	for i, name := range nodes {
		b.state.Pool.Servers = append(b.state.Pool.Servers, desired.Server{Name: name, Address: netip.AddrFrom4([4]byte{10, 9, byte(i / 250), byte(i%250 + 1)})})
	}
	for _, name := range c.Volumes() {
		v := desired.Volume{Spec: gluster.VolumeSpec{Name: name, Replica: 3}, Quorum: gluster.QuorumOf(nil, 3)}
		here := false
		for _, set := range c.Sets(name) {
			var bricks []cluster.Brick
			own := false
			for _, s := range set {
				bricks = append(bricks, cluster.Brick{Node: s.Node, Path: s.Path})
				v.Spec.Bricks = append(v.Spec.Bricks, gluster.Brick{Host: s.Node, Path: s.Path})
				if s.Node == nodes[0] {
					own = true
					b.state.Directories = append(b.state.Directories, desired.Directory{Volume: name, BrickPath: s.Path})
				}
			}
			if own {
				here = true
				b.sets++
			}
			v.Sets = append(v.Sets, bricks)
		}
		if here {
			b.here++
		}
		b.state.Pool.Volumes = append(b.state.Pool.Volumes, v)
	}
	return b
}

// patient is a client that waits for a busy machine.
func patient(network, address string) *gluster.Client {
	c := gluster.NewClient(network, address)
	c.Timeout = patience
	return c
}

func (b *big) dial(s desired.Server) *gluster.Client {
	i := slices.Index(b.Nodes(), s.Name)
	return patient("tcp", b.Servers[i].Address())
}

func (b *big) local(t testing.TB) *gluster.Client {
	c := patient("unix", b.Glusterd.Socket)
	t.Cleanup(func() { _ = c.Close() }) //nolint:errcheck // a connection for reading
	return c
}

func (b *big) applied() *onefile.Looker {
	return &onefile.Looker{Node: b.state.Node, Servers: b.state.Pool.Servers, Dial: b.dial, File: strings.Repeat("0", 32), Program: "1.0.0", Timeout: patience}
}

func (b *big) observer(t testing.TB) *actual.Observer {
	return &actual.Observer{
		State: b.state, Cluster: &cluster.Cluster{}, Local: b.local(t), Dial: b.dial, Timeout: patience, Started: time.Now, Now: time.Now, Proc: b.Proc(),
		Mounted: func(desired.BrickMount) (string, error) { return "", nil },
	}
}

func (b *big) status(ctx context.Context, t testing.TB) *status.Status {
	dir := t.TempDir()
	g := &status.Gatherer{
		Cluster: &cluster.Cluster{}, State: b.state, Local: b.local(t), Dial: b.dial, Timeout: patience, Applied: b.applied(), Proc: b.Proc(),
		Root: dir, Journal: filepath.Join(dir, "recovery.json"), Checked: filepath.Join(dir, "check.json"),
	}
	return g.Gather(ctx)
}

// looks are what commands ask of the pool, by command.
func (b *big) looks(t testing.TB) map[string]func(context.Context) error {
	return map[string]func(context.Context) error{
		"plan": func(ctx context.Context) error {
			p := &pool.Pool{Node: b.state.Node, Want: b.state.Pool, Local: b.local(t), CLI: &gluster.CLI{}, Dial: b.dial, Applied: b.applied(), Timeout: patience}
			see, err := p.Observe(ctx)
			if err == nil && (len(see.Copies) != len(b.Nodes()) || len(see.Apart)+len(see.Moving) > 0) {
				err = fmt.Errorf("%d servers said how they have the volumes, %v differ", len(see.Copies), see.Apart)
			}
			if cerr := p.Close(); err == nil {
				err = cerr
			}
			return err
		},
		"status": func(ctx context.Context) error {
			for _, v := range b.status(ctx, t).Volumes {
				if i := slices.IndexFunc(v.Bricks, func(k status.Brick) bool { return !k.Online }); i >= 0 {
					return fmt.Errorf("volume %s: %+v", v.Name, v.Bricks[i])
				}
			}
			return nil
		},
		"ok-to-stop": func(ctx context.Context) error {
			o := b.observer(t)
			g := &stop.Gate{Node: b.state.Node, Pool: b.state.Pool, Local: o.Local, Look: o.Look, Dial: b.dial, Timeout: patience, Proc: b.Proc()}
			reasons, err := g.Ask(ctx, false)
			if err == nil && len(reasons) > 0 {
				err = fmt.Errorf("%d reasons: %s", len(reasons), reasons[0])
			}
			return err
		},
		"recover": func(ctx context.Context) error {
			look, err := b.observer(t).Look(ctx)
			if err == nil && len(look.Own) != b.sets {
				err = fmt.Errorf("%d bricks in %d sets", len(look.Own), b.sets)
			}
			return err
		},
	}
}

// bound is what a look may ask of a pool: so much, and more for each server, for each volume of the pool, and for each replica set with a
// brick of the node that asks. There is nothing for each volume on each server.
type bound struct{ any, servers, volumes, sets int }

func (w bound) of(b *big) int {
	return w.any + w.servers*len(b.Nodes()) + w.volumes*len(b.state.Pool.Volumes) + w.sets*b.sets
}

// bounds are those of the looks. A volume of the pool costs one question to this node's glusterd, or more:
//   - plan and status compare how servers have the volumes: each with six bricks is asked of up to six servers, two questions each, and once
//     more of this node; a server about its peers, its files and names, and two questions about twenty volumes;
//   - status shows whether each of six bricks serves;
//   - recover and ok-to-stop ask for the ports of three bricks of a set, and what waits to be healed; a server for its peers;
//   - ok-to-stop asks the two neighbours of each set how they have its volume.
func bounds() map[string]bound {
	return map[string]bound{
		"plan":       {any: 10, servers: 44, volumes: 16},
		"status":     {any: 10, servers: 42, volumes: 22, sets: 1},
		"recover":    {any: 5, servers: 1, volumes: 1, sets: 4},
		"ok-to-stop": {any: 5, servers: 1, volumes: 1, sets: 6},
	}
}

// TestQuestionsGrowWithServersAndVolumesAndNotWithTheirProduct counts what a node asks of pools that grow in one way at a time.
func TestQuestionsGrowWithServersAndVolumesAndNotWithTheirProduct(t *testing.T) {
	for _, size := range []simulated.Size{
		{Peers: 4, Volumes: 10}, {Peers: 4, Volumes: 80}, {Peers: 40, Volumes: 10}, {Peers: 40, Volumes: 80}, {Peers: 40, Volumes: 80, LocalBricks: 40},
	} {
		b := bigPool(t, size)
		looks := b.looks(t)
		for _, name := range slices.Sorted(maps.Keys(looks)) {
			b.Counts() // of the look before
			if err := looks[name](t.Context()); err != nil {
				t.Fatalf("%+v: %s: %v", size, name, err)
			}
			counts := b.Counts()
			if got, most := simulated.Total(counts).Questions, bounds()[name].of(b); got > most {
				t.Errorf("%d servers, %d volumes, %d sets of this node: %s asks %d questions, more than %d: %v", size.Peers, size.Volumes, b.sets, name, got, most, counts)
			}
		}
	}
}

// TestInALargePoolAServerThatIsBehindIsNamed has one server after the other behind with a volume.
func TestInALargePoolAServerThatIsBehindIsNamed(t *testing.T) {
	b := bigPool(t, simulated.Size{Peers: 30, Volumes: 60})
	nodes := b.Nodes()
	with, without := "", "" // volumes with and without a brick of this node
	for _, name := range b.Volumes() {
		if slices.ContainsFunc(slices.Concat(b.Sets(name)...), func(k simulated.Brick) bool { return k.Node == nodes[0] }) {
			with = name
		} else {
			without = name
		}
	}
	for what, behind := range map[string]simulated.Copy{
		"this node, with a volume of its own":             {Node: nodes[0], Volume: with},
		"this node, with a volume of others":              {Node: nodes[0], Volume: without},
		"another server, with a volume that is also ours": {Node: b.Sets(with)[1][2].Node, Volume: with},
		"another server, with a volume that is not":       {Node: b.Sets(without)[1][2].Node, Volume: without},
	} {
		b.Behind(behind)
		named := slices.ContainsFunc(b.status(t.Context(), t).Problems, func(p string) bool {
			return strings.Contains(p, "know volume "+behind.Volume+" ") && strings.Contains(p, behind.Node+" ")
		})
		if !named {
			t.Errorf("%s: %+v is not in %q", what, behind, b.status(t.Context(), t).Problems)
		}
	}
	b.Behind()
	if p := b.status(t.Context(), t).Problems; slices.ContainsFunc(p, func(p string) bool { return strings.Contains(p, "know volume") }) {
		t.Errorf("nobody is behind: %q", p)
	}
}

// BenchmarkLook is one look of each command at a pool of a hundred servers and a thousand volumes.
func BenchmarkLook(b *testing.B) {
	p := bigPool(b, simulated.Size{Peers: 100, Volumes: 1000})
	for _, name := range []string{"plan", "status", "ok-to-stop", "recover"} {
		b.Run("command="+name, func(b *testing.B) {
			look := p.looks(b)[name]
			p.Counts()
			for b.Loop() {
				if err := look(b.Context()); err != nil {
					b.Fatal(err)
				}
			}
			n := float64(b.N)
			others := simulated.Count{}
			counts := p.Counts()
			for k, c := range counts {
				if k.Of == "another glusterd" {
					others = others.Plus(c)
				}
			}
			all := simulated.Total(counts)
			b.ReportMetric(float64(all.Questions)/n, "questions")
			b.ReportMetric(float64(others.Questions)/n, "questions-others")
			b.ReportMetric(float64(all.Asked)/n/(1<<20), "MiB-asked")
			b.ReportMetric(float64(all.Answered)/n/(1<<20), "MiB-answered")
		})
	}
}
