//go:build record

package gluster_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"brickyard/gluster"
	"brickyard/gluster/dict"
	"brickyard/gluster/rpc"
	"brickyard/gluster/xdr"
	"brickyard/internal/lab"
)

// TestRecord writes testdata/glusterfs-VERSION: replies as they came over the sockets, and what the command line said of the
// same in XML. Run it with "go test -tags record -run TestRecord ./gluster", with LAB_ROOT for other versions.
func TestRecord(t *testing.T) {
	l := cluster(t, lab.Options{})
	n := l.Node(0)
	l.Node(1).KillBrick("/bricks/three")
	version := strings.Fields(n.Gluster("--version"))[1]
	dir := filepath.Join("testdata", "glusterfs-"+version)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	save := func(name string, b []byte) {
		if err := os.WriteFile(filepath.Join(dir, name), b, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	request := func(pairs map[string]string) []byte { return xdr.AppendOpaque(nil, dict.New(pairs).Marshal()) }
	glusterd := rpc.NewConn(gluster.DialForTest(n.Path(gluster.DefaultSocket)), 0, 0)
	for _, r := range []struct {
		name   string
		number uint32
		args   []byte
		cli    []string
	}{
		{"pool-list", 3, append([]byte{0, 0, 0, 2}, request(nil)...), []string{"pool", "list"}},
		{"volume-list", 33, request(nil), []string{"volume", "list"}},
		{"info-three", 5, request(map[string]string{"flags": "2", "volname": "three"}), []string{"volume", "info", "three"}},
		{"info-spread", 5, request(map[string]string{"flags": "2", "volname": "spread"}), []string{"volume", "info", "spread"}},
		{"info-witness", 5, request(map[string]string{"flags": "2", "volname": "witness"}), []string{"volume", "info", "witness"}},
		{"info-idle", 5, request(map[string]string{"flags": "2", "volname": "idle"}), []string{"volume", "info", "idle"}},
		{"status-three", 27, request(map[string]string{"cmd": "256", "volname": "three"}), []string{"volume", "status", "three"}},
		{"detail-three", 27, request(map[string]string{"cmd": "288", "volname": "three"}), []string{"volume", "status", "three", "detail"}},
	} {
		call := func() []byte {
			body, err := glusterd.Call(t.Context(), rpc.Procedure{Program: 1238463, Version: 2, Number: r.number}, r.args)
			if err != nil {
				t.Fatal(err)
			}
			return body
		}
		decode := func(body []byte) gluster.Status {
			s, err := gluster.DecodeStatus(body)
			if err != nil && r.number == 27 {
				t.Fatal(err)
			}
			return s
		}
		// Free space and inodes change as the bricks come up.
		lab.WaitFor(t, "what is to be recorded", func() bool {
			before := call()
			doc := n.Gluster(append([]string{"--xml"}, r.cli...)...)
			body := call()
			save(r.name+".bin", body)
			save(r.name+".xml", []byte(doc))
			return cmp.Equal(decode(before), decode(body))
		})
	}
	n.Gluster("get-state", "glusterd", "odir", "/run", "file", "state")
	state, err := os.ReadFile(n.Path("/run/state"))
	if err != nil {
		t.Fatal(err)
	}
	save("get-state.txt", state)
}
