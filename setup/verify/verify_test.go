package verify

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestNodesThatShareAVolumeSeeEachOthersFilesAndRemovals(t *testing.T) {
	for _, count := range []int{2, 3, 8} {
		t.Run(fmt.Sprintf("%d nodes", count), func(t *testing.T) {
			bubble(t, func(t *testing.T, volume *shared) {
				var nodes []string
				for i := range count {
					nodes = append(nodes, fmt.Sprintf("web-%d.example.com", i+1))
				}
				for node, o := range everywhere(t, nodes, volume.views(nodes...)) {
					if o.err != nil {
						t.Errorf("%s: %v", node, o.err)
					}
					if !o.result.Complete || o.result.RoundsCompleted != 3 || len(o.result.Peers) != count-1 {
						t.Errorf("%s: %+v", node, o.result)
					}
					for _, p := range o.result.Peers {
						if p.Seen.Count != 3 || p.Removed.Count != 3 || p.Failures != (Failures{}) || p.Observed != (Observed{FilesRead: 3, RemovalsSeen: 3}) {
							t.Errorf("%s about %s: %+v", node, p.Node, p)
						}
						if p.Seen.MaxRoundTripSeconds > 1 {
							t.Errorf("%s about %s: the slowest round trip took %v s on a volume without delay", node, p.Node, p.Seen.MaxRoundTripSeconds)
						}
					}
				}
				volume.mustBeClean(t)
			})
		})
	}
}

func TestFiftyNodesFinishARound(t *testing.T) {
	bubble(t, func(t *testing.T, volume *shared) {
		var nodes []string
		for i := range 50 {
			nodes = append(nodes, fmt.Sprintf("web%02d", i+1))
		}
		views := volume.views(nodes...)
		var group sync.WaitGroup
		for _, node := range nodes {
			group.Go(func() {
				cfg := testConfig(node, nodes)
				cfg.Rounds = 1
				result, err := run(t.Context(), cfg, views[node])
				if err != nil || len(result.Peers) != 49 {
					t.Errorf("%s: %v, %d peers", node, err, len(result.Peers))
				}
			})
		}
		group.Wait()
		volume.mustBeClean(t)
	})
}

func TestTheRoundTripContainsTheDelayOfTheVolume(t *testing.T) {
	bubble(t, func(t *testing.T, volume *shared) {
		nodes := []string{"web1", "web2"}
		views := volume.views(nodes...)
		views["web2"].showAfter = func(file string) time.Duration {
			if isFile(file, "web1") {
				return 300 * time.Millisecond
			}
			return 0
		}
		views["web2"].ghosts = func(file string) time.Duration {
			if isFile(file, "web1") {
				return 500 * time.Millisecond
			}
			return 0
		}
		outcomes := everywhere(t, nodes, views)
		for node, want := range map[string][2]float64{"web1": {0.3, 0.5}, "web2": {0, 0}} {
			o := outcomes[node]
			if o.err != nil {
				t.Fatalf("%s: %v", node, o.err)
			}
			p := o.result.Peers[0]
			for i, d := range []Delays{p.Seen, p.Removed} {
				// Both sides look every 10 ms, so a trip takes up to two looks longer.
				if d.Count != 3 || d.MinRoundTripSeconds < want[i] || d.MaxRoundTripSeconds > want[i]+0.03 {
					t.Errorf("%s: %+v, want about %v s", node, d, want[i])
				}
				// web2's answers arrive at once. Half of a seen round trip is not right then, and
				// the estimate of a removal is off by as much; both stay below the round trip.
				if d.OneWayEstimateSeconds < 0 || d.OneWayEstimateSeconds > d.MedianRoundTripSeconds {
					t.Errorf("%s: estimate %+v", node, d)
				}
			}
		}
		volume.mustBeClean(t)
	})
}

