package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
	"golang.org/x/sys/unix"
)

// The test binary is the program, too: stages run themselves.
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"stages": main})
}

func newRunner(t *testing.T) *runner {
	t.Helper()
	self, err := exec.LookPath("stages")
	if err != nil {
		t.Fatal(err)
	}
	cache := t.TempDir()
	if err := os.Mkdir(filepath.Join(cache, "logs"), 0o755); err != nil {
		t.Fatal(err)
	}
	return &runner{self: self, cache: cache}
}

// of is a stage of shell commands.
func of(commands ...string) stage {
	return stage{name: "some:stage", commands: func() ([]command, error) {
		var out []command
		for _, c := range commands {
			out = append(out, command{argv: []string{"bash", "-c", c}})
		}
		return out, nil
	}}
}

func TestAStageThatFailsSaysWhyAndHowToRepeatIt(t *testing.T) {
	r := newRunner(t)
	s := of("echo first; echo 'error: no luck'; exit 3", "echo second")
	var said bytes.Buffer
	say := &sayer{out: &said, runner: r}
	o := r.run(t.Context(), s)
	say.done(s, o)
	if o.OK {
		t.Error("it passed")
	}
	for _, want := range []string{"exit status 3", "| error: no luck", "| second", "again: hack/test install build images some:stage"} {
		if !strings.Contains(said.String(), want) {
			t.Errorf("it does not say %q:\n%s", want, said.String())
		}
	}
}

func TestProcessorTimeOfDaemonsCountsForTheirStage(t *testing.T) {
	r := newRunner(t)
	// A second of processor time by a process that leaves its parent and its session, and ends by itself.
	o := r.run(t.Context(), of(`setsid bash -c 'until ((SECONDS < 0)); do
		read -ra stat </proc/self/stat
		((stat[13] + stat[14] < 100)) || exit 0
	done' </dev/null >/dev/null 2>&1 & exit 0`))
	if !o.OK || o.Processor < 0.9 {
		t.Errorf("%+v, want at least a second of processor time", o)
	}
}

// gone says whether a process is gone; one that nobody reaps would stay.
func gone(pid int) bool { return unix.Kill(pid, 0) == unix.ESRCH }

// pidIn waits for a file that has the number of a process.
func pidIn(t *testing.T, file string) int {
	t.Helper()
	for {
		text, err := os.ReadFile(file)
		if pid, e := strconv.Atoi(strings.TrimSpace(string(text))); err == nil && e == nil {
			return pid
		}
		if t.Context().Err() != nil {
			t.Fatal(t.Context().Err())
		}
		time.Sleep(5 * time.Millisecond)
	}
}

func TestAnInterruptedStageLeavesNothingRunning(t *testing.T) {
	r := newRunner(t)
	file := filepath.Join(r.cache, "pid")
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	wg.Go(func() {
		o := r.run(ctx, of(fmt.Sprintf("setsid bash -c 'echo $$ >%s.new; mv %s.new %s; exec sleep infinity' & wait", file, file, file)))
		if o.OK {
			t.Error("it passed")
		}
	})
	pid := pidIn(t, file)
	cancel()
	wg.Wait()
	if !gone(pid) {
		t.Errorf("process %d of another session still runs", pid)
	}
}

// A runner that is killed cannot end anything itself.
func TestAKilledRunnerLeavesNothingRunning(t *testing.T) {
	r := newRunner(t)
	file := filepath.Join(r.cache, "pid")
	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(r.self, "reap", "bash", "-c", fmt.Sprintf("trap 'exit 0' TERM; (trap - TERM; echo $BASHPID >%s; exec sleep infinity) & wait", file))
	cmd.ExtraFiles = []*os.File{read}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	shut(read)
	pid := pidIn(t, file)
	shut(write) // what the kernel does when the runner dies
	_ = cmd.Wait()
	if !gone(pid) {
		t.Errorf("process %d still runs", pid)
	}
}

