package labtest_test

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"brickyard/internal/lab"
	"brickyard/setup/ansible"
)

// written is what apply has written on a node, and what is mounted there.
const written = `cd /; for f in etc/hosts etc/fstab etc/brickyard etc/systemd/system usr/local/sbin var/lib/glusterd/vols var/lib/glusterd/gluster-setup; do
	[ -e $f ] && find $f -type f ! -name '*.socket' ! -name node_state.info -exec md5sum {} +
done | sort; cut -d' ' -f5- proc/self/mountinfo; pgrep -l '^gluster' | sort`

// withoutVolume is a cluster file that has lost its volumes, with their mounts.
func withoutVolume(text string) string { return text[:strings.Index(text, "volumes:")] }

// withoutMounts is a cluster file that has lost its mounts.
func withoutMounts(text string) string { return text[:strings.Index(text, "mounts:")] }

// The line of the brick's file system was taken out of /etc/fstab without a word, and so was that of the mount: the volume
// went on until the next boot.
func TestAFileWithoutItsVolumeIsRefusedOnEveryNode(t *testing.T) {
	t.Parallel()
	right := cacheFile(2, 1, 2)
	s := newSite(t, lab.Options{Nodes: 2, Clients: 1, Names: names(3)}, right)
	s.converge()
	before := make([]string, 3)
	for i, n := range s.Nodes() {
		before[i] = n.Run("bash", "-c", written)
	}
	unchanged := func(when string) {
		t.Helper()
		for i, n := range s.Nodes() {
			if now := n.Run("bash", "-c", written); now != before[i] {
				t.Errorf("%s, %s: something was changed.\nbefore:\n%s\nafter:\n%s", n.Name, when, before[i], now)
			}
		}
	}
	s.write(withoutVolume(right))
	refused := []string{"does not have volume server", "write volumes.server back into " + s.file}
	for i, n := range s.Nodes() {
		for _, parts := range []string{"host,pool,client", "host", "pool", "client"} {
			s.expect(n, 3, refused, "plan", "--parts", parts)
			s.expect(n, 3, append(refused, "nothing was changed"), "apply", "--parts", parts)
		}
		s.expect(n, 1, refused, "status")
		if _, remedy := s.remedy(n, "volume-left"); remedy == "" {
			t.Error("no remedy")
		}
		if i < 2 {
			for range 2 { // as the timer does
				s.expect(n, 0, nil, "recover")
			}
			s.expect(n, 3, []string{"nobody knows what would be left"}, "ok-to-stop")
		}
	}
	s.expect(s.Node(2), 0, nil, "ok-to-stop")                                          // it serves nothing
	s.expect(s.Node(2), 0, []string{"nobody waits until it serves"}, "wait", "server") // as its mount has it at boot
	s.expect(s.Node(2), 1, []string{"volume other is not in"}, "wait", "other")
	unchanged("with the file on all nodes")

	// The same while its glusterd is down, which its own files outlive.
	second := s.Node(1)
	second.StopGlusterd()
	s.expect(second, 3, refused, "apply")
	second.StartGlusterd()
	s.waitFor("the servers to meet again", func() bool { return !strings.Contains(second.Gluster("peer", "status"), "Disconnected") })

	s.write(right)
	s.converge()
}

