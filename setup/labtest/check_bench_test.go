package labtest_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"brickyard/internal/lab"
)

// checkFilesEnv says on how many files BenchmarkCheck and BenchmarkResync run.
const checkFilesEnv = "CHECK_FILES"

// BenchmarkCheck compares two bricks with many files, a thousand a directory and 4 KB each, and measures what a client of the volume feels meanwhile:
// one round is to create a file of 4 KB, read it, stat it and remove it.
func BenchmarkCheck(b *testing.B) {
	files := checkFiles(b)
	s := newSite(b, lab.Options{Nodes: 2, Clients: 1, Names: names(3), Size: "6g"}, clusterFile(2, 1, 2))
	for i, o := range s.everywhere(s.Nodes(), "apply") {
		o.check(b, s.Node(i).Name+" apply", 0)
	}
	client := s.Node(2)
	s.connected(client, s.Nodes()[:2])
	fill(b, client.Path("/client"), files)
	for _, way := range []struct {
		name string
		args []string
	}{
		{"no check", nil},
		{"check", []string{}},
		{"check --rate 0", []string{"--rate", "0"}},
		{"check --content", []string{"--content"}},
		{"check --rate 0 --content --bandwidth 0", []string{"--rate", "0", "--content", "--bandwidth", "0"}},
	} {
		b.Run(strings.ReplaceAll(way.name, " ", "_"), func(b *testing.B) {
			for b.Loop() {
				s.measure(b, client, way.args)
			}
			b.ReportMetric(0, "ns/op")
		})
	}
}

// checkFiles is on how many files to measure.
func checkFiles(b *testing.B) int {
	b.Helper()
	text := os.Getenv(checkFilesEnv)
	if text == "" {
		return 10000
	}
	files, err := strconv.Atoi(text)
	if err != nil {
		b.Fatal(err)
	}
	return files
}

// fill writes files by several hands.
func fill(b *testing.B, dir string, files int) {
	b.Helper()
	text := bytes.Repeat([]byte("text "), 820)[:4096]
	var hands sync.WaitGroup
	for hand := range 8 {
		hands.Go(func() {
			for i := hand; i < files; i += 8 {
				in := filepath.Join(dir, fmt.Sprintf("d%d", i/1000))
				if err := errors.Join(os.MkdirAll(in, 0o755), os.WriteFile(filepath.Join(in, fmt.Sprintf("f%d", i)), text, 0o644)); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	hands.Wait()
}

// alone is how long the client is measured without a check.
const alone = 15 * time.Second

// measure runs a check, or none, beside a client.
func (s *site) measure(b *testing.B, client *lab.Node, args []string) {
	b.Helper()
	ctx, stop := context.WithCancel(b.Context())
	var rounds []float64
	var watching sync.WaitGroup
	watching.Go(func() { rounds = feel(ctx, b, client.Path("/client/probe")) })
	server := s.Node(0)
	memory := map[string]int{}
	watching.Go(func() { peaks(ctx, server.Path("/proc"), memory) })
	before, began := s.brickTime(b), time.Now()
	if args == nil {
		time.Sleep(alone)
	} else {
		var out bytes.Buffer
		cmd := server.Command(b.Context(), slices.Concat([]string{os.Getenv(program), "check", "-f", s.file}, args)...)
		cmd.Stdout, cmd.Stderr = &out, &out
		if err := cmd.Run(); err != nil {
			b.Fatalf("%v\n%s", err, out.Bytes())
		}
		b.Log(strings.TrimSpace(out.String()))
		_, text, _ := strings.Cut(out.String(), "compared ")
		entries, err := strconv.Atoi(strings.ReplaceAll(strings.Fields(text)[0], ",", ""))
		if err != nil {
			b.Fatal(err)
		}
		b.ReportMetric(float64(entries), "entries")
		b.ReportMetric(float64(entries)/time.Since(began).Seconds(), "entries/s")
		b.ReportMetric(processorTime(cmd).Seconds(), "cpu-s")
	}
	b.ReportMetric(time.Since(began).Seconds(), "s")
	b.ReportMetric(s.brickTime(b)-before, "bricks-cpu-s")
	stop()
	watching.Wait()
	b.ReportMetric(float64(memory["gluster-setup"])/1024, "MiB-peak")
	b.ReportMetric(float64(memory["glusterfs"])/1024, "MiB-peak-client")
	slices.Sort(rounds)
	if len(rounds) == 0 {
		b.Fatal("the client did nothing")
	}
	b.ReportMetric(rounds[len(rounds)/2], "client-ms-median")
	b.ReportMetric(rounds[len(rounds)*99/100], "client-ms-p99")
}

// feel does what clients do until the context ends, with pauses, and returns how long each round took in milliseconds.
func feel(ctx context.Context, b *testing.B, path string) (rounds []float64) {
	text := bytes.Repeat([]byte("x"), 4096)
	for i := 0; ctx.Err() == nil; i++ {
		file := fmt.Sprintf("%s%d", path, i)
		began := time.Now()
		err := os.WriteFile(file, text, 0o644)
		got, rerr := os.ReadFile(file)
		_, serr := os.Stat(file)
		if err := errors.Join(err, rerr, serr, os.Remove(file)); err != nil || !bytes.Equal(got, text) {
			b.Errorf("read %d bytes, %v", len(got), err)
			return rounds
		}
		rounds = append(rounds, float64(time.Since(began).Microseconds())/1000)
		time.Sleep(20 * time.Millisecond)
	}
	return rounds
}

// peaks notes the most memory of a check and of one of its clients in KiB, as the kernel remembers it.
func peaks(ctx context.Context, proc string, memory map[string]int) {
	for ; ctx.Err() == nil; time.Sleep(200 * time.Millisecond) {
		lines, err := filepath.Glob(proc + "/[0-9]*/cmdline")
		if err != nil {
			return
		}
		for _, path := range lines {
			line, err := os.ReadFile(path)
			if err != nil || !bytes.Contains(line, []byte("\x00check\x00")) && !bytes.Contains(line, []byte("/run/brickyard/check/")) {
				continue
			}
			status, err := os.ReadFile(filepath.Join(filepath.Dir(path), "status"))
			if err != nil {
				continue
			}
			var name string
			var kib int
			for l := range strings.Lines(string(status)) {
				switch key, value, _ := strings.Cut(l, ":"); key {
				case "Name":
					name = strings.TrimSpace(value)
				case "VmHWM":
					_, _ = fmt.Sscan(value, &kib) //nolint:errcheck // 0 is no peak
				}
			}
			memory[name] = max(memory[name], kib)
		}
	}
}

// brickTime is the processor time of all bricks so far, in seconds.
func (s *site) brickTime(b *testing.B) (sum float64) {
	b.Helper()
	for _, n := range s.Nodes()[:2] {
		lines, err := filepath.Glob(n.Path("/proc") + "/[0-9]*/cmdline")
		if err != nil {
			b.Fatal(err)
		}
		for _, path := range lines {
			line, err := os.ReadFile(path)
			if err != nil || !bytes.Contains(line, []byte("glusterfsd\x00")) {
				continue
			}
			stat, err := os.ReadFile(filepath.Join(filepath.Dir(path), "stat"))
			if err != nil {
				b.Fatal(err)
			}
			_, rest, _ := strings.Cut(string(stat), ") ")
			fields := strings.Fields(rest)
			for _, f := range fields[11:13] { // utime and stime, in hundredths of a second
				ticks, err := strconv.Atoi(f)
				if err != nil {
					b.Fatal(err)
				}
				sum += float64(ticks) / 100
			}
		}
	}
	return sum
}
