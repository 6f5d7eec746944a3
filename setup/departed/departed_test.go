package departed

import (
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"brickyard/gluster"
	"brickyard/setup/desired"
	"brickyard/setup/textfile"
)

const (
	file  = "/etc/brickyard/cluster.yaml"
	uuid1 = "11111111-1111-4111-8111-111111111111"
	uuid2 = "22222222-2222-4222-8222-222222222222"
)

func brick(uuid, host, path string) gluster.Brick {
	return gluster.Brick{PeerUUID: uuid, Host: host, Path: path}
}

func block(lines ...string) string {
	return "proc /proc proc\n" + textfile.Begin + "\n" + strings.Join(lines, "\n") + "\n" + textfile.End + "\n"
}

// state is that of n1, with the bricks of volume "kept" that the file still has here.
func state(kept ...string) *desired.State {
	s := &desired.State{
		Node: "n1", Addresses: map[string]netip.Addr{"n1": netip.MustParseAddr("10.0.0.1")},
		Hosts: []textfile.HostLine{{Address: netip.MustParseAddr("10.0.0.1"), Names: []string{"n1", "cache1"}}},
		Pool:  desired.Pool{Volumes: []desired.Volume{{Spec: gluster.VolumeSpec{Name: "kept"}}}},
	}
	for _, path := range kept {
		s.Directories = append(s.Directories, desired.Directory{Volume: "kept", BrickPath: path})
	}
	return s
}

func TestDecide(t *testing.T) {
	t.Parallel()
	ours := map[string]string{"user.brickyard-options": "auth.allow", "auth.allow": "10.0.0.1"}
	mount := "n2:/server /client glusterfs defaults,_netdev,backup-volfile-servers=n3 0 0"
	for _, tc := range []struct {
		name  string
		state *desired.State
		see   Seen
		want  []string // codes and objects
	}{
		{"a machine that knows nothing", state(), Seen{}, nil},
		{
			"all is in the file", state("/kept/brick"),
			Seen{UUID: uuid1, Stored: []gluster.StoredVolume{{Name: "kept", Options: ours, Bricks: []gluster.Brick{brick(uuid1, "n1", "/kept/brick")}}}},
			nil,
		},
		{
			"a volume of ours with a brick here", state("/kept/brick"),
			Seen{UUID: uuid1, Stored: []gluster.StoredVolume{{Name: "server", Options: ours, Bricks: []gluster.Brick{brick(uuid1, "n1", "/x/brick")}}}},
			[]string{"volume-left volume server"},
		},
		{
			"a volume of ours without a brick here", state(),
			Seen{UUID: uuid1, Stored: []gluster.StoredVolume{{Name: "server", Options: ours, Bricks: []gluster.Brick{brick(uuid2, "n2", "/x/brick")}}}},
			[]string{"volume-left volume server"},
		},
		{
			"somebody else's volume in the same pool", state(),
			Seen{UUID: uuid1, Stored: []gluster.StoredVolume{{Name: "theirs", Bricks: []gluster.Brick{brick(uuid1, "n1", "/theirs")}}}},
			nil,
		},
		{
			"a volume without options on a brick that apply prepared", state(),
			Seen{UUID: uuid1, Ready: "brick /x/brick\n", Stored: []gluster.StoredVolume{{Name: "server", Bricks: []gluster.Brick{brick(uuid1, "n1", "/x/brick")}}}},
			[]string{"volume-left volume server"},
		},
		{
			"the file gives the brick to another node", state(),
			Seen{UUID: uuid1, Stored: []gluster.StoredVolume{{Name: "kept", Options: ours, Bricks: []gluster.Brick{brick(uuid1, "n1", "/kept/brick")}}}},
			[]string{"brick-left volume kept"},
		},
		{
			"the same where glusterd noted no UUID, by an alias", state(),
			Seen{Stored: []gluster.StoredVolume{{Name: "kept", Options: ours, Bricks: []gluster.Brick{brick("", "cache1", "/kept/brick")}}}},
			[]string{"brick-left volume kept"},
		},
		{
			"the brick has another path in the file", state("/other/brick"),
			Seen{UUID: uuid1, Stored: []gluster.StoredVolume{{Name: "kept", Options: ours, Bricks: []gluster.Brick{brick(uuid1, "n1", "/kept/brick")}}}},
			[]string{"brick-left volume kept"},
		},
		{
			"another pool's volume of the same name", state(),
			Seen{UUID: uuid1, Stored: []gluster.StoredVolume{{Name: "kept", Bricks: []gluster.Brick{brick(uuid1, "n1", "/bricks/a")}}}},
			nil,
		},
		{
			"the node has another name, and the brick is in its place", state("/kept/brick"),
			Seen{UUID: uuid1, Stored: []gluster.StoredVolume{{Name: "kept", Options: ours, Bricks: []gluster.Brick{brick(uuid1, "old-name", "/kept/brick")}}}},
			nil,
		},
		{"a mount of a volume that exists", state(), Seen{Fstab: block(mount), Asked: map[string]Answer{"server": {Exists: true}}}, []string{"volume-left volume server"}},
		{"a mount of a volume that is gone", state(), Seen{Fstab: block(mount), Asked: map[string]Answer{"server": {}}}, nil},
		{"a mount of a volume that nobody tells of", state(), Seen{Fstab: block(mount), Asked: map[string]Answer{"server": {Why: "n2: refused"}}}, []string{"volume-unasked volume server"}},
		{"somebody else's mount", state(), Seen{Fstab: mount + "\n"}, nil},
		{"a mount that left, of a volume in the file", state(), Seen{Fstab: block("n2:/kept /client glusterfs defaults 0 0")}, nil},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			var got []string
			for _, c := range Decide(tc.state, file, tc.see) {
				got = append(got, c.Code+" "+c.Object)
				if c.Code == "brick-left" && len(Bricks(tc.state, tc.see)["kept"]) != 1 {
					t.Errorf("bricks: %v", Bricks(tc.state, tc.see))
				}
				if !strings.Contains(c.Problem, file) || !strings.Contains(c.Remedy, file) {
					t.Errorf("the cluster file is not named: %+v", c)
				}
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("conflicts (-want +got):\n%s", diff)
			}
		})
	}
}

func TestServersAreThoseOfTheLine(t *testing.T) {
	t.Parallel()
	text := block("n2:/server /client glusterfs defaults,_netdev,backup-volfile-servers=n3:n4 0 0", "n2:/other /o glusterfs defaults,backup-volfile-servers=n9 0 0")
	if diff := cmp.Diff([]string{"n2", "n3", "n4"}, servers(text, "server")); diff != "" {
		t.Error(diff)
	}
}

// Nobody at all answers on these: the volume may exist, and nothing is taken away.
func TestAVolumeThatNobodyTellsOfIsRefused(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	fstab := filepath.Join(dir, "fstab")
	if err := os.WriteFile(fstab, []byte(block("n2:/server /client glusterfs defaults 0 0")), 0o600); err != nil {
		t.Fatal(err)
	}
	l := &Looker{
		Store: gluster.Store{Dir: dir}, Fstab: fstab, Timeout: time.Second,
		Dial: func(string) *gluster.Client { return gluster.NewClient("unix", filepath.Join(dir, "nobody")) },
	}
	see, err := l.Look(t.Context(), state())
	if err != nil {
		t.Fatal(err)
	}
	got := Decide(state(), file, see)
	if len(got) != 1 || got[0].Code != "volume-unasked" || !strings.Contains(got[0].Remedy, `"umount /client"`) {
		t.Errorf("%+v", got)
	}
}