// A mount that nobody has any use for goes, with its line and the unit that it required; one that is used stays, and so does
// everything else.
func TestAMountThatLeftTheFileIsTakenAway(t *testing.T) {
	t.Parallel()
	right := cacheFile(2, 1, 2)
	s := newSite(t, lab.Options{Nodes: 2, Clients: 1, Names: names(3)}, right)
	s.converge()
	client := s.Node(2)
	client.Run("bash", "-c", "mkdir /client/dir; echo kept >/client/file")
	before := client.Run("bash", "-c", written)
	s.write(withoutMounts(right))

	for _, use := range []struct{ name, command, says string }{
		{"a working directory", "cd /client/dir; exec sleep 1000", "has its working directory there"},
		{"an open file", "exec sleep 1000 </client/file", "has a file open there"},
	} {
		cmd := client.Command(t.Context(), "bash", "-c", use.command)
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		s.waitFor("the process to use the mount", func() bool { return s.try(client, "plan").code == 3 })
		for _, parts := range []string{"host,pool,client", "host"} {
			o := s.expect(client, 3, []string{"/client", "(sleep) " + use.says}, "apply", "--parts", parts)
			if pid := regexp.MustCompile(`process (\d+) \(sleep\)`).FindStringSubmatch(o.out); pid == nil || strings.TrimSpace(client.Run("cat", "/proc/"+pid[1]+"/comm")) != "sleep" {
				t.Errorf("%s: the process is not named: %s", use.name, o.out)
			}
		}
		if now := client.Run("bash", "-c", written); now != before {
			t.Errorf("something was changed while the mount was in use.\nbefore:\n%s\nafter:\n%s", before, now)
		}
		client.Run("pkill", "-x", "sleep")
		_ = cmd.Wait() //nolint:errcheck // it was ended
	}
	s.waitFor("nobody to use the mount", func() bool { return s.try(client, "plan").code == 2 })
	s.expect(client, 2, []string{"unmount /client", "edit /etc/fstab", "remove /etc/systemd/system/gluster-setup-wait@.service"}, "plan")
	s.expect(client, 0, nil, "apply")
	s.gone(client, "/client", "gluster-setup-wait@")
	s.expect(client, 0, []string{"Nothing to do"}, "plan")
	s.converge()
	s.write(right)
	s.converge()
	if out := client.Run("cat", "/client/file"); out != "kept\n" {
		t.Errorf("the file is %q", out)
	}

	// Another path for it, while a bind mount has a part of it, which goes on without it and would not come back at the next boot.
	s.write(strings.Replace(right, "path: /client", "path: /moved", 1))
	client.Run("bash", "-c", "mkdir /part; mount --bind /client/dir /part")
	s.expect(client, 3, []string{"it is mounted on /part, too"}, "apply")
	client.Run("umount", "/part")
	s.converge()
	s.gone(client, "/client")
	if out := client.Run("cat", "/moved/file"); out != "kept\n" {
		t.Errorf("the file is %q", out)
	}
}

// gone expects that nothing that apply wrote on a node has the words, and no mount. Mounts of the lab itself, this checkout's among them,
// may have them in their paths.
func (s *site) gone(n *lab.Node, words ...string) {
	s.t.Helper()
	labs, err := lab.SharedDirectories()
	if err != nil {
		s.t.Fatal(err)
	}
	out := n.Run("bash", "-c", "cat /etc/fstab; find /etc/systemd/system -name '*gluster*'") + "mounts:\n"
	for point := range strings.Lines(n.Run("cut", "-d ", "-f5", "/proc/self/mountinfo")) {
		if !slices.Contains(labs, strings.TrimSpace(point)) {
			out += point
		}
	}
	for _, w := range words {
		if strings.Contains(out, w) {
			s.t.Errorf("%s: something of %s is left:\n%s", n.Name, w, out)
		}
	}
}

