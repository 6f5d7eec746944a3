package probe

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"brickyard/internal/mountns"
)

// Whoever is root on one client of a volume can put anything into the probers' directory. These tests do.

// boardOfN1 is the board of node n1 on a mounted file system that stands for a volume, whose root is an application's.
func boardOfN1(t *testing.T) (hidden string, b *volumeBoard) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "client")
	mountns.Mount(t, "tmpfs", path, "tmpfs", 0, "mode=0755")
	const www = 33
	if err := os.Chown(path, www, www); err != nil {
		t.Fatal(err)
	}
	var st unix.Stat_t
	if err := unix.Stat(path, &st); err != nil {
		t.Fatal(err)
	}
	table := filepath.Join(t.TempDir(), "mountinfo")
	if err := os.WriteFile(table, []byte(tableLine(path, st.Dev, "n1:/web")), 0o600); err != nil {
		t.Fatal(err)
	}
	cfg := childConfig{Mountpoint: path, Mounts: []string{path}, MountInfo: table, Node: "n1", Echo: time.Second}
	return filepath.Join(path, hiddenName), &volumeBoard{cfg: cfg}
}

// foreignThings puts something else in the place of a file. Each returns what must still be so afterwards.
func foreignThings() map[string]func(t *testing.T, at string) (unharmed func() error) {
	unchanged := func(path string, want []byte) func() error {
		return func() error {
			got, err := os.ReadFile(path)
			if err == nil && !bytes.Equal(got[:min(len(got), len(want))], want) {
				err = fmt.Errorf("it begins with %.40q now", got) //nolint:err113 // for the test's log
			}
			return err
		}
	}
	good := func() error { return nil }
	return map[string]func(t *testing.T, at string) func() error{
		"a block device": func(t *testing.T, at string) func() error {
			t.Helper()
			image, marks := filepath.Join(t.TempDir(), "disk"), bytes.Repeat([]byte("a file system. "), 1000)
			loop := ""
			if err := os.WriteFile(image, append(marks, make([]byte, 1<<20-len(marks))...), 0o600); err == nil {
				loop = mountns.Loop(t, image)
			}
			var dev unix.Stat_t
			if err := errors.Join(unix.Stat(loop, &dev), unix.Mknod(at, unix.S_IFBLK|0o600, int(dev.Rdev))); err != nil { //nolint:gosec // a device number
				t.Fatal(err)
			}
			return func() error { unix.Sync(); return unchanged(loop, marks)() }
		},
		"a character device": func(t *testing.T, at string) func() error {
			t.Helper()
			must(t, unix.Mknod(at, unix.S_IFCHR|0o600, int(unix.Mkdev(1, 5)))) //nolint:gosec // /dev/zero
			return good
		},
		"a pipe": func(t *testing.T, at string) func() error {
			t.Helper()
			must(t, unix.Mkfifo(at, 0o600))
			return good
		},
		"a link to a file of the machine": func(t *testing.T, at string) func() error {
			t.Helper()
			victim := filepath.Join(t.TempDir(), "victim")
			must(t, errors.Join(os.WriteFile(victim, []byte("of the machine"), 0o600), os.Symlink(victim, at)))
			return unchanged(victim, []byte("of the machine"))
		},
		"another name of a file of the volume": func(t *testing.T, at string) func() error {
			t.Helper()
			victim := filepath.Join(filepath.Dir(filepath.Dir(at)), "index.php")
			must(t, errors.Join(os.WriteFile(victim, []byte("of the volume"), 0o600), os.Link(victim, at)))
			return unchanged(victim, []byte("of the volume"))
		},
		"a file of the volume that was moved there": func(t *testing.T, at string) func() error {
			t.Helper()
			must(t, os.WriteFile(at, []byte("of the volume"), 0o600))
			f, err := os.Open(at) //nolint:gosec // of this test
			must(t, err)
			t.Cleanup(func() { _ = f.Close() })
			return func() error {
				b := make([]byte, 13)
				_, err := f.ReadAt(b, 0)
				if err == nil && string(b) != "of the volume" {
					err = fmt.Errorf("it is %q now", b) //nolint:err113 // for the test's log
				}
				return err
			}
		},
		"somebody else's file": func(t *testing.T, at string) func() error {
			t.Helper()
			must(t, errors.Join(os.WriteFile(at, []byte(`{"node":"a","run":"r","seq":1}`), 0o600), os.Chown(at, 33, 33)))
			return good
		},
		"a directory": func(t *testing.T, at string) func() error {
			t.Helper()
			must(t, os.Mkdir(at, 0o700))
			return good
		},
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.Fatal(err)
	}
}

