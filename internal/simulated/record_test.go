//go:build record

package simulated_test

import (
	"context"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"brickyard/gluster"
	"brickyard/gluster/dict"
	"brickyard/gluster/rpc"
	"brickyard/gluster/xdr"
	"brickyard/internal/lab"
)

// TestRecord writes recorded/glusterfs-VERSION: replies about one volume of two sets of three bricks, mounted and profiled, as they came over the
// sockets of one node of three. Run it with "go test -tags record -run TestRecord ./internal/simulated", with LAB_ROOT for other versions.
func TestRecord(t *testing.T) {
	l := lab.Start(t, lab.Options{Clients: 1})
	l.Pool()
	n := l.Node(0)
	spec := gluster.VolumeSpec{Name: "recorded", Replica: 3}
	for _, dir := range []string{"/bricks/one", "/bricks/two"} {
		for i := range 3 {
			spec.Bricks = append(spec.Bricks, gluster.Brick{Host: l.Node(i).Name, Path: dir})
		}
	}
	for _, c := range []gluster.Command{gluster.VolumeCreate(spec), gluster.VolumeStart(spec.Name)} {
		if err := n.CLI().Run(t.Context(), c); err != nil {
			t.Fatal(err)
		}
	}
	n.Gluster("volume", "profile", spec.Name, "start")
	client := l.Node(3)
	client.Run("mkdir", "/client")
	lab.WaitFor(t, "the mount", func() bool {
		return client.Command(t.Context(), "mount", "-t", "glusterfs", "n1:/"+spec.Name, "/client").Run() == nil
	})
	// A little of everything, and a crawl that has healed.
	work := `mkdir -p /client/$0 && for i in 1 2 3 4 5 6 7 8 9 10; do head -c "$((i * 10000))" /dev/urandom >/client/$0/$i; done
		cat /client/$0/* >/dev/null; mv /client/$0/1 /client/$0/one; rm /client/$0/2; ls -l /client/$0; ln -s one /client/$0/link; chmod 600 /client/$0/3; sync /client/$0/3`
	client.Run("bash", "-c", work, "first")
	l.Node(1).KillBrick("/bricks/one")
	client.Run("bash", "-c", work, "second")
	n.Gluster("volume", "start", spec.Name, "force")

	daemons, err := gluster.SelfHealProcesses(n.Path("/proc"))
	if err != nil || len(daemons) != 1 {
		t.Fatalf("%+v, %v", daemons, err)
	}
	heal := gluster.NewBrickClient(n.Path(daemons[0].Socket))
	lab.WaitFor(t, "all bricks to be complete", func() bool {
		pending, err := heal.PendingHeals(t.Context(), spec.Name, 2)
		for _, p := range pending {
			if p.Status != "" || p.Entries > 0 {
				return false
			}
		}
		return err == nil
	})
	bricks, err := gluster.BrickProcesses(n.Path("/proc"))
	if err != nil || len(bricks) != 2 {
		t.Fatalf("%+v, %v", bricks, err)
	}
	dir := filepath.Join("recorded", "glusterfs-"+strings.Fields(n.Gluster("--version"))[1])
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	record := func(name, socket string, p rpc.Procedure, args []byte) {
		conn := rpc.NewConn(func(ctx context.Context) (net.Conn, error) {
			var d net.Dialer
			return d.DialContext(ctx, "unix", n.Path(socket))
		}, 0, 0)
		body, err := conn.Call(t.Context(), p, args)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name+".bin"), body, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	cli := func(number uint32) rpc.Procedure { return rpc.Procedure{Program: 1238463, Version: 2, Number: number} }
	brick := func(number uint32) rpc.Procedure { return rpc.Procedure{Program: 4867634, Version: 2, Number: number} }
	request := func(pairs map[string]string) []byte { return xdr.AppendOpaque(nil, dict.New(pairs).Marshal()) }
	operation := func(name string, pairs map[string]string) []byte {
		b := xdr.AppendOpaque(nil, name)
		b = xdr.AppendInt32(b, 0)
		b = xdr.AppendOpaque(b, dict.New(pairs).Marshal())
		return xdr.AppendOpaque(b, "")
	}
	record("uuid", gluster.DefaultSocket, cli(36), request(nil))
	record("pool-list", gluster.DefaultSocket, cli(3), append([]byte{0, 0, 0, 2}, request(nil)...))
	record("volume-list", gluster.DefaultSocket, cli(33), request(nil))
	record("volume-info", gluster.DefaultSocket, cli(5), request(map[string]string{"flags": "2", "volname": spec.Name}))
	b := bricks[0]
	record("brick-clients", b.Socket, brick(4), operation(b.Path, map[string]string{"brick-name": b.Path, "cmd": "2"}))
	record("brick-profile", b.Socket, brick(2), operation(b.Path, map[string]string{"op": "3", "info-op": "3", "peek": "1"}))
	for name, number := range map[string]int{"heal-statistics": 7, "heal-count": 8} {
		record(name, daemons[0].Socket, brick(3), operation("", map[string]string{
			"xl-op": strconv.Itoa(number), "count": "2",
			"xl-0": "recorded-replicate-0", "recorded-replicate-0": "0", "xl-1": "recorded-replicate-1", "recorded-replicate-1": "1",
		}))
	}
	for name, path := range map[string]string{
		"maps": "/proc/" + strconv.Itoa(b.PID) + "/maps", "limits": "/proc/" + strconv.Itoa(b.PID) + "/limits", "stat": "/proc/" + strconv.Itoa(b.PID) + "/stat",
		"info": "/var/lib/glusterd/vols/recorded/info", "cksum": "/var/lib/glusterd/vols/recorded/cksum",
		"node_state.info": "/var/lib/glusterd/vols/recorded/node_state.info", "glusterd.info": "/var/lib/glusterd/glusterd.info",
	} {
		text, err := os.ReadFile(n.Path(path))
		if err != nil {
			t.Fatal(err)
		}
		text = regexp.MustCompile("(?m)^(username|password)=.*$").ReplaceAll(text, []byte("$1=removed"))
		if err := os.WriteFile(filepath.Join(dir, name), text, 0o644); err != nil {
			t.Fatal(err)
		}
	}
}
