package pool

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"brickyard/gluster"
	"brickyard/setup/cluster"
	"brickyard/setup/desired"
)

func TestTheShapeOfAVolumeIsNeverChanged(t *testing.T) {
	shape := func(problem string) []string { return []string{"volume-shape volume server: its " + problem} }
	const three = "n1.example.com:/bricks/server/brick n2.example.com:/bricks/server/brick n3.example.com:/bricks/server/brick"
	for _, c := range []decideCase{
		{
			name: "a volume whose bricks have other names of the same machines is the same", want: wanted(),
			see: seen(n1, volume(func(v *gluster.Volume) {
				for i := range v.Bricks {
					v.Bricks[i].Host = "10.0.0." + string(rune('1'+i))
				}
			})),
		},
		{
			name: "another replica count is a conflict", want: wanted(),
			see:       seen(n1, volume(func(v *gluster.Volume) { v.Replica, v.Bricks = 2, v.Bricks[:2] })),
			conflicts: shape("replica count is 2, the cluster file says 3"),
		},
		{
			name: "an arbiter that should hold contents is a conflict", want: wanted(),
			see:       seen(n1, volume(func(v *gluster.Volume) { v.Arbiter = 1 })),
			conflicts: shape("arbiter count is 1, the cluster file says 0"),
		},
		{
			name: "a full copy that should be an arbiter is a conflict", want: wanted(func(p *desired.Pool) { p.Volumes[0].Spec.Arbiter = 1 }),
			see:       seen(n1),
			conflicts: shape("arbiter count is 0, the cluster file says 1"),
		},
		{
			name: "a dispersed volume is a conflict", want: wanted(),
			see:       seen(n1, volume(func(v *gluster.Volume) { v.Type, v.Disperse, v.Redundancy = gluster.Disperse, 3, 1 })),
			conflicts: shape("type is Disperse, the cluster file says Replicate"),
		},
		{
			name: "a volume that only distributes is a conflict", want: wanted(),
			see:       seen(n1, volume(func(v *gluster.Volume) { v.Type, v.Replica = gluster.Distribute, 1 })),
			conflicts: shape("type is Distribute, the cluster file says Replicate"),
		},
		{
			name: "bricks in another order make other replica sets and are a conflict", want: wanted(),
			see: seen(n1, volume(func(v *gluster.Volume) { slices.Reverse(v.Bricks) })),
			conflicts: shape("list of bricks is n3.example.com:/bricks/server/brick n2.example.com:/bricks/server/brick n1.example.com:/bricks/server/brick," +
				" the cluster file says " + three),
		},
		{
			name: "fewer bricks than the file has are a conflict", want: wanted(func(p *desired.Pool) { p.Volumes[0].Spec.Bricks = append(bricks(n1, n2, n3), bricks(n1, n2, n3)...) }),
			see:       seen(n1),
			conflicts: shape("list of bricks is " + three + ", the cluster file says " + three + " " + three),
		},
		{
			name: "another path is a conflict", want: wanted(),
			see: seen(n1, volume(func(v *gluster.Volume) { v.Bricks[2].Path = "/old" })),
			conflicts: shape("list of bricks is n1.example.com:/bricks/server/brick n2.example.com:/bricks/server/brick n3.example.com:/old," +
				" the cluster file says " + three),
		},
		{
			name: "a conflict of shape keeps its options untouched", want: wanted(option("network.ping-timeout", "10")),
			see:       seen(n1, volume(func(v *gluster.Volume) { v.Replica = 2; v.Status = gluster.Stopped })),
			conflicts: shape("replica count is 2, the cluster file says 3"),
		},
		{
			name: "a stopped volume is started", want: wanted(), see: seen(n1, volume(func(v *gluster.Volume) { v.Status = gluster.Stopped })),
			steps: []string{"start volume server"},
		},
		{
			name: "a volume that was created and never started is started by the leader", node: n3, want: wanted(),
			see:   seen(n3, volume(func(v *gluster.Volume) { v.Status = gluster.Created })),
			steps: []string{"start volume server by n1.example.com"},
		},
	} {
		t.Run(c.name, c.check)
	}
}

// A node that has just been taken into the pool is told of the volumes before it is told of all peers.
func TestANodeThatDoesNotKnowAPeerYetTakesItsBricksForWhatTheyAre(t *testing.T) {
	for _, c := range []struct {
		name     string
		edit     func(*Observed)
		conflict bool
	}{
		{"the machine says who it is", func(*Observed) {}, false},
		{"the machine does not answer", func(o *Observed) { delete(o.Nodes, n2) }, false},
		{"the brick is another machine's", func(o *Observed) {
			o.Volumes[0].Bricks[1] = gluster.Brick{Host: "n9.example.com", Path: brickPath, PeerUUID: "aaaa0009"}
		}, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			see := seen(n3, func(o *Observed) {
				o.Peers = slices.DeleteFunc(o.Peers, func(p gluster.Peer) bool { return p.UUID == u2 })
			}, c.edit)
			plan, _ := Decide(n3, wanted(), see)
			if (len(plan.Conflicts) > 0) != c.conflict {
				t.Errorf("conflicts %v", plan.Conflicts)
			}
		})
	}
}

