package writer

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"brickyard/setup/change"
)

// child is the environment variable that makes this test program a holder of the locks in a directory.
const child = "WRITER_TEST_DIRECTORY"

func TestMain(m *testing.M) {
	if dir := os.Getenv(child); dir != "" {
		release, err := New(dir, "recover").Take(context.Background(), nil)
		if err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
		fmt.Println("has it")
		time.Sleep(time.Hour) // it is killed
		release()
	}
	os.Exit(m.Run())
}

// holder starts another process that writes.
func holder(t *testing.T, dir string) *exec.Cmd {
	t.Helper()
	cmd := exec.Command(os.Args[0]) //nolint:gosec,noctx // this program; the test ends it
	cmd.Env = append(os.Environ(), child+"="+dir)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _, _ = cmd.Process.Kill(), cmd.Wait() })
	said := make([]byte, len("has it"))
	if _, err := out.Read(said); err != nil || string(said) != "has it" {
		t.Fatalf("the other process said %q: %v", said, err)
	}
	return cmd
}

func TestAHolderThatHangsIsNamedAndOneThatDiedBlocksNobody(t *testing.T) {
	t.Parallel()
	dir := t.TempDir() + "/run"
	other := holder(t, dir)
	ctx, cancel := context.WithCancelCause(t.Context())
	var told Holder
	_, err := New(dir, "apply").Take(ctx, func(h Holder, _ time.Duration) {
		told = h
		cancel(change.ErrDeadline)
	})
	held, ok := errors.AsType[*HeldError](err)
	if !ok || held.Holder.PID != other.Process.Pid || !errors.Is(err, change.ErrDeadline) || told != held.Holder {
		t.Fatalf("error %v, told %v", err, told)
	}
	for _, words := range []string{fmt.Sprintf("gluster-setup recover (process %d, at work since 20", other.Process.Pid), fmt.Sprintf("(kill %d)", other.Process.Pid), dir + "/node.lock"} {
		if !strings.Contains(err.Error(), words) {
			t.Errorf("error %q does not say %q", err, words)
		}
	}
	if err := other.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	release, err := New(dir, "apply").Take(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	release()
}

func TestOneWriterAtATimeAndNobodyStarves(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	var writing atomic.Int32
	var wg sync.WaitGroup
	turn := func(w *Writer) {
		release, err := w.Take(t.Context(), nil)
		if err != nil {
			t.Error(err)
			return
		}
		if n := writing.Add(1); n != 1 {
			t.Errorf("%d write at once", n)
		}
		time.Sleep(time.Millisecond)
		writing.Add(-1)
		release()
	}
	// The greedy one makes one change after the other, without a pause, until the modest one has had ten turns.
	done := make(chan struct{})
	wg.Go(func() {
		for w := New(dir, "apply"); ; {
			turn(w)
			select {
			case <-done:
				return
			default:
			}
		}
	})
	wg.Go(func() {
		defer close(done)
		for w, i := New(dir, "recover"), 0; i < 10; i++ {
			turn(w)
		}
	})
	wg.Wait()
}

func TestWhoHasJustWrittenQueuesBehindWhoWaits(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	first, second := New(dir, "apply"), New(dir, "recover")
	release, err := first.Take(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	waits := make(chan struct{})
	var once sync.Once
	var order []string
	var mu sync.Mutex
	took := func(who string) {
		mu.Lock()
		defer mu.Unlock()
		order = append(order, who)
	}
	var wg sync.WaitGroup
	wg.Go(func() {
		release, err := second.Take(t.Context(), func(Holder, time.Duration) { once.Do(func() { close(waits) }) })
		if err != nil {
			t.Error(err)
			return
		}
		took("recover")
		release()
	})
	<-waits
	release()
	release, err = first.Take(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	took("apply")
	release()
	wg.Wait()
	if strings.Join(order, " ") != "recover apply" {
		t.Errorf("order %v", order)
	}
}

func TestAGuardWritesWhileUnitsStartAndNeverAtTheSameTime(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	apply, guard := New(dir, "apply"), New(dir, "guard")
	release, err := apply.Take(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer release()
	soon, cancel := context.WithTimeout(t.Context(), 10*between)
	defer cancel()
	if _, err := guard.Guard(soon, nil); !errors.As(err, new(*HeldError)) {
		t.Errorf("a guard beside one who writes: %v", err)
	}
	err = apply.Lend(t.Context(), func() error {
		free, err := guard.Guard(t.Context(), nil) // as glusterd's unit has it, for which f waits
		if err != nil {
			return err
		}
		free()
		// Nobody else gets a turn.
		soon, cancel := context.WithTimeout(t.Context(), 10*between)
		defer cancel()
		if _, err := New(dir, "recover").Take(soon, nil); !errors.As(err, new(*HeldError)) {
			return fmt.Errorf("another writer beside one that has lent its lock: %w", err)
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
	again, cancel := context.WithTimeout(t.Context(), 10*between)
	defer cancel()
	if _, err := guard.Guard(again, nil); !errors.As(err, new(*HeldError)) {
		t.Errorf("a guard when the units are started: %v", err)
	}
}

func TestAGuardGoesOnBesideAHolderThatHangs(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	other := holder(t, dir)
	var said bytes.Buffer
	does := New(dir, "guard").GuardExecutor(slog.New(slog.NewTextHandler(&said, nil)), 5*between)
	did := false
	if err := does.Turn(t.Context(), nil, func() error { did = true; return nil }); err != nil || !did {
		t.Errorf("did %v, error %v", did, err)
	}
	if want := fmt.Sprintf("gluster-setup recover (process %d", other.Process.Pid); !strings.Contains(said.String(), want) {
		t.Errorf("it said %q", said.String())
	}
}

func TestTwoRunsOfAProgramThatDoesNotWait(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "run")
	release, err := TryAlone(dir, "check")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := TryAlone(dir, "check"); !errors.As(err, new(*HeldError)) {
		t.Errorf("the second: %v", err)
	}
	release()
	if release, err = TryAlone(dir, "check"); err != nil {
		t.Fatal(err)
	}
	release()
}