func TestOnlyTheBeaconThatWasMadeIsOverwritten(t *testing.T) {
	for name, put := range foreignThings() {
		t.Run(name, func(t *testing.T) {
			hidden, b := boardOfN1(t)
			must(t, b.write(beacon{Node: "n1", Run: "r", Seq: 1}))
			first := b.name
			must(t, os.Remove(filepath.Join(hidden, first)))
			unharmed := put(t, filepath.Join(hidden, first))
			if err := b.write(beacon{Node: "n1", Run: "r", Seq: 2}); err != nil {
				t.Error(err)
			}
			if err := unharmed(); err != nil {
				t.Error(err)
			}
			if got, err := b.read(b.name); err != nil || got.Seq != 2 || b.name == first {
				t.Errorf("the beacon is %+v in %s, %v", got, b.name, err)
			}
		})
	}
}

func TestWhatLiesInTheBeaconsPlaceHoldsNobodyUp(t *testing.T) {
	for name, put := range foreignThings() {
		if strings.Contains(name, "moved there") {
			continue // it is a beacon like any other, and says nothing
		}
		t.Run(name, func(t *testing.T) {
			hidden, b := boardOfN1(t)
			var heard []string
			e := newEchoes(b.cfg, b, func(x echoed) { heard = append(heard, x.Peer) })
			now := time.Now()
			e.step(now)
			unharmed := put(t, filepath.Join(hidden, "a@1.beacon"))
			if _, err := b.read("a@1.beacon"); !errors.Is(err, errForeign) {
				t.Errorf("read: %v", err)
			}
			beat(t, hidden, "b", beacon{Node: "b", Run: "rb", Seq: 1})
			e.step(now.Add(2 * time.Second))
			beat(t, hidden, "b", beacon{Node: "b", Run: "rb", Seq: 2, Echo: map[string]uint64{e.own.Run: e.own.Seq}})
			e.step(now.Add(4 * time.Second))
			if len(e.peers) != 1 || e.peers[0].last.Node != "b" {
				t.Errorf("%d peers, %v heard: want b alone", len(e.peers), heard)
			}
			if err := unharmed(); err != nil {
				t.Error(err)
			}
			if err := removeAll(b.cfg); err != nil {
				t.Error(err)
			}
		})
	}
}

// beat writes the beacon of another node.
func beat(t *testing.T, hidden, file string, b beacon) {
	t.Helper()
	block, err := b.encode()
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(hidden, file+"@1.beacon"), block, 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestOnlyADirectoryOfTheProbersIsUsed(t *testing.T) {
	for name, c := range map[string]struct {
		make func(hidden string) error
		want string
	}{
		"of another user":         {func(h string) error { return errors.Join(os.Mkdir(h, 0o700), os.Chown(h, 33, 33)) }, "belongs to user 33"},
		"open to others":          {func(h string) error { return errors.Join(os.Mkdir(h, 0o700), os.Chmod(h, 0o755)) }, "has mode 0755"},
		"writable by a group":     {func(h string) error { return errors.Join(os.Mkdir(h, 0o700), os.Chmod(h, 0o770)) }, "remove it"},
		"a link to another one":   {func(h string) error { return os.Symlink(filepath.Dir(h), h) }, "not a directory"},
		"a file":                  {func(h string) error { return os.WriteFile(h, nil, 0o700) }, "not a directory"},
		"the prober's own":        {func(h string) error { return os.Mkdir(h, 0o700) }, ""},
		"the prober's, inherited": {func(h string) error { return errors.Join(os.Mkdir(h, 0o700), os.Chmod(h, 0o700|fs.ModeSetgid)) }, ""},
	} {
		t.Run(name, func(t *testing.T) {
			hidden, b := boardOfN1(t)
			must(t, c.make(hidden))
			for what, err := range map[string]error{"write": b.write(beacon{Node: "n1", Run: "r"}), "probe": probe(b.cfg, 4096, &steps{})} {
				if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
					t.Errorf("%s: %v, want %q", what, err, c.want)
				}
			}
			if c.want == "" {
				return
			}
			if left, err := os.ReadDir(hidden); err == nil && len(left) > 0 && name != "a link to another one" {
				t.Errorf("left there: %v", left)
			}
		})
	}
}

func TestAPeerHasTheNameOfItsFileAndOneThatIsHeard(t *testing.T) {
	hidden, b := boardOfN1(t)
	must(t, b.write(beacon{Node: "n1", Run: "r"}))
	for name, c := range map[string]struct {
		beacon beacon
		peers  []string
		heard  bool
	}{
		"its own name":              {beacon{Node: "a", Run: "r1"}, nil, true},
		"listed":                    {beacon{Node: "a", Run: "r1"}, []string{"a", "n1"}, true},
		"not listed":                {beacon{Node: "a", Run: "r1"}, []string{"b", "n1"}, false},
		"another one's name":        {beacon{Node: "b", Run: "r1"}, nil, false},
		"this node's name":          {beacon{Node: "n1", Run: "r1"}, nil, false},
		"a name that no host has":   {beacon{Node: "a\nb", Run: "r1"}, nil, false},
		"a run as long as a beacon": {beacon{Node: "a", Run: strings.Repeat("x", 4000)}, nil, false},
		"a run of other characters": {beacon{Node: "a", Run: `"<script>`}, nil, false},
	} {
		b.cfg.Peers = c.peers
		beat(t, hidden, "a", c.beacon)
		names, err := b.list()
		_, rerr := b.read("a@1.beacon")
		if heard := len(names) == 1 && rerr == nil; err != nil || heard != c.heard {
			t.Errorf("%s: listed %q, read %v, %v; want it heard: %t", name, names, rerr, err, c.heard)
		}
	}
	if isHostName(strings.Repeat("L", 254)) || isHostName("") || !isHostName("web1.example.com") {
		t.Error("what a host's name is")
	}
}

