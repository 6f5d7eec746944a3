package probe

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	dto "github.com/prometheus/client_model/go"
	"golang.org/x/sys/unix"
)

// long is how long a test waits for anything, and the timeout of probes where no mount is to hang: only what fails takes so long.
const long = 5 * time.Minute

// running is a prober under test.
type running struct {
	*Prober
	t        *testing.T
	registry *prometheus.Registry
	stop     func() // ends it and waits
}

func run(t *testing.T, cfg Config) *running {
	t.Helper()
	cfg.Timeout = cmp.Or(cfg.Timeout, long)
	r := &running{Prober: New(cfg, slog.New(slog.NewTextHandler(t.Output(), nil))), t: t, registry: prometheus.NewPedanticRegistry()}
	r.registry.MustRegister(r)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		r.Run(ctx)
	}()
	r.stop = func() {
		cancel()
		<-ended
	}
	t.Cleanup(r.stop)
	return r
}

// value returns what a series is now, and -1 where there is none.
func (r *running) value(name string, labels ...string) float64 {
	r.t.Helper()
	families, err := r.registry.Gather()
	if err != nil {
		r.t.Fatal(err)
	}
	for _, f := range families {
		if f.GetName() != name {
			continue
		}
		for _, m := range f.GetMetric() {
			if !matches(m, labels) {
				continue
			}
			switch {
			case m.GetHistogram() != nil:
				return float64(m.GetHistogram().GetSampleCount())
			case m.GetCounter() != nil:
				return m.GetCounter().GetValue()
			}
			return m.GetGauge().GetValue()
		}
	}
	return -1
}

// native reports whether a family has native histograms with observations, beside the classic ones.
func (r *running) native(name string) bool {
	r.t.Helper()
	families, err := r.registry.Gather()
	if err != nil {
		r.t.Fatal(err)
	}
	for _, f := range families {
		if f.GetName() == name {
			h := f.GetMetric()[0].GetHistogram()
			return len(h.GetPositiveSpan()) > 0 && len(h.GetBucket()) > 0
		}
	}
	return false
}

func matches(m *dto.Metric, labels []string) bool {
	has := map[string]bool{}
	for _, l := range m.GetLabel() {
		has[l.GetName()+"="+l.GetValue()] = true
	}
	for _, l := range labels {
		if !has[l] {
			return false
		}
	}
	return true
}

func (r *running) until(what string, done func() bool) {
	r.t.Helper()
	for began := time.Now(); !done(); time.Sleep(10 * time.Millisecond) {
		if time.Since(began) > long {
			r.t.Fatalf("in vain: %s", what)
		}
	}
}

func (r *running) errors(class string) float64 {
	return r.value("gluster_probe_errors_total", "class="+class)
}

// fakeMount is a directory that a mount table calls a GlusterFS mount.
func fakeMount(t *testing.T) (path, table string) {
	t.Helper()
	dir := t.TempDir()
	path, table = filepath.Join(dir, "client"), filepath.Join(dir, "mountinfo")
	if err := os.Mkdir(path, 0o755); err != nil {
		t.Fatal(err)
	}
	var st unix.Stat_t
	if err := unix.Stat(path, &st); err != nil {
		t.Fatal(err)
	}
	writeTable(t, table, tableLine(path, st.Dev, "server1:/web"))
	return path, table
}

func tableLine(path string, device uint64, source string) string {
	return fmt.Sprintf("40 1 %d:%d / %s rw,relatime - fuse.glusterfs %s rw\n", unix.Major(device), unix.Minor(device), path, source)
}

func writeTable(t *testing.T, table, text string) {
	t.Helper()
	if err := os.WriteFile(table+".new", []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(table+".new", table); err != nil {
		t.Fatal(err)
	}
}

func entries(t *testing.T, path string) []string {
	t.Helper()
	list, err := os.ReadDir(path)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range list {
		names = append(names, e.Name())
	}
	return names
}

func TestAMountIsProbedAndLeftClean(t *testing.T) {
	path, table := fakeMount(t)
	begun := time.Now()
	cfg := Config{Mounts: []string{path + "/"}, MountInfo: table, Interval: 50 * time.Millisecond, Node: "cache1"}
	r := run(t, cfg)
	r.until("success", func() bool { return r.value("gluster_probe_success", "volume=web", "mountpoint="+path) == 1 })
	r.until("a beacon", func() bool {
		for _, name := range entries(t, filepath.Join(path, hiddenName)) {
			if strings.HasPrefix(name, prefix("cache1", path)) && strings.HasSuffix(name, beaconSuffix) {
				return true
			}
		}
		return false
	})
	r.until("five probes of each size", func() bool {
		for _, size := range []string{"4096", "1000000"} {
			if r.value("gluster_probe_operation_duration_seconds", "operation=remove", "size="+size) < 5 {
				return false
			}
		}
		return true
	})
	for _, class := range classes() {
		if n := r.errors(class); n != 0 {
			t.Errorf("%v errors of class %s", n, class)
		}
	}
	if last := r.value("gluster_probe_last_success_timestamp_seconds"); last < float64(begun.Unix()) || last > float64(time.Now().Unix()+1) {
		t.Errorf("last success at %f", last)
	}
	if !r.native("gluster_probe_operation_duration_seconds") {
		t.Error("no native histogram")
	}
	if problems, err := testutil.GatherAndLint(r.registry); err != nil || len(problems) != 0 {
		t.Errorf("promlint: %v, %v", problems, err)
	}
	// A child that a busy machine keeps from its work is killed before it has removed its files, and the next start removes them.
	for {
		ending := time.Now()
		r.stop()
		left := entries(t, path)
		if len(left) == 0 {
			break
		}
		if took := time.Since(ending); took < endGrace || time.Since(begun) > long {
			t.Fatalf("left, after %s: %q", took, left)
		}
		r = run(t, cfg)
		r.until("success once more", func() bool { return r.value("gluster_probe_success", "volume=web") == 1 })
	}
	if c := probeChildren(t); len(c) != 0 {
		t.Errorf("children %v", c)
	}
}

func TestNothingIsWrittenWhereTheVolumeIsNotMounted(t *testing.T) {
	path, table := fakeMount(t)
	var st unix.Stat_t
	if err := unix.Stat(path, &st); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		"nothing mounted":                           "",
		"another file system":                       strings.Replace(tableLine(path, st.Dev, "tmpfs"), "fuse.glusterfs", "tmpfs", 1),
		"hidden by or gone since, the device tells": tableLine(path, st.Dev+1, "server1:/web"),
	} {
		t.Run(name, func(t *testing.T) {
			writeTable(t, table, text)
			r := run(t, Config{Mounts: []string{path}, MountInfo: table, Interval: 50 * time.Millisecond})
			r.until("not_mounted", func() bool { return r.errors(classNotMounted) >= 3 })
			if s := r.value("gluster_probe_success"); s != 0 {
				t.Errorf("success %v", s)
			}
			r.stop()
			if left := entries(t, path); len(left) != 0 {
				t.Errorf("written: %q", left)
			}
		})
	}
}

