package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"time"
)

// Places on the clients. The first survives a reboot, the second does not.
const (
	workDir  = "/var/lib/reboot-test"
	pauseDir = "/run/reboot-test"
)

// How fast the clients of each volume are. Faster ones find no more and take most of the machine's time: a listing has a brick
// read the attributes of every file.
const (
	writePause = 100 * time.Millisecond // after each write
	listEvery  = 250 * time.Millisecond
)

// workCmd writes and reads below mounts. One writer and one reader a volume:
// the writer creates, overwrites and removes files of its own and flushes each,
// the reader lists all files of base four times a second and reads one of them.
type workCmd struct {
	Host   string   `required:""`
	Mounts []string `arg:"" help:"VOLUME=DIR"`
}

// event is one line of the record of a client.
type event struct {
	Time   float64 `json:"time"` // seconds since 1970, when it ended
	Host   string  `json:"host"`
	Volume string  `json:"volume"`
	// Kind is writes or listings (some, with the longest of them), repeated (a
	// listing that broke off and was full at the second try), gone (a file that was to be removed and was not there any
	// more, as after a volume has begun anew), or what must
	// not be: failed (a write), missed (a listing without a file that must be
	// there, or none), lie (a file with other contents than its own).
	Kind    string  `json:"kind"`
	Count   int     `json:"count,omitempty"`
	Longest float64 `json:"longest,omitempty"` // seconds
	Text    string  `json:"text,omitempty"`
}

type recorder struct {
	mu   sync.Mutex
	file *os.File
	host string
}

func (r *recorder) add(volume, kind string, count int, longest time.Duration, text string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	e := event{Time: float64(time.Now().UnixMicro()) / 1e6, Host: r.host, Volume: volume, Kind: kind, Count: count, Longest: longest.Seconds(), Text: text}
	if err := json.NewEncoder(r.file).Encode(e); err != nil {
		panic(err) // without a record the test says nothing
	}
}

// meter sums operations up and records them once a second.
type meter struct {
	rec          *recorder
	volume, kind string
	began        time.Time
	count        int
	longest      time.Duration
}

func (m *meter) took(d time.Duration) {
	m.count, m.longest = m.count+1, max(m.longest, d)
	if time.Since(m.began) > time.Second || d > time.Second {
		m.flush()
	}
}

func (m *meter) flush() {
	if m.count > 0 {
		m.rec.add(m.volume, m.kind, m.count, m.longest, "")
	}
	m.began, m.count, m.longest = time.Now(), 0, 0
}