func TestWhatTheChangesOfAVolumeRestOn(t *testing.T) {
	want := wanted(func(p *desired.Pool) {
		p.Volumes = append(p.Volumes, desired.Volume{Spec: gluster.VolumeSpec{Name: "other", Replica: 2, Bricks: bricks(n1, n2)}})
		for i := range p.Volumes {
			p.Volumes[i].Sets = [][]cluster.Brick{{}}
			for _, b := range p.Volumes[i].Spec.Bricks {
				p.Volumes[i].Sets[0] = append(p.Volumes[i].Sets[0], cluster.Brick{Node: b.Host, Path: b.Path})
			}
		}
	})
	_, steps := Decide(n1, want, seen(n1, virgin))
	rests := map[string]string{}
	for _, s := range steps {
		if s.RestsOn == nil {
			t.Errorf("%s rests on everything before it", s)
		}
		rests[s.Object] = strings.Join(s.RestsOn, ", ")
	}
	if diff := cmp.Diff(map[string]string{
		"peer " + n2: "", "peer " + n3: "", "volume server": "peer " + n1 + ", peer " + n2 + ", peer " + n3, "volume other": "peer " + n1 + ", peer " + n2,
	}, rests); diff != "" {
		t.Error(diff)
	}
}

func TestVolumeOptions(t *testing.T) {
	const setAll = "gluster --mode=script volume set server "
	for _, c := range []decideCase{
		{
			name: "an option with another value is set, with our list of what we set", want: wanted(option("network.ping-timeout", "10")), see: seen(n1, set("network.ping-timeout", "42")),
			steps:    []string{"set options of volume server"},
			commands: []string{setAll + "network.ping-timeout 10 user.brickyard-options cluster.quorum-type,network.ping-timeout"},
		},
		{
			name: "all options go into one command", want: wanted(option("network.ping-timeout", "10"), option("performance.cache-size", "256MB")), see: seen(n1),
			steps:    []string{"set options of volume server"},
			commands: []string{setAll + "network.ping-timeout 10 performance.cache-size 256MB user.brickyard-options cluster.quorum-type,network.ping-timeout,performance.cache-size"},
		},
		{
			name: "an option that somebody else set is left alone with a warning", want: wanted(), see: seen(n1, set("performance.io-thread-count", "32")),
			warnings: []string{"volume server has the option performance.io-thread-count=32, which the cluster file does not name: left alone"},
		},
		{
			name: "options of the pool, which glusterd shows on every volume, are nobody's here", want: wanted(),
			see: seen(n1, set("cluster.enable-shared-storage", "enable"), set("cluster.brick-multiplex", "on"), set("cluster.daemon-log-level", "INFO"), set("cluster.localtime-logging", "enable")),
		},
		{
			name: "an option that a former run set and that left the file is reset", want: wanted(),
			see:      seen(n1, set("network.ping-timeout", "10"), set(OwnOptions, "cluster.quorum-type,network.ping-timeout")),
			steps:    []string{"reset option of volume server", "set options of volume server"},
			commands: []string{"gluster --mode=script volume reset server network.ping-timeout", setAll + "user.brickyard-options cluster.quorum-type"},
		},
		{
			name: "what was reset before a run ended early is only taken off the list", want: wanted(),
			see:   seen(n1, set(OwnOptions, "cluster.quorum-type,network.ping-timeout")),
			steps: []string{"set options of volume server"}, commands: []string{setAll + "user.brickyard-options cluster.quorum-type"},
		},
		{
			name: "the last option of ours leaves an empty list, which GlusterFS cannot reset", want: wanted(func(p *desired.Pool) { p.Volumes[0].Options = nil }), see: seen(n1),
			steps:    []string{"reset option of volume server", "set options of volume server"},
			commands: []string{"gluster --mode=script volume reset server cluster.quorum-type", setAll + "user.brickyard-options none"},
		},
		{
			name: "an empty list of ours stays as it is", want: wanted(func(p *desired.Pool) { p.Volumes[0].Options = nil }),
			see: seen(n1, volume(func(v *gluster.Volume) { v.Options = map[string]string{OwnOptions: noOptions} })),
		},
		{
			name: "a volume without options of ours gets no list", want: wanted(func(p *desired.Pool) { p.Volumes[0].Options = nil }),
			see: seen(n1, volume(func(v *gluster.Volume) { v.Options = map[string]string{"nfs.disable": "on"} })),
		},
		{
			name: "an option that somebody else set to our value becomes ours", want: wanted(option("network.ping-timeout", "10")), see: seen(n1, set("network.ping-timeout", "10")),
			steps:    []string{"set options of volume server"},
			commands: []string{setAll + "user.brickyard-options cluster.quorum-type,network.ping-timeout"},
		},
		{
			name: "a node that does not lead leaves options to the leader", node: n2, want: wanted(option("network.ping-timeout", "10")), see: seen(n2),
			steps: []string{"set options of volume server by n1.example.com"},
		},
	} {
		t.Run(c.name, c.check)
	}
}

