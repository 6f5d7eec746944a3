package labtest

import (
	"os"
	"strings"
	"testing"

	"brickyard/internal/lab"
)

// A working directory that is not where the exporter looks for it must not look like a machine without a glusterd.
func TestAStoreThatIsElsewhereIsSaid(t *testing.T) {
	t.Parallel()
	l := lab.Start(t, lab.Options{Nodes: 1, Stopped: true})
	n := l.Node(0)
	n.Run("mkdir", "/srv/glusterd")
	n.Run("sed", "-i", "s#option working-directory.*#option working-directory /srv/glusterd#", "/etc/glusterfs/glusterd.vol")
	n.StartGlusterd()
	e := start(t, n)
	_, body, err := e.get("/metrics")
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range []string{"gluster_up 1", "gluster_server 1", `gluster_exporter_collector_success{collector="config"} 0`} {
		if !strings.Contains(string(body), line+"\n") {
			t.Errorf("no line %q", line)
		}
	}
	if log, err := os.ReadFile(e.log); err != nil || !strings.Contains(string(log), "/var/lib/glusterd: glusterd answers, and does not keep its store there: name its working directory with --path.workdir") {
		t.Errorf("%v, the log:\n%s", err, log)
	}
}

// The flag that the log names.
func TestAStoreThatIsElsewhereIsReadWhereItIsToldToBe(t *testing.T) {
	t.Parallel()
	l := lab.Start(t, lab.Options{Nodes: 1, Stopped: true})
	n := l.Node(0)
	n.Run("mkdir", "/srv/glusterd")
	n.Run("sed", "-i", "s#option working-directory.*#option working-directory /srv/glusterd#", "/etc/glusterfs/glusterd.vol")
	n.StartGlusterd()
	e := start(t, n, "--path.workdir=/srv/glusterd")
	_, body, err := e.get("/metrics")
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range []string{"gluster_server 1", `gluster_exporter_collector_success{collector="config"} 1`} {
		if !strings.Contains(string(body), line+"\n") {
			t.Errorf("no line %q", line)
		}
	}
}