// Run works until the context ends, which is when the client shuts down.
func (c *workCmd) Run(ctx context.Context) error {
	for _, d := range []string{workDir, pauseDir} {
		if err := os.MkdirAll(d, 0o755); err != nil {
			return err
		}
	}
	file, err := os.OpenFile(filepath.Join(workDir, "events"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	defer file.Close() //nolint:errcheck // written to already
	rec := &recorder{file: file, host: c.Host}
	var wg sync.WaitGroup
	for _, m := range c.Mounts {
		var volume, dir string
		for i := range m {
			if m[i] == '=' {
				volume, dir = m[:i], m[i+1:]
			}
		}
		w := &writer{rec: rec, volume: volume, dir: dir, own: "by-" + c.Host, states: map[string]state{}}
		if err := load(statesPath(volume), &w.states); err != nil {
			return err
		}
		for _, s := range w.states {
			w.seq = max(w.seq, s.Seq)
		}
		wg.Go(func() { w.work(ctx) })
		wg.Go(func() { (&reader{rec: rec, volume: volume, dir: dir}).work(ctx) })
	}
	wg.Wait()
	return nil
}

func statesPath(volume string) string { return filepath.Join(workDir, "written-"+volume) }
func namesPath(volume string) string  { return filepath.Join(workDir, "names-"+volume) }

// While the file at idlePath is there, the volume is only read.
func idlePath(volume string) string { return filepath.Join(pauseDir, "idle-"+volume) }

func pausedPath(volume string) string { return filepath.Join(pauseDir, "paused-"+volume) }

var pausePath = filepath.Join(pauseDir, "pause")

type writer struct {
	rec         *recorder
	volume, dir string
	own         string // directory of this client's files
	seq         int
	states      map[string]state
	removed     string // by this process, last
}

func (w *writer) work(ctx context.Context) {
	m := &meter{rec: w.rec, volume: w.volume, kind: "writes", began: time.Now()}
	defer m.flush()
	paused := false
	for ctx.Err() == nil {
		if _, err := os.Stat(pausePath); err == nil {
			paused = true
			m.flush()
			if err := os.WriteFile(pausedPath(w.volume), nil, 0o644); err != nil {
				panic(err)
			}
			time.Sleep(20 * time.Millisecond)
			continue
		}
		if paused {
			paused = false
			os.Remove(pausedPath(w.volume)) //nolint:errcheck,gosec // pause removes it too
		}
		if _, err := os.Stat(idlePath(w.volume)); err == nil {
			time.Sleep(20 * time.Millisecond)
			continue
		}
		began := time.Now()
		err := w.step()
		m.took(time.Since(began))
		if err != nil {
			w.rec.add(w.volume, "failed", 1, time.Since(began), err.Error())
			time.Sleep(100 * time.Millisecond)
		}
		if err := replace(statesPath(w.volume), w.states); err != nil {
			panic(err)
		}
		time.Sleep(writePause)
	}
}

// step overwrites one of sixteen files, or creates a new one and removes an old one.
func (w *writer) step() error {
	w.seq++
	if err := os.MkdirAll(filepath.Join(w.dir, w.own), 0o755); err != nil {
		return err
	}
	if w.seq%2 == 0 {
		return w.put(fmt.Sprintf("%s/%02d", w.own, w.seq/2%16))
	}
	if err := w.put(fmt.Sprintf("%s/new-%06d", w.own, w.seq)); err != nil {
		return err
	}
	return w.remove(fmt.Sprintf("%s/new-%06d", w.own, w.seq-32))
}

func (w *writer) put(name string) (err error) {
	w.states[name] = state{Seq: w.seq}
	f, err := os.Create(filepath.Join(w.dir, name))
	if err != nil {
		return err
	}
	defer func() {
		err = errors.Join(err, f.Close())
		w.states[name] = state{Seq: w.seq, Sure: err == nil}
	}()
	if _, err := f.Write(contents(name, w.seq, writtenSize)); err != nil {
		return err
	}
	return f.Sync()
}

func (w *writer) remove(name string) error {
	if s, ok := w.states[name]; !ok || s.Removed {
		return nil
	}
	w.states[name] = state{Seq: w.seq}
	err := os.Remove(filepath.Join(w.dir, name))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err != nil {
		w.rec.add(w.volume, "gone", 1, 0, name)
	}
	delete(w.states, name)
	delete(w.states, w.removed)
	if err == nil {
		w.states[name] = state{Seq: w.seq, Removed: true}
		w.removed = name
	}
	return nil
}

type reader struct {
	rec         *recorder
	volume, dir string
	next        int
	known       names // as the file at namesPath said when it was last changed
	changed     time.Time
}

// names are the files of base.
type names struct {
	Required bool // they must be there; else only what is there must be right
	Sums     map[string]string
}

// names are read when their file is another one than last time: its looks are to cost the volume's time, not ours.
func (r *reader) names() names {
	st, err := os.Stat(namesPath(r.volume))
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return names{}
	case err != nil:
		panic(err)
	case st.ModTime().Equal(r.changed):
		return r.known
	}
	var now names
	if err := load(namesPath(r.volume), &now); err != nil {
		panic(err)
	}
	r.known, r.changed = now, st.ModTime()
	return now
}

func (r *reader) work(ctx context.Context) {
	m := &meter{rec: r.rec, volume: r.volume, kind: "listings", began: time.Now()}
	defer m.flush()
	tick := time.NewTicker(listEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		want := r.names()
		if len(want.Sums) == 0 {
			continue
		}
		began := time.Now()
		kind, text := r.look(want)
		if kind == "missed" && want.Required {
			// GlusterFS does not carry a listing that is under way over to another
			// brick: who lists sees an error, and lists again.
			again, _ := r.look(want)
			if again == "" {
				kind = "repeated"
			}
		}
		m.took(time.Since(began))
		// What nobody asks for any more is not missed.
		if kind == "lie" || kind == "repeated" || kind == "missed" && want.Required && r.names().Required {
			r.rec.add(r.volume, kind, 1, time.Since(began), text)
		}
	}
}

// look lists base and reads one of the files that it found.
func (r *reader) look(want names) (kind, text string) {
	entries, err := os.ReadDir(filepath.Join(r.dir, "base"))
	if err != nil {
		return "missed", err.Error()
	}
	var have []string
	for _, e := range entries {
		if _, ok := want.Sums[e.Name()]; ok {
			have = append(have, e.Name())
		}
	}
	if len(have) < len(want.Sums) {
		kind, text = "missed", fmt.Sprintf("%d of %d files are listed", len(have), len(want.Sums))
	}
	if len(have) == 0 {
		return kind, text
	}
	r.next++
	name := have[r.next%len(have)]
	b, err := os.ReadFile(filepath.Join(r.dir, "base", name))
	switch {
	case err != nil:
		return "missed", err.Error()
	case sum(b) != want.Sums[name]:
		return "lie", fmt.Sprintf("%s has contents that are not its own: %s", name, sum(b))
	}
	return kind, text
}

// pauseCmd prints what the writers know, by volume.
type pauseCmd struct {
	Volumes []string `arg:""`
	Resume  bool
}

// Run pauses the writers, or lets them go on.
func (c *pauseCmd) Run(ctx context.Context) error {
	if c.Resume {
		return os.Remove(pausePath) // the writers remove their own
	}
	if err := os.WriteFile(pausePath, nil, 0o644); err != nil {
		return err
	}
	out := map[string]map[string]state{}
	for _, v := range c.Volumes {
		for {
			if _, err := os.Stat(pausedPath(v)); err == nil {
				break
			}
			select {
			case <-ctx.Done():
				return context.Cause(ctx)
			case <-time.After(10 * time.Millisecond):
			}
		}
		states := map[string]state{}
		if err := load(statesPath(v), &states); err != nil {
			return err
		}
		out[v] = states
	}
	return json.NewEncoder(os.Stdout).Encode(out)
}
