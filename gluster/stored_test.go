package gluster_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"brickyard/gluster"
)

func TestStoredVolumes(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := gluster.Store{Dir: dir}
	if got, err := s.Volumes(); err != nil || got != nil {
		t.Errorf("a glusterd that never ran: %v, %v", got, err)
	}
	for name, text := range map[string]string{
		"vols/server/info":                           "type=2\nvolume-id=9246d0d6\nuser.brickyard-options=auth.allow\nauth.allow=10.0.0.1,10.0.0.2\nbrick-0=cache1:-cache_server-brick\n",
		"vols/server/bricks/cache2:-a-b-brick":       "uuid=bdcd4a22\nhostname=cache2\npath=/a-b/brick\nlisten-port=0\n",
		"vols/server/bricks/cache1:-cache_server-br": "uuid=371d64c9\nhostname=cache1\npath=/cache_server/brick\nlisten-port=60097\n",
		"vols/half/bricks/cache1:-half":              "hostname=cache1\npath=/half\n",
		"vols/begun/run/nothing":                     "",
		"vols/no.directory":                          "",
	} {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	got, err := s.Volumes()
	want := []gluster.StoredVolume{{Name: "half", Options: map[string]string{}, Bricks: []gluster.Brick{{Host: "cache1", Path: "/half"}}}, {
		Name: "server", ID: "9246d0d6", Options: map[string]string{"user.brickyard-options": "auth.allow", "auth.allow": "10.0.0.1,10.0.0.2"},
		Bricks: []gluster.Brick{{Host: "cache1", Path: "/cache_server/brick", PeerUUID: "371d64c9"}, {Host: "cache2", Path: "/a-b/brick", PeerUUID: "bdcd4a22"}},
	}}
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
}