func TestFailuresAreReportedByKind(t *testing.T) {
	forever := func(node string) func(string) time.Duration {
		return func(file string) time.Duration {
			if isFile(file, node) {
				return 1000 * time.Hour
			}
			return 0
		}
	}
	tests := []struct {
		name   string
		breaks func(web2 *view) // web2 sees web1 badly
		want   Failures         // of web1 at web2
		detail string
	}{
		{
			"a file that never appears is not seen", func(v *view) { v.showAfter = forever("web1") },
			Failures{NotSeen: 1},
			"round 1: did not see the file within 2s",
		},
		{"a flipped byte is wrong content", func(v *view) {
			v.change = func(file string, c []byte) []byte {
				if isFile(file, "web1") {
					c[len(c)-1] ^= 1
				}
				return c
			}
		}, Failures{WrongContent: 1}, "round 1: read a wrong content, and no other within 2s"},
		{"a file that stays empty is wrong content", func(v *view) {
			v.change = func(file string, c []byte) []byte {
				if isFile(file, "web1") {
					return nil
				}
				return c
			}
		}, Failures{WrongContent: 1}, "round 1: read a wrong content, and no other within 2s"},
		{"a good file that is not the one is wrong content", func(v *view) {
			v.change = func(file string, c []byte) []byte {
				if n, ok := parseName(filepath.Base(file)); ok && isFile(file, "web1") {
					return newContent(n)
				}
				return c
			}
		}, Failures{WrongContent: 1}, "round 1: read another content (checksum "},
		{
			"a removed file that stays listed is still there", func(v *view) { v.ghosts = forever("web1") },
			Failures{StillThere: 1},
			"round 1: still listed the file 2s after its removal, or did not answer",
		},
		{
			"a removed file that can be opened is still there", func(v *view) { v.opens = forever("web1") },
			Failures{StillThere: 1},
			"round 1: could still open the file 2s after its removal, though it was not listed any more",
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			bubble(t, func(t *testing.T, volume *shared) {
				nodes := []string{"web1", "web2", "web3"}
				views := volume.views(nodes...)
				tt.breaks(views["web2"])
				outcomes := everywhere(t, nodes, views)

				one := outcomes["web1"]
				var failed *FailedError
				if !errors.As(one.err, &failed) || len(failed.Failures) != 1 || !strings.HasPrefix(failed.Failures[0], "web2: "+tt.detail) {
					t.Errorf("web1: %v\nwant web2: %s", one.err, tt.detail)
				}
				if !one.result.Complete || one.result.RoundsCompleted != 3 {
					t.Errorf("web1: %+v", one.result)
				}
				if diff := cmp.Diff(tt.want, one.result.Peers[0].Failures); diff != "" {
					t.Errorf("web1 about web2: %s", diff)
				}
				// Nobody else is held up or blamed.
				if p := one.result.Peers[1]; p.Failures != (Failures{}) || p.Seen.Count != 3 {
					t.Errorf("web1 about web3: %+v", p)
				}
				if err := outcomes["web3"].err; err != nil {
					t.Errorf("web3: %v", err)
				}
				for _, p := range outcomes["web2"].result.Peers {
					if p.Failures != (Failures{}) || p.Seen.Count != 3 || p.Removed.Count != 3 {
						t.Errorf("web2 about %s: %+v", p.Node, p)
					}
				}
				volume.mustBeClean(t)
			})
		})
	}
}

func TestAFileThatIsStillBeingWrittenIsNotWrong(t *testing.T) {
	bubble(t, func(t *testing.T, volume *shared) {
		nodes := []string{"web1", "web2"}
		views := volume.views(nodes...)
		views["web2"].change = func(file string, c []byte) []byte {
			volume.mu.Lock()
			defer volume.mu.Unlock()
			if isFile(file, "web1") && time.Since(volume.born[file]) < time.Second {
				return c[:100]
			}
			return c
		}
		for node, o := range everywhere(t, nodes, views) {
			if o.err != nil {
				t.Errorf("%s: %v", node, o.err)
			}
		}
	})
}

func TestAMissingNodeIsNamed(t *testing.T) {
	bubble(t, func(t *testing.T, volume *shared) {
		nodes := []string{"web1", "web2", "web3"}
		views := volume.views("web1", "web2")
		begin := time.Now()
		for node, o := range everywhere(t, nodes, views) {
			var absent *MissingError
			if !errors.As(o.err, &absent) || !strings.Contains(o.err.Error(), "was met within 5s on: ") || !strings.Contains(o.err.Error(), "web3;") {
				t.Errorf("%s: %v", node, o.err)
			}
			if o.result.Complete {
				t.Errorf("%s is complete", node)
			}
		}
		if took := time.Since(begin); took > 10*time.Second {
			t.Errorf("took %s", took)
		}
		volume.mustBeClean(t)
	})
}

func TestWhatDeadRunsLeftDoesNotCountAsANode(t *testing.T) {
	bubble(t, func(t *testing.T, volume *shared) {
		group := groupName("server", "/client")
		volume.leftover(t, group+"/run-dead-0-0-web2", 0)
		own := volume.leftover(t, group+"/run-dead-0-0-web1", 0)
		_, err := run(t.Context(), testConfig("web1", []string{"web1", "web2"}), volume.view())
		want := "on: web2 (a run of it is announced on the volume, but does not answer); start it"
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v\nwant  … %s …", err, want)
		}
		if _, err := os.Stat(own); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("the leftover of this node is still there: %v", err)
		}
		// With the real web2 there, everything works and web2 removes its own.
		for node, o := range everywhere(t, []string{"web1", "web2"}, volume.views("web1", "web2")) {
			if o.err != nil {
				t.Errorf("%s: %v", node, o.err)
			}
		}
		volume.mustBeClean(t)
	})
}

