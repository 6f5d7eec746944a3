package bench

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/moby/sys/mountinfo"
)

func TestRunMeasuresEveryOperationOfEveryFile(t *testing.T) {
	paths := dirs(t, 2)
	cfg := small(paths...)
	cfg.Fsync, cfg.DropCache = true, true
	result, err := run(t.Context(), cfg, &faked{}, time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	if !result.Complete || len(result.Paths) != 2 || len(result.Comparisons) != 1 {
		t.Fatalf("result %+v", result)
	}
	for _, p := range result.Paths {
		if len(p.RoundSeconds) != cfg.Rounds || p.AverageRoundSeconds <= 0 {
			t.Errorf("%s: rounds %v, average %v", p.Path, p.RoundSeconds, p.AverageRoundSeconds)
		}
		var names []string
		for _, o := range p.Operations {
			names = append(names, o.Operation)
			if o.Count != int64(cfg.Count*cfg.Rounds) {
				t.Errorf("%s of %s: %d times", o.Operation, p.Path, o.Count)
			}
			if o.P50Seconds > o.P90Seconds || o.P90Seconds > o.P99Seconds || o.P99Seconds > o.MaxSeconds || o.MeanSeconds > o.MaxSeconds {
				t.Errorf("%s of %s is out of order: %+v", o.Operation, p.Path, o)
			}
		}
		if got, want := strings.Join(names, " "), "create write fsync close open read remove"; got != want {
			t.Errorf("operations %q, want %q", got, want)
		}
		if p.MountPoint == "" || p.FileSystemType == "" || p.FreeBytes == 0 {
			t.Errorf("what is mounted is missing: %+v", p)
		}
	}
	if len(result.Warnings) != 1 || !strings.Contains(result.Warnings[0], "same file system") {
		t.Errorf("warnings %q", result.Warnings)
	}
	mustBeEmpty(t, paths...)
}

func TestPathsTakeTurnsGoingFirst(t *testing.T) {
	paths := dirs(t, 2)
	var order []string
	m := &faked{create: func(name string) error {
		if p := filepath.Dir(filepath.Dir(name)); len(order) == 0 || order[len(order)-1] != p {
			order = append(order, p)
		}
		return nil
	}}
	if _, err := run(t.Context(), small(paths...), m, time.Minute); err != nil {
		t.Fatal(err)
	}
	a, b := paths[0], paths[1]
	// Rounds: A B, B A, A B, B A; the path that ends a round starts the next.
	if got, want := strings.Join(order, " "), strings.Join([]string{a, b, a, b, a}, " "); got != want {
		t.Errorf("order %s\nwant  %s", got, want)
	}
}

func TestWhatCannotBeMeasuredIsRefused(t *testing.T) {
	dir := t.TempDir()
	link := filepath.Join(t.TempDir(), "link")
	if err := os.Symlink(dir, link); err != nil {
		t.Fatal(err)
	}
	plain := filepath.Join(t.TempDir(), "plain")
	if err := os.WriteFile(plain, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	full := &faked{free: func() uint64 { return 15_000 }}
	tests := []struct {
		name    string
		config  Config
		machine machine
		want    string
	}{
		{"no path", small(), &faked{}, "no path: name at least one directory"},
		{"no bytes", Config{Paths: []string{dir}, Count: 1, Rounds: 1}, &faked{}, "--size 0: must be from 1 to 1073741824 bytes"},
		{"no files", Config{Paths: []string{dir}, Size: 1, Rounds: 1}, &faked{}, "--count 0: must be at least 1"},
		{"negative rounds", Config{Paths: []string{dir}, Size: 1, Count: 1, Rounds: -1}, &faked{}, "--rounds -1: must be at least 1"},
		{"a path that is not there", small("/nowhere"), &faked{}, "stat /nowhere: no such file or directory"},
		{"a path that is a file", small(plain), &faked{}, plain + " is not a directory"},
		{"the same path twice", small(dir, dir), &faked{}, dir + " and " + dir + " are the same directory: name each path once"},
		{"the same path through a link", small(dir, link), &faked{}, dir + " and " + link + " are the same directory: name each path once"},
		{"a full file system", small(dir), full, dir + " has 15 kB free, the benchmark needs 20 kB (twice --size): make room or lower --size"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			result, err := run(t.Context(), tt.config, tt.machine, time.Minute)
			if err == nil || err.Error() != tt.want {
				t.Errorf("error %v\nwant  %s", err, tt.want)
			}
			if result.Complete {
				t.Error("marked complete")
			}
		})
	}
	mustBeEmpty(t, dir)
}

func TestAFileThatReadsBackDifferentlyIsAnErrorThatNamesPathFileAndOffset(t *testing.T) {
	tests := []struct {
		name   string
		change func([]byte) []byte
		offset int64
		detail string
	}{
		{"a flipped byte", func(b []byte) []byte { b[5000] ^= 1; return b }, 5000, "wrote "},
		{"a short file", func(b []byte) []byte { return b[:4096] }, 4096, "the file ends here instead of at byte 10000"},
		{"an empty file", func([]byte) []byte { return nil }, 0, "the file ends here instead of at byte 10000"},
		{"a long file", func(b []byte) []byte { return append(b, 'x') }, 10000, "the file goes on where it should end"},
		{"the page of another file", func(b []byte) []byte { stamp(b[4096:8192], 0); return b }, 4111, "wrote "},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			dir := t.TempDir()
			m := &faked{wrap: func(name string, f file) file {
				if strings.HasSuffix(name, "file-000002") {
					return &readAs{file: f, change: tt.change}
				}
				return f
			}}
			result, err := run(t.Context(), small(dir), m, time.Minute)
			var corrupt *CorruptError
			if !errors.As(err, &corrupt) {
				t.Fatalf("error %v", err)
			}
			want := ".gluster-setup-bench-web1-" + strconv.Itoa(os.Getpid()) + "/file-000002"
			if corrupt.Path != dir || corrupt.File != want || corrupt.Offset != tt.offset || !strings.HasPrefix(corrupt.Detail, tt.detail) {
				t.Errorf("error %#v", corrupt)
			}
			if result.Complete {
				t.Error("marked complete")
			}
			mustBeEmpty(t, dir)
		})
	}
}