func TestStagesRunInTheirPlaces(t *testing.T) {
	named := func(name string, p place, fatal bool) stage { return stage{name: name, place: p, fatal: fatal} }
	stages := []stage{
		named("a", first, true), named("b", first, true), named("c1", computes, false), named("c2", computes, false),
		named("w1", waits, false), named("w2", waits, false), named("w3", waits, false), named("z", last, false),
	}
	for _, broken := range []string{"", "b"} {
		var mu sync.Mutex
		now, most := map[place]int{}, map[place]int{}
		var order []string
		runAll(t.Context(), stages, func(_ context.Context, s stage) outcome {
			mu.Lock()
			now[s.place]++
			most[s.place] = max(most[s.place], now[s.place])
			order = append(order, s.name)
			mu.Unlock()
			time.Sleep(time.Millisecond)
			mu.Lock()
			if s.place == last && now[waits] > 1 {
				t.Errorf("beside the last one: %v", now)
			}
			now[s.place]--
			mu.Unlock()
			return outcome{Name: s.name, OK: s.name != broken}
		}, func(stage) {}, func(stage, outcome) {})
		if broken != "" {
			if got := strings.Join(order, " "); got != "a b" {
				t.Errorf("after a failure of %s: %s", broken, got)
			}
			continue
		}
		if order[0] != "a" || order[1] != "b" || len(order) != len(stages) {
			t.Errorf("order: %v", order)
		}
		if most[first] != 1 || most[computes] != 1 || most[waits] > waiting || most[last] != 1 {
			t.Errorf("at once: %v", most)
		}
	}
}

func TestWrongNamesOfStagesAreSaid(t *testing.T) {
	t.Chdir("../..")
	for name, want := range map[string]string{
		"untt":                 "no stage untt; there are: install ",
		"molecule:ache:trixie": "no scenario ache",
	} {
		if _, err := chosen(table(), []string{name}, false); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", name, err, want)
		}
	}
	some, err := chosen(table(), []string{"molecule:web:trixie", "build"}, false)
	if err != nil || strings.Join(stageNames(some), " ") != "build molecule:web:trixie" {
		t.Errorf("%v, %v", stageNames(some), err)
	}
	all, err := chosen(table(), nil, true)
	if err != nil || len(all) != len(table()) {
		t.Errorf("%d of %d stages, %v", len(all), len(table()), err)
	}
}

func TestTheLogsOfDaemonsAreNotAmongWhatATestSays(t *testing.T) {
	got := essential([]string{
		"=== RUN   TestX\n", "    x_test.go:7: it is not so:\n", "        why\n", "    lab.go:190: n1: the end of glusterd.log:\n", "        [2026] E nothing\n",
		"    lab_test.go:70: log of the exporter on n2:\n", "        time=2026\n", "    x_test.go:9: nor so\n", "--- FAIL: TestX (0.01s)\n",
	})
	want := []string{"    x_test.go:7: it is not so:\n", "        why\n", "    x_test.go:9: nor so\n", "--- FAIL: TestX (0.01s)\n"}
	if !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}

func TestWhatAnInstallationStartsMayGoOn(t *testing.T) {
	r := newRunner(t)
	file := filepath.Join(r.cache, "pid")
	s := of(fmt.Sprintf("setsid bash -c 'echo $$ >%s.new; mv %s.new %s; exec sleep 3600' </dev/null >/dev/null 2>&1 & exit 0", file, file, file))
	s.leaves = true
	o := r.run(t.Context(), s)
	pid := pidIn(t, file)
	if err := unix.Kill(pid, unix.SIGKILL); err != nil || !o.OK {
		t.Errorf("%+v; process %d: %v", o, pid, err)
	}
}

func TestAStageThatLeavesSomethingRunningFailsAndNamesIt(t *testing.T) {
	r := newRunner(t)
	r.patience = 50 * time.Millisecond
	file := filepath.Join(r.cache, "pid")
	s := of(fmt.Sprintf("setsid bash -c 'echo $$ >%s.new; mv %s.new %s; exec sleep 3600' </dev/null >/dev/null 2>&1 & until [[ -e %s ]]; do :; done", file, file, file, file))
	var said bytes.Buffer
	o := r.run(t.Context(), s)
	(&sayer{out: &said, runner: r}).done(s, o)
	pid := pidIn(t, file)
	if err := unix.Kill(pid, unix.SIGKILL); err != nil {
		t.Error(err)
	}
	if want := fmt.Sprintf("%d sleep 3600", pid); o.OK || !strings.Contains(said.String(), want) {
		t.Errorf("OK is %t, want a failure that names %q:\n%s", o.OK, want, said.String())
	}
}