// Everything that leaves the file is gone in the end, wherever runs are killed.
func TestKilledWhileItTakesThingsAwayTheNextRunGoesOn(t *testing.T) {
	t.Parallel()
	base := cacheFile(2, 1, 2)
	more := strings.Replace(base, "nodes: [n3.example.com]}", "nodes: [n1.example.com, n3.example.com]}\n  - {volume: server, path: /second, nodes: [n1.example.com, n3.example.com]}\nexporter: {}\ncheck: {}", 1)
	if more == base {
		t.Fatalf("no mount in:\n%s", base)
	}
	s := newSite(t, lab.Options{Nodes: 2, Clients: 1, Names: names(3)}, more)
	for _, n := range s.Nodes() { // a lab has no systemd that would start it
		if err := os.WriteFile(n.Path("/usr/local/sbin/gluster_exporter"), []byte("#!/bin/sh\n"), 0o755); err != nil { //nolint:gosec // a program
			t.Fatal(err)
		}
	}
	s.converge()
	for _, delay := range []time.Duration{0, 20 * time.Millisecond, 100 * time.Millisecond} {
		s.write(withoutMounts(base))
		for _, i := range []int{2, 0, 1} { // a client first: the servers then let it in no more
			n := s.Node(i)
			steps, err := s.killAtEveryStep(n, delay)
			if err != nil {
				t.Error(err)
			}
			t.Logf("%s: killed after %q", n.Name, steps)
		}
		s.settled()
		for _, n := range s.Nodes() {
			s.gone(n, "/client", "/second", "exporter", "check", "wait@")
		}
		s.gone(s.Node(2), "gluster-setup")
		s.write(more)
		s.converge()
	}
}

// A volume that nobody needs is taken down as the conflict says, and then nothing of it is left on any node.
func TestAVolumeThatWasDeletedIsTakenDown(t *testing.T) {
	t.Parallel()
	right := cacheFile(2, 1, 2)
	s := newSite(t, lab.Options{Nodes: 2, Clients: 1, Names: names(3)}, right)
	s.converge()
	first, client := s.Node(0), s.Node(2)
	client.Run("bash", "-c", "echo old >/client/file")
	s.write(withoutVolume(right))
	_, remedy := s.remedy(first, "volume-left")
	remove := "gluster --mode=script volume stop server && gluster --mode=script volume delete server"
	if !strings.Contains(remedy, `run "`+remove+`"`) {
		t.Fatalf("the remedy is %q", remedy)
	}
	first.Run("bash", "-c", remove)
	s.expect(client, 0, []string{"unmount /client"}, "apply")
	for _, n := range s.Nodes()[:2] {
		problem, remedy := s.remedy(n, "left-files")
		if unmount := "umount /cache_server"; !strings.Contains(problem, "/cache_server/brick/file") || !strings.Contains(remedy, `run "`+unmount+`"`) {
			t.Fatalf("the problem is %q, the remedy %q", problem, remedy)
		} else {
			n.Run("bash", "-c", unmount)
		}
		steps, err := s.killAtEveryStep(n, 0)
		if err != nil {
			t.Error(err)
		}
		t.Logf("%s: killed after %q", n.Name, steps)
	}
	s.settled()
	for _, n := range s.Nodes() {
		s.gone(n, "server", "client", "gluster-setup")
		if out := n.Run("bash", "-c", "ls -d /var/lib/glusterd/gluster-setup* /usr/lib/*/glusterfs/*/filter/gluster-setup* 2>/dev/null || true"); out != "" {
			t.Errorf("%s: files are left: %s", n.Name, out)
		}
	}
	s.write(right)
	s.converge()
	if out := client.Run("ls", "/client"); out != "" {
		t.Errorf("the new volume has files: %s", out)
	}
}

// Nobody can say whether the volume of a mount still exists: its servers are away.
func TestAMountOfAVolumeThatNobodyKnowsOfStays(t *testing.T) {
	t.Parallel()
	right := cacheFile(2, 1, 2)
	s := newSite(t, lab.Options{Nodes: 2, Clients: 1, Names: names(3)}, right)
	s.converge()
	client := s.Node(2)
	for _, n := range s.Nodes()[:2] {
		n.StopGlusterd()
	}
	s.write(withoutVolume(right))
	before := client.Run("bash", "-c", written)
	s.expect(client, 3, []string{"nobody says whether it still exists"}, "apply")
	if now := client.Run("bash", "-c", written); now != before {
		t.Errorf("something was changed.\nbefore:\n%s\nafter:\n%s", before, now)
	}
	_, remedy := s.remedy(client, "volume-unasked")
	unmount := "umount /client"
	if !strings.Contains(remedy, `run "`+unmount+`", and remove the lines with /client from our block in /etc/fstab`) {
		t.Fatalf("the remedy is %q", remedy)
	}
	client.Run("bash", "-c", unmount+"; sed '/client/d' /etc/fstab >/tmp/h; cat /tmp/h >/etc/fstab")
	s.expect(client, 0, nil, "apply")
	s.gone(client, "/client", "gluster-setup")
	s.expect(client, 0, []string{"Nothing to do"}, "plan")
}

