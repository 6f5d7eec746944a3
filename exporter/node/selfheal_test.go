package node

import (
	"errors"
	"slices"
	"testing"

	"brickyard/gluster"
)

func TestTheSelfHealDaemonThatServedLastIsAskedFirst(t *testing.T) {
	n := New(Config{})
	daemons := []gluster.SelfHealProcess{{PID: 1, Socket: "/a"}, {PID: 2, Socket: "/b"}, {PID: 3, Socket: "/c"}}
	refused := &gluster.Error{Kind: gluster.ErrRefused}
	hangs := errors.New("no answer")
	for _, c := range []struct {
		name    string
		daemons []gluster.SelfHealProcess
		answers map[string]error // of sockets; others refuse
		asked   []string
		by      int
		err     error
	}{
		{"never asked before", daemons, map[string]error{"/b": nil}, []string{"/a", "/b"}, 2, nil},
		{"it serves still", daemons, map[string]error{"/a": nil, "/b": nil}, []string{"/b"}, 2, nil},
		{"another one does now", daemons, map[string]error{"/c": nil}, []string{"/b", "/a", "/c"}, 3, nil},
		{"it hangs", daemons, map[string]error{"/c": hangs}, []string{"/c"}, 3, hangs},
		{"it is gone", daemons[:2], map[string]error{"/b": nil}, []string{"/a", "/b"}, 2, nil},
		{"none serves it", daemons, nil, []string{"/b", "/a", "/c"}, 0, gluster.ErrRefused},
		{"there is none", nil, nil, nil, 0, gluster.ErrNotRunning},
	} {
		var asked []string
		d, err := n.AskSelfHeal("web", c.daemons, func(client *gluster.BrickClient) error {
			for _, d := range daemons {
				if client == n.Client(d.Socket) {
					asked = append(asked, d.Socket)
					if answer, ok := c.answers[d.Socket]; ok {
						return answer
					}
				}
			}
			return refused
		})
		if !slices.Equal(asked, c.asked) || d.PID != c.by || !errors.Is(err, c.err) {
			t.Errorf("%s: asked %q, by process %d, %v", c.name, asked, d.PID, err)
		}
	}
	n.forget(Processes{SelfHeal: daemons[2:]})
	if len(n.healers) != 0 {
		t.Errorf("remembered of daemons that are gone: %v", n.healers)
	}
}
