package probe

import (
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"
)

func TestPeersThatAreSilentForLongAreForgotten(t *testing.T) {
	m := newMetrics()
	s := newState(m, "/client", Config{}.withDefaults())
	s.setVolume("web")
	for _, e := range []echoed{{Peer: "n2", Seconds: 0.01}, {Peer: "n3", Lost: true}, {Peer: "n2", Lost: true}} {
		s.hear(message{Echo: &e})
	}
	if n := testutil.CollectAndCount(m.lost); n != 2 {
		t.Errorf("%d peers", n)
	}
	s.age(time.Now().Add(s.peerAge - time.Minute))
	if n := testutil.CollectAndCount(m.echo); n != 1 {
		t.Errorf("%d peers with echoes, too early", n)
	}
	s.age(time.Now().Add(s.peerAge + time.Minute))
	if n := testutil.CollectAndCount(m.echo) + testutil.CollectAndCount(m.lost); n != 0 {
		t.Errorf("%d series are left", n)
	}
}

func TestAMountIsStuckSinceItsFirstUnansweredOperation(t *testing.T) {
	s := newState(newMetrics(), "/client", Config{}.withDefaults())
	s.setVolume("web")
	first := time.Now()
	s.stuckSince(first)
	s.stuckSince(first.Add(time.Minute))
	s.progress(message{Begin: "open"})
	if !s.stuck.Equal(first) {
		t.Errorf("stuck since %s, not %s", s.stuck, first)
	}
	s.progress(message{Done: true, Class: classNotConnected})
	if !s.stuck.IsZero() {
		t.Error("an error is an answer too")
	}
}

func TestAClientWithoutBricksHasNoneConnected(t *testing.T) {
	s := newState(newMetrics(), "/client", Config{}.withDefaults())
	s.setVolume("web")
	s.progress(message{NoBricks: true, Class: classNotConnected})
	if s.bricks != nil {
		t.Errorf("%+v of bricks that were never seen", s.bricks)
	}
	s.progress(message{Bricks: &bricks{Total: 3, Connected: 2}})
	s.progress(message{NoBricks: true, Class: classNotConnected})
	if s.bricks == nil || *s.bricks != (bricks{Total: 3}) {
		t.Errorf("%+v", s.bricks)
	}
	s.progress(message{NoBricks: true, Class: classIO})
	if s.bricks != nil {
		t.Errorf("%+v of bricks that cannot be counted", s.bricks)
	}
}
