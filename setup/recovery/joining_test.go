package recovery

import (
	"context"
	"log/slog"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"brickyard/gluster"
	"brickyard/setup/actual"
)

func TestChangesOfVolumesWaitForNodesThatJustConnected(t *testing.T) {
	for name, tc := range map[string]struct {
		set      actual.Set
		joining  time.Duration
		commands []string
		least    time.Duration
	}{
		"a refill":                     {set(brick("n1", "wiped"), brick("n2")), 5 * time.Second, []string{"volume set v user.brickyard-brick-0 refilling", "volume reset-brick v n1:/b n1:/b commit"}, 5 * time.Second},
		"nodes that come and go":       {set(brick("n1", "wiped"), brick("n2")), time.Hour, []string{"volume set v user.brickyard-brick-0 refilling", "volume reset-brick v n1:/b n1:/b commit"}, patience},
		"where there is nothing to do": {healed(set(brick("n1"), brick("n2"))), time.Hour, nil, 0},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			synctest.Test(t, func(t *testing.T) {
				began := time.Now()
				var commands []string
				var first time.Duration
				r := &Runner{
					Observe: func(context.Context) ([]actual.Local, error) {
						s := tc.set
						if len(commands) == 2 {
							s = healed(set(brick("n1"), brick("n2")))
						}
						s.Bricks[0].Path = "/b"
						return []actual.Local{{Set: s, Tmpfs: true, MarkPath: filepath.Join(dir, "mark")}}, nil
					},
					Joining: func() bool { return time.Since(began) < tc.joining },
					Run: func(_ context.Context, c gluster.Command) error {
						if commands == nil {
							first = time.Since(began)
						}
						commands = append(commands, strings.Join(c, " "))
						return nil
					},
					Waiting: func(context.Context, string) ([]string, error) { return nil, nil },
					Log:     slog.New(slog.DiscardHandler), Status: func(string) {}, Journal: filepath.Join(dir, "journal"), Pause: time.Second, Now: time.Now,
				}
				if err := r.Recover(t.Context()); err != nil {
					t.Error(err)
				}
				if !slices.Equal(commands, tc.commands) || first < tc.least || first > tc.least+2*time.Second {
					t.Errorf("%q, the first after %s, want %q after %s", commands, first, tc.commands, tc.least)
				}
			})
		})
	}
}