func TestOptionValuesAreComparedAsGlusterFSReadsThem(t *testing.T) {
	for _, c := range []struct {
		name, have, want string
		same             bool
	}{
		{"a size in other units", "268435456", "256MB", true},
		{"a size in short units", "256MB", "256m", true},
		{"a size of another magnitude", "256KB", "256MB", false},
		{"words for on", "on", "yes", true},
		{"words without case", "Enable", "TRUE", true},
		{"words for off", "off", "disable", true},
		{"on and off", "on", "off", false},
		{"a digit for the on that the volume has", "on", "1", true},
		{"a digit for the off that the volume has", "off", "0", true},
		{"the wrong digit for the on that the volume has", "on", "0", false},
		{"a number that is not on", "on", "10", false},
		{"a word where the volume has a number, which GlusterFS may refuse", "1", "on", false},
		{"numbers", "1", "1", true},
		{"other numbers", "1", "10", false},
		{"a number and the same size", "1024", "1k", true},
		{"words that are no sizes", "auto", "fixed", false},
		{"a word without case", "mtime", "MTIME", true},
		{"a share and a number", "10%", "10", false},
		{"an empty value", "", "0", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := sameValue(c.have, c.want); got != c.same {
				t.Errorf("the volume has %q, the file says %q: same is %t", c.have, c.want, got)
			}
		})
	}
}

func TestEquallyMeantOptionsAreNotSetAgain(t *testing.T) {
	decideCase{
		want: wanted(func(p *desired.Pool) {
			p.Volumes[0].Options = []cluster.Option{
				{Name: "cluster.shd-max-threads", Value: "1"}, {Name: "performance.cache-size", Value: "256MB"}, {Name: "performance.stat-prefetch", Value: "1"},
			}
		}),
		see: seen(n1, volume(func(v *gluster.Volume) {
			v.Options = map[string]string{
				"cluster.shd-max-threads": "1", "performance.cache-size": "268435456", "performance.stat-prefetch": "yes",
				OwnOptions: "cluster.shd-max-threads,performance.cache-size,performance.stat-prefetch",
			}
		})),
	}.check(t)
}

// glusterd takes the option with the others only until the volume is first started.
func TestGranularHealIsSwitchedOffByItsOwnCommand(t *testing.T) {
	off := []cluster.Option{{Name: cluster.OptionGranularHeal, Value: "off", Reason: "Names are forgotten."}, {Name: "cluster.quorum-type", Value: "auto"}}
	want := wanted(func(p *desired.Pool) { p.Volumes[0].Options = off })
	for _, c := range []decideCase{
		{
			name: "a volume that has it", want: want,
			see: seen(n1, volume(func(v *gluster.Volume) {
				v.Options = map[string]string{cluster.OptionGranularHeal: "on", "cluster.quorum-type": "auto", OwnOptions: "cluster.quorum-type"}
			})),
			steps: []string{"switch off granular entry heal of volume server", "set options of volume server"},
			commands: []string{
				"gluster --mode=script volume heal server granular-entry-heal disable",
				"gluster --mode=script volume set server user.brickyard-options cluster.granular-entry-heal,cluster.quorum-type",
			},
		},
		{
			name: "one that has it no more", want: want,
			see: seen(n1, volume(func(v *gluster.Volume) {
				v.Options = map[string]string{cluster.OptionGranularHeal: "disable", "cluster.quorum-type": "auto", OwnOptions: "cluster.granular-entry-heal,cluster.quorum-type"}
			})),
		},
		{
			name: "one that another run has just created", want: want,
			see: seen(n1, volume(func(v *gluster.Volume) {
				v.Status, v.Options = gluster.Created, map[string]string{cluster.OptionGranularHeal: "on"}
			})),
			steps: []string{"set options of volume server", "start volume server"},
			commands: []string{
				"gluster --mode=script volume set server cluster.granular-entry-heal off cluster.quorum-type auto user.brickyard-options cluster.granular-entry-heal,cluster.quorum-type",
				"gluster --mode=script volume start server",
			},
		},
		{
			name: "a new one", want: want, see: seen(n1, noVolume),
			steps: []string{"create volume server", "set options of volume server", "start volume server"},
			commands: []string{
				"gluster --mode=script volume create server replica 3 n1.example.com:/bricks/server/brick n2.example.com:/bricks/server/brick n3.example.com:/bricks/server/brick",
				"gluster --mode=script volume set server cluster.granular-entry-heal off cluster.quorum-type auto user.brickyard-options cluster.granular-entry-heal,cluster.quorum-type",
				"gluster --mode=script volume start server",
			},
		},
	} {
		t.Run(c.name, c.check)
	}
}

