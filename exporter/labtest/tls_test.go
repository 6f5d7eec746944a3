package labtest

import (
	"strings"
	"testing"

	"brickyard/internal/lab"
)

// Which of these this machine's GlusterFS reads depends on how it was built.
func TestCertificatesAreFoundWhereGlusterFSLooks(t *testing.T) {
	t.Parallel()
	l := lab.Start(t, lab.Options{Nodes: 1})
	n := l.Node(0)
	n.Gluster("volume", "create", "server", n.Name+":/bricks/server")
	n.Gluster("volume", "set", "server", "ssl.own-cert", "/srv/own.pem", "ssl.ca-list", "/srv/own.ca")
	places := []string{"/usr/lib/ssl/glusterfs.pem", "/etc/ssl/glusterfs.ca", "/srv/own.pem", "/srv/own.ca"}
	built := n.Run("bash", "-c", `find /usr/lib* -path '*rpc-transport/socket.so' -exec grep -aohE '/[a-z/]+/glusterfs[.]pem' {} +`)
	places = append(places, strings.Fields(built)...)
	for _, path := range places {
		n.Run("bash", "-c", "mkdir -p $(dirname "+path+") && openssl req -x509 -newkey rsa:2048 -nodes -days 9 -subj /CN=n1 -keyout /root/key -out "+path)
	}
	e := start(t, n)
	_, body, err := e.get("/metrics")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range places {
		if !strings.Contains(string(body), `gluster_tls_certificate_expiry_timestamp_seconds{file="`+path+`"} `) {
			t.Errorf("no expiry of %s", path)
		}
	}
}
