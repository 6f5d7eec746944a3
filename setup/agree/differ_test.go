package agree

import (
	"strings"
	"testing"

	"brickyard/gluster"
	"brickyard/setup/actual"
)

func volume(status gluster.VolumeStatus, options ...string) gluster.Volume {
	v := gluster.Volume{Name: "server", ID: "feed", Status: status, Bricks: []gluster.Brick{{Host: "s1", Path: "/b"}}, Options: map[string]string{}}
	for _, o := range options {
		name, value, _ := strings.Cut(o, "=")
		v.Options[name] = value
	}
	return v
}

func view(server string, version uint64, volumes ...gluster.Volume) actual.Node {
	v := actual.Node{Name: server, Volumes: volumes, Versions: map[string]uint64{}}
	if version != 0 {
		v.Versions["server"] = version
	}
	return v
}

func TestServersThatHaveAVolumeDifferentlyAreNamedWithTheRemedy(t *testing.T) {
	started, stopped := volume(gluster.Started), volume(gluster.Stopped)
	for _, tc := range []struct {
		name  string
		views []actual.Node
		want  string // "" where nothing is to be said
		does  string // part of the remedy
	}{
		{"alike", []actual.Node{view("s1", 7, started), view("s2", 7, started)}, "", ""},
		{"words of nodes, which are on their way", []actual.Node{view("s1", 7, volume(gluster.Started, actual.OwnWords+"stopping-0=now")), view("s2", 7, started)}, "", ""},
		{"what a restarted glusterd tells no more", []actual.Node{view("s1", 7, volume(gluster.Started, "nfs.disable=on")), view("s2", 7, started)}, "", ""},
		{"one server alone", []actual.Node{view("s1", 7, started)}, "", ""},
		{"no volumes", []actual.Node{view("s1", 0), view("s2", 0)}, "", ""},
		{
			"started on one only",
			[]actual.Node{view("s1", 45, started), view("s2", 44, stopped)},
			"s1 knows volume server in version 45 (started), s2 in version 44 (stopped)", "on s2: make room",
		},
		{
			"the one behind is asked first",
			[]actual.Node{view("s1", 44, stopped), view("s2", 45, started)},
			"s2 knows volume server in version 45 (started), s1 in version 44 (stopped)", "on s1: make room",
		},
		{
			"an option",
			[]actual.Node{view("s1", 6, volume(gluster.Started, "a=1", "b=2")), view("s2", 7, volume(gluster.Started, "a=1")), view("s3", 7, volume(gluster.Started, "a=1"))},
			"s2 and s3 know volume server in version 7 (no b), s1 in version 6 (b=2)", "on s1: make room",
		},
		{
			"the store alone is behind",
			[]actual.Node{view("s1", 7, started), view("s2", 5, started)},
			"s1 knows volume server in version 7, s2 in version 5", "on s2: make room",
		},
		{
			"two that are behind",
			[]actual.Node{view("s1", 7, started), view("s2", 5, started), view("s3", 0)},
			"s1 knows volume server in version 7, s2 in version 5, s3 does not know it", "on s2, then on s3: make room",
		},
		{
			"the same version",
			[]actual.Node{view("s1", 7, volume(gluster.Started, "a=1")), view("s2", 7, volume(gluster.Started, "a=2"))},
			"s1 knows volume server in version 7 (a=1), s2 in version 7 (a=2)", "mv /var/lib/glusterd/vols/server /root/glusterd.old/",
		},
		{
			"a server that does not tell its version",
			[]actual.Node{view("s1", 7, started), view("s2", 0, stopped)},
			"s1 knows volume server in version 7 (started), s2 in another version (stopped)", `run "gluster-setup apply --parts host"`,
		},
		{"a server that does not tell its version has the same", []actual.Node{view("s1", 7, started), view("s2", 0, started)}, "", ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			words, remedy := "", ""
			for _, d := range Differences(tc.views) {
				words, remedy = words+d.String(), remedy+d.Remedy()
			}
			if words != tc.want || !strings.Contains(remedy, tc.does) || (tc.does == "") != (remedy == "") {
				t.Errorf("%q, remedy %q\nwant %q, with %q", words, remedy, tc.want, tc.does)
			}
		})
	}
}

func TestOnlyWhatEveryLookHadIsADifference(t *testing.T) {
	started, stopped := volume(gluster.Started), volume(gluster.Stopped)
	before := Differences([]actual.Node{view("s1", 8, started), view("s2", 7, stopped)})
	for _, tc := range []struct {
		name  string
		later []actual.Node
		want  int
	}{
		{"it is still behind", []actual.Node{view("s1", 8, started), view("s2", 7, stopped)}, 1},
		{"the others went on without it", []actual.Node{view("s1", 9, started), view("s2", 7, stopped)}, 1},
		{"it has it", []actual.Node{view("s1", 8, started), view("s2", 8, started)}, 0},
		{"it has that and waits for the next", []actual.Node{view("s1", 9, stopped), view("s2", 8, started)}, 0},
		{"it went ahead", []actual.Node{view("s1", 8, started), view("s2", 9, started)}, 0},
		{"it does not answer", []actual.Node{view("s1", 8, started)}, 0},
	} {
		if got := Both(before, Differences(tc.later)); len(got) != tc.want {
			t.Errorf("%s: %v", tc.name, got)
		}
	}
}