func TestBrickDirectoriesThatBearAStamp(t *testing.T) {
	stamp := func(id string, unused bool) func(*Observed) {
		return func(o *Observed) { o.Stamps[brickPath] = Stamp{ID: id, Unused: unused} }
	}
	other := func(o *Observed) { o.Volumes[0].Name, o.Volumes[0].ID = "photos", "beef" }
	make3 := []string{"create volume server", "set options of volume server", "start volume server"}
	const inUse = "brick-in-use brick n1.example.com:/bricks/server/brick: it belongs to "
	for _, c := range []decideCase{
		{
			name: "a brick of another volume of the pool is a conflict", want: wanted(), see: seen(n1, other, stamp("beef", true)),
			steps: make3, conflicts: []string{inUse + "volume photos, so it cannot become a brick of volume server"},
		},
		{
			name: "a brick with files of a volume that the pool does not have is a conflict", want: wanted(), see: seen(n1, noVolume, stamp("dead", false)),
			steps: make3, conflicts: []string{inUse + "a volume that this pool does not have (id dead), so it cannot become a brick of volume server"},
		},
		{
			name: "the leader clears what a failed attempt left on its empty brick and creates the volume in one step", want: wanted(), see: seen(n1, noVolume, stamp("dead", true)),
			steps: make3, commands: []string{
				"setfattr -x trusted.glusterfs.volume-id /bricks/server/brick",
				"gluster --mode=script volume create server replica 3 n1.example.com:/bricks/server/brick n2.example.com:/bricks/server/brick n3.example.com:/bricks/server/brick",
				"gluster --mode=script volume set server cluster.quorum-type auto user.brickyard-options cluster.quorum-type",
				"gluster --mode=script volume start server",
			},
		},
		{
			name: "another node frees its own brick for the leader", node: n2, want: wanted(), see: seen(n2, noVolume, stamp("dead", true)),
			steps: []string{
				"free brick n2.example.com:/bricks/server/brick", "create volume server by n1.example.com",
				"set options of volume server by n1.example.com", "start volume server by n1.example.com",
			},
		},
		{
			name: "the stamp of the volume itself is as it should be", want: wanted(), see: seen(n1, stamp("feed", false)),
		},
	} {
		t.Run(c.name, c.check)
	}
}

func TestTheVolumeWaitsForItsNodes(t *testing.T) {
	make3 := func(needs string) []string {
		return []string{"create volume server after " + needs, "set options of volume server", "start volume server"}
	}
	for _, c := range []decideCase{
		{
			name: "for one that is not connected", want: wanted(), see: seen(n1, noVolume, gone(n3)),
			steps: make3("n3.example.com to be connected"),
		},
		{
			name: "for two that the leader knows and that do not know each other yet", want: wanted(),
			see: seen(n1, noVolume, func(o *Observed) {
				o.Nodes[n2].Peers[1].Connected = false
				o.Nodes[n3] = tells(u3, o.Nodes[n3].Others()[:1]...)
			}),
			steps: make3("n2.example.com to be connected to n3.example.com after n3.example.com to be connected to n2.example.com"),
		},
		{
			name: "for one that the pool has not accepted yet", want: wanted(), see: seen(n1, noVolume, peer(n2, func(p *gluster.Peer) { p.State = gluster.PeerAccepted })),
			steps: make3("n2.example.com to be connected"), waits: []string{`n2.example.com to be in the pool (it is "Accepted peer request")`},
		},
		{
			name: "for one that has not prepared its brick", want: wanted(),
			see:   seen(n1, noVolume, func(o *Observed) { o.Unprepared = map[string][]string{n2: {brickPath}, n3: {"/another"}} }),
			steps: make3("apply on n2.example.com to prepare /bricks/server/brick"),
		},
	} {
		t.Run(c.name, c.check)
	}
}
