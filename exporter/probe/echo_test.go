package probe

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// sea is a volume whose changes are seen by others after a delay.
type sea struct {
	delay time.Duration

	mu      sync.Mutex
	beacons map[string][]sighting // by name, oldest first
	reads   int
}

type sighting struct {
	at     time.Time
	beacon beacon
}

// shore is one node's view of the sea.
type shore struct {
	*sea
	name string
}

func (s shore) list() ([]string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	names := slices.Collect(maps.Keys(s.beacons))
	return slices.DeleteFunc(names, func(n string) bool { return n == s.name }), nil
}

func (s shore) read(name string) (beacon, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.reads++
	for _, b := range slices.Backward(s.beacons[name]) {
		if !b.at.After(time.Now()) {
			return b.beacon, nil
		}
	}
	return beacon{}, errors.New("not yet")
}

func (s shore) write(b beacon) error {
	block, err := b.encode()
	if err != nil {
		return err
	}
	copied, err := decodeBeacon(block)
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.beacons[s.name] = append(s.beacons[s.name], sighting{time.Now().Add(s.delay), copied})
	return nil
}

// heard collects what one node reports.
type heard struct {
	mu    sync.Mutex
	times map[string][]float64
	lost  map[string]int
}

func (h *heard) report(e echoed) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if e.Lost {
		h.lost[e.Peer]++
		return
	}
	h.times[e.Peer] = append(h.times[e.Peer], e.Seconds)
}

// swim starts a node's echoes, which end with ctx.
func swim(ctx context.Context, s *sea, node string) *heard {
	h := &heard{times: map[string][]float64{}, lost: map[string]int{}}
	e := newEchoes(childConfig{Node: node, Echo: 30 * time.Second}, shore{s, node + ".beacon"}, h.report)
	go e.run(ctx)
	return h
}

func TestEchoesMeasureTheRoundTrip(t *testing.T) {
	for _, delay := range []time.Duration{0, 3 * time.Millisecond, 200 * time.Millisecond, 1200 * time.Millisecond, 8 * time.Second} {
		t.Run(delay.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithCancel(t.Context())
				s := &sea{delay: delay, beacons: map[string][]sighting{}}
				nodes := map[string]*heard{}
				for _, n := range []string{"n1", "n2", "n3"} {
					nodes[n] = swim(ctx, s, n)
					time.Sleep(1700 * time.Millisecond)
				}
				time.Sleep(10 * time.Minute)
				cancel()
				synctest.Wait()
				t.Logf("%.1f reads a second and node", float64(s.reads)/600/3)
				// Those that hear the announcement too late poll slowly.
				polling := 2*echoFast + 5*time.Millisecond
				if 2*delay > echoPatience-echoSlow {
					polling = 2 * (echoSlow + echoFast)
				}
				for n, h := range nodes {
					if len(h.times) != 2 {
						t.Errorf("%s heard %v", n, h.times)
					}
					for p, times := range h.times {
						if len(times) < 17 {
							t.Errorf("%s: %d echoes of %s", n, len(times), p)
						}
						low, high := slices.Min(times), slices.Max(times)
						if low < 2*delay.Seconds() || high > (2*delay+polling).Seconds() {
							t.Errorf("%s: echoes of %s from %f to %f s", n, p, low, high)
						}
						if h.lost[p] != 0 {
							t.Errorf("%s: %d echoes of %s lost", n, h.lost[p], p)
						}
					}
				}
			})
		})
	}
}

func TestAPeerThatVanishesIsGivenUpAndAReturningOneIsFound(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		s := &sea{delay: 5 * time.Millisecond, beacons: map[string][]sighting{}}
		h := swim(ctx, s, "n1")
		brief, end := context.WithCancel(ctx)
		swim(brief, s, "n2")
		time.Sleep(5 * time.Minute)
		end()
		time.Sleep(20 * time.Minute)
		h.mu.Lock()
		before, lost := len(h.times["n2"]), h.lost["n2"]
		h.mu.Unlock()
		if before < 8 || lost < 1 || lost > echoGone {
			t.Errorf("%d echoes, %d lost", before, lost)
		}
		again := swim(ctx, s, "n2")
		time.Sleep(5 * time.Minute)
		cancel()
		synctest.Wait()
		if len(h.times["n2"]) < before+7 || len(again.times["n1"]) < 7 {
			t.Errorf("after its return: %d and %d echoes", len(h.times["n2"])-before, len(again.times["n1"]))
		}
	})
}

func TestManyNodesSpeakWithFew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		s := &sea{delay: 5 * time.Millisecond, beacons: map[string][]sighting{}}
		nodes := map[string]*heard{}
		const count = 20
		for i := range count {
			n := fmt.Sprintf("cache%02d.%s", i, strings.Repeat("x", 200))
			nodes[n] = swim(ctx, s, n)
			time.Sleep(370 * time.Millisecond)
		}
		time.Sleep(2 * time.Minute)
		s.mu.Lock()
		s.reads = 0
		s.mu.Unlock()
		for _, h := range nodes {
			h.mu.Lock()
			clear(h.times)
			h.mu.Unlock()
		}
		time.Sleep(2 * time.Minute)
		cancel()
		synctest.Wait()
		for n, h := range nodes {
			if len(h.times) != echoPeers {
				t.Errorf("%.8s speaks with %d", n, len(h.times))
			}
			for p := range h.times {
				if _, mutual := nodes[p].times[n]; !mutual {
					t.Errorf("%.8s speaks with %.8s, but not the other way round", n, p)
				}
			}
		}
		perSecond := float64(s.reads) / 120 / count
		t.Logf("%.1f reads a second and node, with %d nodes", perSecond, count)
		if perSecond > 50 {
			t.Errorf("%.1f reads a second and node", perSecond)
		}
	})
}

func TestOnlyWholeBeaconsAreRead(t *testing.T) {
	b := beacon{Node: strings.Repeat("ä", 120), Run: "run", Seq: 1 << 63, Awake: true, Echo: map[string]uint64{}}
	for i := range echoPeers {
		b.Echo[fmt.Sprintf("ABCDEFGHIJKLMNOPQRSTUVWX%02d", i)] = 1 << 63
	}
	block, err := b.encode()
	if err != nil || len(block) != blockSize {
		t.Fatalf("%d bytes, %v", len(block), err)
	}
	got, err := decodeBeacon(block)
	if err != nil || got.Node != b.Node || !got.Awake || !maps.Equal(got.Echo, b.Echo) {
		t.Errorf("%+v, %v", got, err)
	}
	for _, half := range [][]byte{nil, block[:100], make([]byte, blockSize), []byte(`{"node":"x"}`)} {
		if b, err := decodeBeacon(half); err == nil {
			t.Errorf("%.20q: %+v", half, b)
		}
	}
	b.Node = strings.Repeat("x", blockSize)
	if _, err := b.encode(); err == nil {
		t.Error("a beacon that has no room was written")
	}
}
