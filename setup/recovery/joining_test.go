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
)

func TestPeersThatJustConnectedAreLeftAlone(t *testing.T) {
	now := time.Date(2026, 11, 26, 12, 0, 0, 0, time.UTC)
	peers := func(connected ...bool) []gluster.Peer {
		out := []gluster.Peer{{UUID: "self", Local: true, State: gluster.PeerInCluster}}
		for i, c := range connected {
			out = append(out, gluster.Peer{UUID: string(rune('a' + i)), Connected: c, State: gluster.PeerInCluster})
		}
		return out
	}
	started := now.Add(-time.Hour)
	o := &Observer{Now: func() time.Time { return now }, Started: func() time.Time { return started }}
	look := func(what string, want bool, connected ...bool) {
		t.Helper()
		o.note(peers(connected...))
		if got := o.Joining(); got != want {
			t.Errorf("%s: %t", what, got)
		}
	}
	look("nobody knows since when, and glusterd is old", false, true, false)
	look("a peer connects", true, true, true)
	now = now.Add(joining - time.Second)
	look("it did so a moment ago", true, true, true)
	now = now.Add(time.Second)
	look("it is there for a while", false, true, true)
	look("it goes", false, true, false)
	look("and comes back", true, true, true)
	now = now.Add(time.Minute)
	look("for good", false, true, true)

	o.since, started = nil, now.Add(-time.Second)
	look("this node's glusterd has just started", true, true, true)
	o.since = nil
	look("and has no peers yet", false, false, false)
}

func TestChangesOfVolumesWaitForNodesThatJustConnected(t *testing.T) {
	for name, tc := range map[string]struct {
		set      Set
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
					Observe: func(context.Context) ([]Local, error) {
						s := tc.set
						if len(commands) == 2 {
							s = healed(set(brick("n1"), brick("n2")))
						}
						s.Bricks[0].Path = "/b"
						return []Local{{Set: s, Tmpfs: true, MarkPath: filepath.Join(dir, "mark")}}, nil
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
