package pool

import (
	"slices"
	"strings"
	"testing"

	"brickyard/gluster"
	"brickyard/setup/actual"
	"brickyard/setup/agree"
)

// copied puts how each server has the volumes into what is seen: as this node has them, after changes by edit.
func copied(o *Observed, edit func(server string, v *actual.Node)) {
	for _, s := range servers() {
		v := actual.Node{Name: s.Name, Volumes: slices.Clone(o.Volumes), Versions: map[string]uint64{"server": 7}}
		edit(s.Name, &v)
		o.Copies = append(o.Copies, v)
	}
}

// what the plan says about a state: codes of conflicts, with their problems and remedies, and waits.
func said(node string, o Observed) string {
	plan, steps := Decide(node, wanted(), o)
	words := make([]string, 0, len(plan.Conflicts))
	for _, c := range plan.Conflicts {
		words = append(words, "conflict "+c.Code+" "+c.Object+": "+c.Problem+" -> "+c.Remedy)
	}
	for _, w := range plan.Waits {
		words = append(words, "waits for "+w)
	}
	for _, s := range steps {
		words = append(words, s.String())
	}
	return strings.Join(words, "\n")
}

func TestServersThatDoNotKnowTheSame(t *testing.T) {
	rejected := func(o *Observed, name string) {
		for i, p := range o.Peers {
			if slices.Contains(p.Names, name) {
				o.Peers[i].State = gluster.PeerRejected
			}
		}
	}
	stamped := func(o *Observed) { o.Stamps[brickPath] = Stamp{ID: "FEED"} }
	forgetful := func(node string) func(*Observed) {
		return func(o *Observed) {
			o.Nodes[n2], o.Volumes = tells(u2), slices.Clip(o.Volumes)
			if node == n2 {
				o.Peers = []gluster.Peer{{UUID: u2, Names: []string{"localhost"}, Local: true}}
			}
			copied(o, func(server string, v *actual.Node) {
				if server == n2 {
					v.Volumes, v.Versions = nil, nil
				}
			})
			if node == n2 {
				o.Volumes = nil
				stamped(o)
			}
		}
	}
	for _, tc := range []struct {
		name string
		node string
		edit func(*Observed)
		want []string
		not  []string
	}{
		{
			"a difference that lasts", n3, func(o *Observed) {
				o.Apart = []agree.Difference{{Volume: "server", Newest: []string{n1, n3}, Copy: agree.Copy{Server: n1, Version: 7}, Others: []agree.Copy{{Server: n2, Version: 6}}}}
				o.Full = "no room"
			},
			[]string{"conflict volume-differs volume server: " + n1 + " and " + n3 + " know volume server in version 7, " + n2 + " in version 6 -> on " + n2},
			[]string{"no room:"},
		},
		{
			"this node is behind and full", n2, func(o *Observed) {
				o.Apart = []agree.Difference{{Volume: "server", Newest: []string{n1}, Copy: agree.Copy{Server: n1, Version: 7}, Others: []agree.Copy{{Server: n2, Version: 6}}}}
				o.Full = "no room"
			},
			[]string{"in version 6: no room ->"},
			[]string{"store-full"},
		},
		{"this node is full", n2, func(o *Observed) { o.Full = "no room" }, []string{"conflict store-full /var/lib/glusterd: no room"}, nil},
		{"a change is under way", n2, func(o *Observed) { o.Moving = []string{"server"} }, []string{"waits for the change of volume server that is under way to end"}, []string{"conflict"}},
		{
			"a rejected peer with another option", n1, func(o *Observed) {
				rejected(o, n2)
				copied(o, func(server string, v *actual.Node) {
					if server == n2 {
						v.Volumes[0].Options = map[string]string{"a": "1"}
					}
				})
			},
			[]string{"conflict peer-rejected peer " + n2, "(a=1)", "mv /var/lib/glusterd/vols/server /root/glusterd.old/; systemctl start glusterd"},
			[]string{"glusterd.info", "everything below"},
		},
		{
			"a rejected peer, and nothing shows why", n1, func(o *Observed) { rejected(o, n2); copied(o, func(string, *actual.Node) {}) },
			[]string{"conflict peer-rejected peer " + n2, "mv /var/lib/glusterd/vols/server /root/glusterd.old/"},
			nil,
		},
		{
			"a rejected peer that has forgotten the volume", n1, func(o *Observed) {
				rejected(o, n2)
				copied(o, func(server string, v *actual.Node) {
					if server == n2 {
						v.Volumes = nil
					}
				})
			},
			[]string{"conflict peer-rejected peer " + n2, n2 + " does not know it", `"systemctl restart glusterd"`},
			[]string{"mv "},
		},
		{
			"this node has forgotten the pool", n2, forgetful(n2),
			[]string{
				"conflict peer-forgot peer " + n2, `"gluster peer probe ` + n1 + `", then "systemctl restart glusterd"`,
				"conflict volume-forgotten brick " + n2 + ":" + brickPath + ": " + n1 + " has volume server with this id: this node has forgotten it",
			},
			[]string{"mv "},
		},
		{
			"another node has forgotten the pool", n1, forgetful(n1),
			[]string{"conflict peer-forgot peer " + n2 + ": " + n1 + " knows it", `on ` + n2 + `: run "gluster peer probe ` + n1 + `"`},
			[]string{"mv "},
		},
		{
			"glusterd takes the volume over", n2, func(o *Observed) {
				copied(o, func(string, *actual.Node) {})
				o.Volumes = nil
				stamped(o)
			},
			[]string{"waits for " + n2 + " to take volume server over from " + n1},
			[]string{"conflict", "create"},
		},
		{
			"glusterd has taken half of the volume over", n2, func(o *Observed) { o.Volumes[0].Bricks = nil },
			[]string{"waits for " + n2 + " to have taken over volume server"},
			[]string{"conflict"},
		},
		{
			"a brick of a volume that nobody has", n2, func(o *Observed) {
				o.Volumes = nil
				copied(o, func(string, *actual.Node) {})
				o.Stamps[brickPath] = Stamp{ID: "beef"}
			},
			[]string{"conflict brick-in-use", "a volume that this pool does not have (id beef)"},
			nil,
		},
		{
			"a brick of a volume that a server which does not answer may have", n2, func(o *Observed) {
				o.Volumes = nil
				delete(o.Nodes, n3)
				o.Stamps[brickPath] = Stamp{ID: "beef"}
			},
			[]string{"conflict brick-unknown", n3 + ", which may have it, does not answer", "leave the brick as it is"},
			[]string{"mv "},
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got := said(tc.node, seen(tc.node, tc.edit))
			for _, w := range tc.want {
				if !strings.Contains(got, w) {
					t.Errorf("no %q in:\n%s", w, got)
				}
			}
			for _, w := range tc.not {
				if strings.Contains(got, w) {
					t.Errorf("%q in:\n%s", w, got)
				}
			}
		})
	}
}

// Who probes is asked a moment after who is probed: only what is so at the next look is so.
func TestAServerThatIsJustBeingProbedIsLookedAtAgain(t *testing.T) {
	t.Parallel()
	first, second := servers()[0], servers()[1]
	p := &Pool{Node: second.Name, Want: wanted()}
	known := gluster.Peer{UUID: "2", Names: []string{second.Name}, State: gluster.PeerInCluster}
	see := Observed{Nodes: map[string]actual.Node{first.Name: tells("1", known), second.Name: tells("2")}}
	if !p.parted(see, first) {
		t.Error("a server that the other one knows, and that knows of no pool, is not looked at again")
	}
	see.Nodes[second.Name] = tells("2", gluster.Peer{UUID: "1", Names: []string{first.Name}, State: gluster.PeerInCluster})
	see.Peers = see.Nodes[second.Name].Others()
	if p.parted(see, first) {
		t.Error("two servers that know each other are looked at again")
	}
	see.Nodes[first.Name] = tells("1")
	if !p.parted(see, first) {
		t.Error("a server that has forgotten this one is not looked at again")
	}
}