func TestACancelledRunReturnsWhatItHasAndCleansUp(t *testing.T) {
	paths := dirs(t, 2)
	ctx, cancel := context.WithCancel(t.Context())
	creates := 0
	m := &faked{create: func(string) error {
		// Round 1 on both paths and one file of round 2.
		if creates++; creates == 8 {
			cancel()
		}
		return nil
	}}
	result, err := run(ctx, small(paths...), m, time.Minute)
	if !errors.Is(err, context.Canceled) || !strings.Contains(err.Error(), "round 2 of 4 on "+paths[1]) {
		t.Errorf("error %v", err)
	}
	if result.Complete || len(result.Paths) != 2 || len(result.Paths[0].RoundSeconds) != 1 || len(result.Paths[1].RoundSeconds) != 1 {
		t.Errorf("result %+v", result)
	}
	if len(result.Comparisons) != 1 || result.Comparisons[0].Rounds != 1 {
		t.Errorf("comparisons %+v", result.Comparisons)
	}
	mustBeEmpty(t, paths...)
}

func TestAFailedOperationEndsTheRunAndCleansUp(t *testing.T) {
	paths := dirs(t, 2)
	m := &faked{create: func(name string) error {
		if strings.HasPrefix(name, paths[1]) {
			return &os.PathError{Op: "open", Path: name, Err: errors.New("transport endpoint is not connected")}
		}
		return nil
	}}
	result, err := run(t.Context(), small(paths...), m, time.Minute)
	if err == nil || !strings.HasPrefix(err.Error(), "round 1 of 4 on "+paths[1]+": open ") {
		t.Errorf("error %v", err)
	}
	if result.Complete || len(result.Paths[0].RoundSeconds) != 1 {
		t.Errorf("result %+v", result)
	}
	mustBeEmpty(t, paths...)
}

