package bringback

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"os"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"brickyard/setup/change"
)

func TestTwoRunsOfRecoverExcludeEachOther(t *testing.T) {
	dir := t.TempDir() + "/run"
	var said bytes.Buffer
	log := slog.New(slog.NewTextHandler(&said, nil))
	unlock, err := lockRecover(t.Context(), dir, log, func(string) { t.Error("the first run waits") })
	if err != nil {
		t.Fatal(err)
	}
	var waits atomic.Int32
	status := func(words string) {
		waits.Add(1)
		if want := "waiting for another run of gluster-setup recover (process " + strconv.Itoa(os.Getpid()) + ", at work since "; !strings.HasPrefix(words, want) || !strings.HasSuffix(words, ") to end") {
			t.Errorf("status %q, want %q", words, want)
		}
	}
	ctx, cancel := context.WithTimeoutCause(t.Context(), time.Second, change.ErrDeadline)
	defer cancel()
	if _, err := lockRecover(ctx, dir, log, status); !errors.Is(err, change.ErrDeadline) || !strings.Contains(err.Error(), "still holds this node's lock") {
		t.Errorf("the second run: %v", err)
	}
	if waits.Load() != 1 {
		t.Errorf("said %d times what it waits for", waits.Load())
	}
	second := make(chan error, 1)
	go func() {
		free, err := lockRecover(t.Context(), dir, log, status)
		if err == nil {
			free()
		}
		second <- err
	}()
	for end := time.Now().Add(5 * time.Minute); waits.Load() < 2; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("the second run does not say what it waits for")
		}
	}
	unlock()
	if err := <-second; err != nil {
		t.Errorf("when the first has ended: %v", err)
	}
}