// A file that gives the brick of one node to another one is refused by the node that would lose it, which serves nothing by
// that file.
func TestAFileWithoutABrickOfThisNodeIsRefused(t *testing.T) {
	t.Parallel()
	right := cacheFile(2, 1, 2)
	s := newSite(t, lab.Options{Nodes: 2, Clients: 1, Names: names(3)}, right)
	s.converge()
	first := s.Node(0)
	before := first.Run("bash", "-c", written)
	for _, edit := range [][2]string{
		{"nodes: [n1.example.com, n2.example.com]", "nodes: [n2.example.com, n3.example.com]"},
		{"mount: /cache_server", "mount: /elsewhere"},
	} {
		edited := strings.Replace(right, edit[0], edit[1], 1)
		if edited == right {
			t.Fatalf("no %q in:\n%s", edit[0], right)
		}
		s.write(edited)
		if _, remedy := s.remedyOf(first, "brick-left", "--parts", "host"); !strings.Contains(remedy, "has the brick /cache_server/brick on n1.example.com") {
			t.Errorf("the remedy is %q", remedy)
		}
		for _, parts := range []string{"host,pool,client", "host", "pool", "client"} {
			s.expect(first, 3, []string{"nothing was changed"}, "apply", "--parts", parts)
		}
		s.expect(s.Node(1), 3, []string{"nothing was changed"}, "apply")
	}
	if now := first.Run("bash", "-c", written); now != before {
		t.Errorf("something was changed.\nbefore:\n%s\nafter:\n%s", before, now)
	}
	s.write(right)
	s.converge()
}

// Check mode shows what goes as it then goes, with codes, and the diff has the file that is removed.
func TestModulePredictsWhatItTakesBack(t *testing.T) {
	t.Parallel()
	right := cacheFile(2, 1, 2)
	s := newSite(t, lab.Options{Nodes: 2, Clients: 1, Names: names(3)}, right)
	s.converge()
	s.write(withoutMounts(right))
	client := s.Nodes()[2:]
	predicted := s.modules(client, map[string]any{"_ansible_check_mode": true})[0]
	made := s.modules(client, nil)[0]
	if diff := cmp.Diff(steps(predicted.Changes), steps(made.Changes)); diff != "" {
		t.Errorf("predicted and made (-predicted +made):\n%s", diff)
	}
	var codes []string
	for _, c := range made.Changes {
		if strings.HasPrefix(c.Code, "left-") {
			codes = append(codes, c.Code+" "+c.Action+" "+c.Object)
		}
	}
	want := []string{"left-mount unmount /client", "left-line edit /etc/fstab", "left-unit remove /etc/systemd/system/gluster-setup-wait@.service"}
	if diff := cmp.Diff(want, codes); diff != "" {
		t.Errorf("codes (-want +got):\n%s", diff)
	}
	if !slices.ContainsFunc(predicted.Diff, func(d ansible.Diff) bool {
		return strings.HasSuffix(d.BeforeHeader, "gluster-setup-wait@.service") && d.Before != nil && *d.Before != "" && d.After != nil && *d.After == ""
	}) {
		t.Errorf("the unit that goes is not in the diff: %+v", predicted.Diff)
	}
	if again := s.modules(client, nil)[0]; again.Changed || !again.Settled {
		t.Errorf("the second run has changes: %q", steps(again.Changes))
	}
}