func TestAHangingFileSystemDoesNotHoldUpCtrlC(t *testing.T) {
	dir := t.TempDir()
	ctx, cancel := context.WithCancel(t.Context())
	release, ended := make(chan struct{}), sync.WaitGroup{}
	ended.Add(1)
	m := &faked{create: func(string) error {
		defer ended.Done()
		cancel()
		<-release
		return errors.New("released")
	}}
	_, err := run(ctx, small(dir), m, time.Millisecond)
	if !errors.Is(err, context.Canceled) || !strings.Contains(err.Error(), "has not answered") {
		t.Errorf("error %v", err)
	}
	close(release)
	ended.Wait()
	for end := time.Now().Add(5 * time.Minute); time.Now().Before(end); time.Sleep(time.Millisecond) { // the abandoned goroutine removes its directory
		if entries, _ := os.ReadDir(dir); len(entries) == 0 {
			return
		}
	}
	t.Error("the directory was not removed once the file system answered")
}

func TestLeftoversOfDeadRunsOfThisHostAreRemoved(t *testing.T) {
	const (
		dead    = ".gluster-setup-bench-web1-4000001"
		running = ".gluster-setup-bench-web1-4000002"
		foreign = ".gluster-setup-bench-web2-4000001"
		other   = ".gluster-setup-bench-web1-old"
	)
	ours := ".gluster-setup-bench-web1-" + strconv.Itoa(os.Getpid())
	path := t.TempDir()
	for _, name := range []string{dead, running, foreign, other, ours} {
		if err := os.Mkdir(filepath.Join(path, name), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(path, name, "file-000017"), []byte("x"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	m := &faked{alive: func(pid int) bool { return pid == 4000002 || pid == os.Getpid() }}
	result, err := run(t.Context(), small(path), m, time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	notes := strings.Join(result.Notes, "\n")
	for _, name := range []string{dead, ours} {
		if _, err := os.Stat(filepath.Join(path, name)); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("%s: %v", name, err)
		}
		if !strings.Contains(notes, filepath.Join(path, name)) {
			t.Errorf("no note about %s in %q", name, notes)
		}
	}
	for _, name := range []string{running, foreign, other} {
		if _, err := os.Stat(filepath.Join(path, name, "file-000017")); err != nil {
			t.Error(err)
		}
	}
}

func TestALeftoverWithSomebodyElsesFileIsNotRemoved(t *testing.T) {
	path := t.TempDir()
	dir := filepath.Join(path, ".gluster-setup-bench-web1-4000001")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "thesis.txt"), []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := run(t.Context(), small(path), &faked{alive: func(int) bool { return false }}, time.Minute)
	want := "remove what a former run left: " + dir + " holds thesis.txt, which is not the benchmark's: remove it yourself"
	if err == nil || err.Error() != want {
		t.Errorf("error %v\nwant  %s", err, want)
	}
}

func TestTwoMountsOfOneVolumeAreTheSameFileSystem(t *testing.T) {
	paths := dirs(t, 2)
	m := &faked{mounts: []*mountinfo.Info{
		{Mountpoint: "/", FSType: "ext4", Source: "/dev/vda1"},
		{Mountpoint: "/cache_client", FSType: "fuse.glusterfs", Source: "cache1:/old"},
		{Mountpoint: "/cache_client", FSType: "fuse.glusterfs", Source: "cache1:/server"},
	}}
	result, err := run(t.Context(), small(paths...), m, time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	if p := result.Paths[0]; p.Source != "cache1:/server" || p.MountPoint != "/cache_client" {
		t.Errorf("mount %+v", p)
	}
	if len(result.Warnings) != 1 || !strings.Contains(result.Warnings[0], "(fuse.glusterfs on /cache_client)") {
		t.Errorf("warnings %q", result.Warnings)
	}
}

func TestTheProgressBarIsDrawnOnlyOnATerminal(t *testing.T) {
	for _, terminal := range []bool{true, false} {
		var drawn bytes.Buffer
		cfg := small(t.TempDir())
		cfg.Progress, cfg.Terminal = &drawn, terminal
		if _, err := run(t.Context(), cfg, &faked{}, time.Minute); err != nil {
			t.Fatal(err)
		}
		if got := strings.Contains(drawn.String(), "round 1 of 4"); got != terminal {
			t.Errorf("terminal %v: drew %q", terminal, drawn.String())
		}
	}
}
