package verify

import (
	"errors"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// shared is a directory that plays the volume. It remembers when names came
// and went, so that a view of it can lag behind. Inside synctest time passes
// only while every node sleeps, so no test waits and none depends on speed.
type shared struct {
	dir string

	mu   sync.Mutex
	born map[string]time.Time
	dead map[string]corpse
}

type corpse struct {
	at      time.Time
	content []byte
}

func newShared(t *testing.T) *shared {
	t.Helper()
	return &shared{dir: t.TempDir(), born: map[string]time.Time{}, dead: map[string]corpse{}}
}

// view is the volume as one node sees it. What is nil behaves well.
type view struct {
	mounted
	shared *shared

	showAfter func(file string) time.Duration // names appear this late
	ghosts    func(file string) time.Duration // removed names stay listed this long
	opens     func(file string) time.Duration // removed files can be opened this long
	change    func(file string, content []byte) []byte
	before    func(op, file string) error // fails or holds up an operation
	after     func(op, file string)
}

func (s *shared) view() *view { return &view{mounted: mounted{s.dir}, shared: s} }

func (v *view) do(op, file string, act func() error) error {
	if v.before != nil {
		if err := v.before(op, file); err != nil {
			return err
		}
	}
	err := act()
	if v.after != nil {
		v.after(op, file)
	}
	return err
}

func (v *view) Mkdir(file string) error {
	return v.do("mkdir", file, func() error {
		v.shared.note(file)
		return v.mounted.Mkdir(file)
	})
}

func (v *view) Create(file string, content []byte) error {
	return v.do("create", file, func() error {
		v.shared.note(file)
		return v.mounted.Create(file, content)
	})
}

func (s *shared) note(file string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.born[file] = time.Now()
}

func (v *view) Remove(file string) error {
	return v.do("remove", file, func() error {
		content, _ := v.mounted.Read(file)
		v.shared.mu.Lock()
		v.shared.dead[file] = corpse{time.Now(), content}
		v.shared.mu.Unlock()
		return v.mounted.Remove(file)
	})
}

// hidden reports whether a name has not reached this view yet.
func (v *view) hidden(file string) bool {
	if v.showAfter == nil {
		return false
	}
	v.shared.mu.Lock()
	defer v.shared.mu.Unlock()
	born, ok := v.shared.born[file]
	return ok && time.Since(born) < v.showAfter(file)
}

// remains reports whether this view still has a removed name.
func (v *view) remains(file string, lasts func(string) time.Duration) (corpse, bool) {
	v.shared.mu.Lock()
	defer v.shared.mu.Unlock()
	c, ok := v.shared.dead[file]
	return c, ok && lasts != nil && time.Since(c.at) < lasts(file)
}

func (v *view) List(dir string) (names []string, err error) {
	err = v.do("list", dir, func() error {
		listed, err := v.mounted.List(dir)
		for _, n := range listed {
			if !v.hidden(path.Join(dir, n)) {
				names = append(names, n)
			}
		}
		if v.ghosts == nil {
			return err
		}
		v.shared.mu.Lock()
		dead := slices.Collect(maps.Keys(v.shared.dead))
		v.shared.mu.Unlock()
		for _, file := range dead {
			if _, there := v.remains(file, v.ghosts); there && path.Dir(file) == dir && !slices.Contains(names, path.Base(file)) {
				names = append(names, path.Base(file))
			}
		}
		return err
	})
	return names, err
}

func (v *view) Read(file string) (content []byte, err error) {
	err = v.do("read", file, func() error {
		if v.hidden(file) {
			return &fs.PathError{Op: "open", Path: file, Err: fs.ErrNotExist}
		}
		c, err := v.mounted.Read(file)
		if dead, opens := v.remains(file, v.opens); opens && errors.Is(err, fs.ErrNotExist) {
			c, err = dead.content, nil
		}
		if err == nil && v.change != nil {
			c = v.change(file, c)
		}
		content = c
		return err
	})
	return content, err
}

func (v *view) Stat(file string) (info fs.FileInfo, err error) {
	err = v.do("stat", file, func() error {
		info, err = v.mounted.Stat(file)
		return err
	})
	return info, err
}

// isFile reports whether a path is a round's file, of a node if one is named.
func isFile(file, node string) bool {
	n, ok := parseName(path.Base(file))
	return ok && n.kind == kindFile && (node == "" || n.node == node)
}

// outcome is what a node's run returned.
type outcome struct {
	result Result
	err    error
}

// testConfig is a node's configuration in a mount of all the nodes.
func testConfig(node string, nodes []string) Config {
	return Config{
		Node:     node,
		Peers:    slices.DeleteFunc(slices.Clone(nodes), func(n string) bool { return n == node }),
		Path:     "/client",
		Volume:   "server",
		Timeout:  5 * time.Second,
		Patience: 2 * time.Second,
		Rounds:   3,
	}.withDefaults()
}

// everywhere runs verify on all nodes at once, each with its view, and
// returns what each run returned. It is called inside a synctest bubble.
func everywhere(t *testing.T, nodes []string, views map[string]*view) map[string]outcome {
	t.Helper()
	var mu sync.Mutex
	var group sync.WaitGroup
	outcomes := map[string]outcome{}
	for _, node := range nodes {
		if views[node] == nil {
			continue
		}
		group.Go(func() {
			result, err := run(t.Context(), testConfig(node, nodes), views[node])
			mu.Lock()
			defer mu.Unlock()
			outcomes[node] = outcome{result, err}
		})
	}
	group.Wait()
	return outcomes
}

func (s *shared) views(nodes ...string) map[string]*view {
	views := map[string]*view{}
	for _, node := range nodes {
		views[node] = s.view()
	}
	return views
}

// mustBeClean fails if a run left anything on the volume.
func (s *shared) mustBeClean(t *testing.T) {
	t.Helper()
	err := filepath.WalkDir(s.dir, func(file string, _ fs.DirEntry, err error) error {
		if file != s.dir {
			t.Errorf("left on the volume: %s", strings.TrimPrefix(file, s.dir))
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}

// leftover plants what a killed run left, with an age.
func (s *shared) leftover(t *testing.T, file string, age time.Duration) string {
	t.Helper()
	full := filepath.Join(s.dir, baseDir, file)
	if err := os.MkdirAll(full, 0o700); err != nil {
		t.Fatal(err)
	}
	message := name{kind: kindMet, token: "00", node: "web9"}
	if err := os.WriteFile(filepath.Join(full, message.String()), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(full)
	if err != nil {
		t.Fatal(err)
	}
	when := info.ModTime().Add(-age)
	if err := os.Chtimes(full, when, when); err != nil {
		t.Fatal(err)
	}
	return full
}

// bubble runs a test in which time is only what the test lets pass.
func bubble(t *testing.T, test func(t *testing.T, volume *shared)) {
	t.Helper()
	volume := newShared(t)
	synctest.Test(t, func(t *testing.T) { test(t, volume) })
}