func TestLeftoversOlderThanAnHourAreRemoved(t *testing.T) {
	bubble(t, func(t *testing.T, volume *shared) {
		group := groupName("server", "/client")
		young := volume.leftover(t, group+"/run-aa-0-0-web8", 50*time.Minute)
		old := volume.leftover(t, group+"/run-bb-0-0-web9", 70*time.Minute)
		elsewhere := volume.leftover(t, "server-00000000/run-cc-0-0-web9", 70*time.Minute)
		result, err := run(t.Context(), testConfig("web1", []string{"web1"}), volume.view())
		if err != nil || !result.Alone || result.RoundsCompleted != 3 || !result.Complete {
			t.Fatalf("%+v, %v", result, err)
		}
		if _, err := os.Stat(young); err != nil {
			t.Error(err)
		}
		for _, gone := range []string{old, elsewhere, filepath.Dir(elsewhere)} {
			if _, err := os.Stat(gone); !errors.Is(err, os.ErrNotExist) {
				t.Errorf("%s: %v", gone, err)
			}
		}
		if len(result.Notes) != 2 {
			t.Errorf("notes %q", result.Notes)
		}
	})
}

func TestANodeWhoseClockIsHoursWrongIsNotALeftover(t *testing.T) {
	bubble(t, func(t *testing.T, volume *shared) {
		nodes := []string{"web1", "web2"}
		views := volume.views(nodes...)
		views["web2"].after = func(op, file string) {
			if op == "mkdir" && strings.Contains(file, "/run-") {
				past := time.Date(2001, 1, 1, 0, 0, 0, 0, time.UTC)
				if err := os.Chtimes(filepath.Join(volume.dir, file), past, past); err != nil {
					t.Error(err)
				}
			}
		}
		for node, o := range everywhere(t, nodes, views) {
			if o.err != nil {
				t.Errorf("%s: %v", node, o.err)
			}
		}
		volume.mustBeClean(t)
	})
}

func TestANodeKilledHalfwayDoesNotHoldUpTheOthers(t *testing.T) {
	bubble(t, func(t *testing.T, volume *shared) {
		nodes := []string{"web1", "web2", "web3"}
		views := volume.views(nodes...)
		killed := errors.New("killed")
		var mu sync.Mutex
		dead := false
		views["web2"].before = func(_, file string) error {
			mu.Lock()
			defer mu.Unlock()
			if n, ok := parseName(filepath.Base(file)); ok && n.kind == kindFile && n.node == "web2" && n.round == 2 {
				dead = true
			}
			if dead {
				return killed
			}
			return nil
		}
		begin := time.Now()
		outcomes := everywhere(t, nodes, views)
		if took := time.Since(begin); took > 6*time.Second {
			t.Errorf("took %s", took)
		}
		if err := outcomes["web2"].err; !errors.Is(err, killed) {
			t.Errorf("web2: %v", err)
		}
		for _, node := range []string{"web1", "web3"} {
			o := outcomes[node]
			var failed *FailedError
			if !errors.As(o.err, &failed) || len(failed.Failures) != 1 || !strings.HasPrefix(failed.Failures[0], "web2: round ") {
				t.Errorf("%s: %v", node, o.err)
			}
			for _, p := range o.result.Peers {
				if p.Node != "web2" && (p.Seen.Count != 3 || p.Failures != (Failures{})) {
					t.Errorf("%s about %s: %+v", node, p.Node, p)
				}
			}
		}
	})
}

func TestANodeThatIsStoppedTellsTheOthersAndCleansUp(t *testing.T) {
	bubble(t, func(t *testing.T, volume *shared) {
		nodes := []string{"web1", "web2"}
		views := volume.views(nodes...)
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		views["web2"].after = func(op, file string) {
			if op == "create" && strings.Contains(file, "/file-") && strings.Contains(file, "-2-0-web2") {
				cancel()
			}
		}
		var group sync.WaitGroup
		var one, two outcome
		begin := time.Now()
		group.Go(func() { one.result, one.err = run(t.Context(), testConfig("web1", nodes), views["web1"]) })
		group.Go(func() { two.result, two.err = run(ctx, testConfig("web2", nodes), views["web2"]) })
		group.Wait()
		if !errors.Is(two.err, context.Canceled) || two.result.Complete || two.result.RoundsCompleted != 1 {
			t.Errorf("web2: %+v, %v", two.result, two.err)
		}
		var failed *FailedError
		if !errors.As(one.err, &failed) || one.result.Peers[0].Failures.Left != 1 || !strings.Contains(one.err.Error(), "ended its run early") {
			t.Errorf("web1: %+v, %v", one.result, one.err)
		}
		if took := time.Since(begin); took > time.Second {
			t.Errorf("web1 waited %s for a node that said it left", took)
		}
		volume.mustBeClean(t)
	})
}

func TestAFasterNodeAnswersUntilASlowerOneIsDone(t *testing.T) {
	bubble(t, func(t *testing.T, volume *shared) {
		nodes := []string{"web1", "web2"}
		views := volume.views(nodes...)
		var group sync.WaitGroup
		for node, rounds := range map[string]int{"web1": 1, "web2": 20} {
			cfg := testConfig(node, nodes)
			cfg.Rounds = rounds
			group.Go(func() {
				if result, err := run(t.Context(), cfg, views[node]); err != nil || result.RoundsCompleted != rounds {
					t.Errorf("%s: %+v, %v", node, result, err)
				}
			})
		}
		group.Wait()
		volume.mustBeClean(t)
	})
}