func TestAnotherVolumeStartsAnew(t *testing.T) {
	path, table := fakeMount(t)
	r := run(t, Config{Mounts: []string{path}, MountInfo: table, Interval: 50 * time.Millisecond})
	r.until("success", func() bool { return r.value("gluster_probe_success", "volume=web") == 1 })
	var st unix.Stat_t
	if err := unix.Stat(path, &st); err != nil {
		t.Fatal(err)
	}
	writeTable(t, table, tableLine(path, st.Dev, "server1:/mail/sub"))
	r.until("success of the other", func() bool { return r.value("gluster_probe_success", "volume=mail") == 1 })
	if n := r.value("gluster_probe_operation_duration_seconds", "volume=web"); n != -1 {
		t.Errorf("the former volume still has %v operations", n)
	}
}

func TestAMountThatNeverAnswersIsStuckWithOneChildAtMost(t *testing.T) {
	for name, reads := range map[string]bool{"requests stay in the queue": false, "requests are taken and the child cannot be killed": true} {
		t.Run(name, func(t *testing.T) {
			path, end := silentMount(t, reads)
			files, routines := descriptors(t), runtime.NumGoroutine()
			r := run(t, Config{Mounts: []string{path}, Interval: 50 * time.Millisecond, Timeout: 300 * time.Millisecond})
			r.until("stuck", func() bool { return r.value("gluster_probe_stuck_seconds", "volume=silent") > 0 })
			last := 0.0
			seen := map[string]bool{}
			r.until("errors of class stuck again and again", func() bool {
				children := probeChildren(t)
				if len(children) > 1 {
					t.Errorf("children %v", children)
				}
				for _, c := range children {
					seen[c] = true
				}
				stuck := r.value("gluster_probe_stuck_seconds")
				if stuck <= last {
					t.Errorf("stuck for %f s after %f s", stuck, last)
				}
				last = stuck
				if s := r.value("gluster_probe_success"); s != 0 {
					t.Errorf("success %v", s)
				}
				return r.errors(classStuck) >= 8
			})
			if reads && len(seen) != 1 {
				t.Errorf("children that cannot be killed: %v", seen)
			}
			// A child has three pipes or fewer, and a process descriptor; its listener is one goroutine.
			if now := descriptors(t); now > files+8 {
				t.Errorf("%d descriptors after %d", now, files)
			}
			if now := runtime.NumGoroutine(); now > routines+8 {
				t.Errorf("%d goroutines after %d", now, routines)
			}
			began := time.Now()
			r.stop()
			// A child that cannot end would be waited for without an end.
			if took := time.Since(began); took > stopGrace+killPatience+long {
				t.Errorf("stopping took %s", took)
			}
			end()
			r.until("no child", func() bool { return len(probeChildren(t)) == 0 })
			r.until("no goroutine", func() bool { return runtime.NumGoroutine() <= routines })
		})
	}
}

func TestChildrenThatCannotStartOrEndAreErrors(t *testing.T) {
	path, table := fakeMount(t)
	for name, program := range map[string]string{"missing": "/nonexistent", "ends": "/bin/true", "says nonsense": "/bin/echo"} {
		t.Run(name, func(t *testing.T) {
			files := descriptors(t)
			r := run(t, Config{Mounts: []string{path}, MountInfo: table, Interval: 20 * time.Millisecond, Executable: program})
			r.until("errors", func() bool { return r.errors(classOther) >= 20 })
			r.stop()
			if now := descriptors(t); now > files+2 {
				t.Errorf("%d descriptors after %d", now, files)
			}
		})
	}
}