// One who writes beacons for each of many nodes, each time as somebody who has just begun.
func TestWhoeverWritesBeaconsHasFewLabelsAndNoRoomOfOthers(t *testing.T) {
	hidden, b := boardOfN1(t)
	labels := map[string]bool{}
	e := newEchoes(b.cfg, b, func(x echoed) { labels[x.Peer] = true })
	now := time.Now()
	e.step(now)
	for i := range 300 {
		for k := range 4 {
			node := fmt.Sprintf("evil-%d-%d", i, k)
			beat(t, hidden, node, beacon{Node: node, Run: fmt.Sprintf("r%d", i), Seq: uint64(i), Echo: map[string]uint64{e.own.Run: e.own.Seq}}) //nolint:gosec // small
		}
		beat(t, hidden, "good", beacon{Node: "good", Run: fmt.Sprintf("g%064d", i)[:64], Seq: uint64(i), Awake: true}) //nolint:gosec // small
		now = now.Add(300 * time.Millisecond)
		e.step(now)
		if _, err := e.own.encode(); err != nil || len(e.own.Echo) > echoPeers {
			t.Fatalf("own beacon with %d echoes: %v", len(e.own.Echo), err)
		}
	}
	if len(labels) > echoNames {
		t.Errorf("%d labels", len(labels))
	}
	if own, err := b.read(b.name); err != nil || own.Run != e.own.Run {
		t.Errorf("others read %+v, %v", own, err)
	}
}

func TestADirectoryOfManyNamesIsNotReadToItsEnd(t *testing.T) {
	hidden, b := boardOfN1(t)
	must(t, b.write(beacon{Node: "n1", Run: "r"}))
	for i := range maxNames + 100 {
		must(t, os.WriteFile(filepath.Join(hidden, fmt.Sprintf("z@%d.beacon", i)), nil, 0o600))
	}
	d := openDir(t, hidden)
	names, err := d.names()
	if len(names) != maxNames || !errors.Is(err, errForeign) || !strings.Contains(err.Error(), "more than 4096 names") {
		t.Errorf("%d names, %v", len(names), err)
	}
	if names, err := b.list(); err != nil || len(names) != beaconsEach {
		t.Errorf("%d beacons of one node, %v", len(names), err)
	}
	if err := removeLeftovers(b.cfg, false); classOf(err) != classPermission {
		t.Errorf("leftovers: %v", err)
	}
}

func TestADirectoryWithAProbesNameHindersNoProbe(t *testing.T) {
	hidden, b := boardOfN1(t)
	must(t, b.write(beacon{Node: "n1", Run: "r"}))
	must(t, os.Mkdir(filepath.Join(hidden, prefix("n1", b.cfg.Mountpoint)+"x.probe-4096"), 0o700))
	if err := errors.Join(removeLeftovers(b.cfg, false), probe(b.cfg, 4096, &steps{})); err != nil {
		t.Error(err)
	}
}

func TestTheClientsGraphIsReadBelowItsDirectory(t *testing.T) {
	_, b := boardOfN1(t)
	graphs := filepath.Join(b.cfg.Mountpoint, ".meta/graphs")
	client := filepath.Join(graphs, "g1", "web-client-0")
	must(t, errors.Join(os.MkdirAll(client, 0o755), os.WriteFile(filepath.Join(client, "private"), []byte("connected = 1\n"), 0o644)))
	must(t, os.Symlink("g1", filepath.Join(graphs, "active")))
	got, err := readBricks(b.cfg.MountInfo, b.cfg.Mountpoint)
	if err != nil || *got != (bricks{Total: 1, Connected: 1}) {
		t.Errorf("%+v, %v", got, err)
	}
	for name, change := range map[string]func() error{
		"a link out of it": func() error {
			return errors.Join(os.Remove(graphs+"/active"), os.Symlink("../graphs/g1", graphs+"/active"))
		},
		"a link upwards": func() error { return errors.Join(os.Remove(graphs+"/active"), os.Symlink("..", graphs+"/active")) },
		"a pipe": func() error {
			return errors.Join(os.Remove(graphs+"/active"), os.Symlink("g1", graphs+"/active"), os.Remove(client+"/private"), unix.Mkfifo(client+"/private", 0o644))
		},
	} {
		must(t, change())
		if got, err := readBricks(b.cfg.MountInfo, b.cfg.Mountpoint); err == nil {
			t.Errorf("%s: %+v", name, got)
		}
	}
}
