package probe

import (
	"errors"
	"strings"
	"testing"
	"time"
)

// FuzzBeacon gives the decoder of beacons any block. What is believed can be written again, and has names that can be
// labels.
func FuzzBeacon(f *testing.F) {
	for _, b := range []beacon{{Node: "a", Run: "R"}, {Node: "web1.example.com", Run: "R2", Seq: 1<<64 - 1, Awake: true, Echo: map[string]uint64{"X": 1}}} {
		block, err := b.encode()
		if err != nil {
			f.Fatal(err)
		}
		f.Add(block)
	}
	for _, text := range []string{"", "{}", "null", `{"node":"a","run":"r","seq":-1}`, `{"node":"a\nb","run":"` + strings.Repeat("x", 65) + `"}`, `{"node":"a","run":"r","echo":{"":1}}`} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, block []byte) {
		b, err := decodeBeacon(block[:min(len(block), blockSize)])
		if err != nil {
			return
		}
		if b.Node == "" || b.Run == "" || len(b.Run) > maxRun || !isHostName(b.Run) {
			t.Errorf("%+v", b)
		}
		if (childConfig{}).hears(b.Node) && strings.ContainsAny(b.Node, "\n\"{}") {
			t.Errorf("a label %q", b.Node)
		}
	})
}

// notes is a board with the beacons that the test wrote.
type notes struct {
	names []string
	said  map[string]beacon
	own   beacon
}

func (n *notes) list() ([]string, error) { return n.names, nil }

func (n *notes) read(name string) (beacon, error) {
	b, ok := n.said[name]
	if !ok {
		return beacon{}, errors.New("not there")
	}
	return b, nil
}

func (n *notes) write(b beacon) error {
	_, err := b.encode()
	if err == nil {
		n.own = b
	}
	return err
}

// FuzzEchoes has peers say anything, one byte a word, while a node takes part: its own beacon has room, and it neither
// speaks with more peers nor has more labels than it may.
func FuzzEchoes(f *testing.F) {
	f.Add([]byte("abcabcabc"))
	f.Add([]byte{0, 1, 2, 3, 255, 254, 128, 7, 7, 7, 64, 65, 66, 67})
	f.Add([]byte(strings.Repeat("\x01\x42\x83\xc4", 40)))
	f.Fuzz(func(t *testing.T, words []byte) {
		n := &notes{said: map[string]beacon{}}
		labels := map[string]bool{}
		e := newEchoes(childConfig{Node: "n1", Echo: time.Second}, n, func(x echoed) {
			labels[x.Peer] = true
			if x.Seconds < 0 {
				t.Errorf("%+v", x)
			}
		})
		now := time.Now()
		for i, w := range words[:min(len(words), 400)] {
			name := strings.Repeat("p", 1+int(w%100))
			if _, known := n.said[name]; !known {
				n.names = append(n.names, name)
			}
			b := beacon{Node: name, Run: strings.Repeat("r", 1+int(w)%maxRun), Seq: uint64(i), Awake: w&1 == 1, Echo: map[string]uint64{e.own.Run: e.own.Seq}} //nolint:gosec // small
			if w&2 == 2 {
				b.Node = "another" // than what this file said before
			}
			n.said[name] = b
			now = now.Add(time.Duration(w) * 20 * time.Millisecond)
			e.step(now)
			if _, err := e.own.encode(); err != nil || len(e.own.Echo) > echoPeers || len(e.peers) > echoPeers {
				t.Fatalf("%d echoes, %d peers, %v", len(e.own.Echo), len(e.peers), err)
			}
		}
		if len(labels) > echoNames {
			t.Errorf("%d labels", len(labels))
		}
	})
}
