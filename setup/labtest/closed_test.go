package labtest_test

import (
	"errors"
	"io/fs"
	"os"
	"strings"
	"testing"

	"brickyard/internal/lab"
)

// A power cut with everything that may go wrong around it: the cluster file was being edited and cannot be read, the volume
// has a path that is longer than the kernel takes, and the disk of /var takes nothing.
func TestASuspectBrickIsComparedWhateverElseIsBroken(t *testing.T) {
	t.Parallel()
	s := newSite(t, lab.Options{Nodes: 2, Clients: 1, Names: names(3)}, clusterFile(2, 1, 2))
	s.converge()
	second, client := s.Node(1), s.Node(2)
	s.connected(client, s.Nodes()[:2])
	client.Run("bash", "-euc", `cd /client; mkdir dir; echo old >dir/lost
		for length in 200 20 1; do
			name=$(printf 'd%.0s' $(seq $length)); while mkdir $name 2>/dev/null && cd $name 2>/dev/null; do depth=$((${depth:-0} + length + 1)); done
		done
		echo "$depth" >/client/depth; [ "$depth" -gt 3900 ]; cd ..; echo deep >f`)
	s.expect(second, 0, nil, "recover", "--timeout", "10m")
	client.Run("bash", "-euc", "echo new >/client/dir/lost; echo new >/client/dir/created")
	cut(second)
	behind(second, `echo old >dir/lost; forget dir/created`)

	text := s.text()
	s.write("nodes: {" + text)
	if o := s.try(second, "guard"); o.code != 1 {
		t.Errorf("guard with a broken cluster file ends with %d: %s", o.code, o.out)
	}
	second.Run(os.Getenv(program), "guard", "--directory=server=/bricks/server") // as the unit does
	if _, err := os.Stat(second.Path(onBrick)); !errors.Is(err, fs.ErrNotExist) {
		t.Fatalf("the brick is in its place before it was compared: %v", err)
	}
	second.StartGlusterd()
	s.write(text)
	second.Run("bash", "-euc", "mount -t tmpfs -o ro,mode=0755 tmpfs /var/lib/brickyard")
	s.expect(second, 0, []string{"compared after a power cut", "word of the recovery cannot be left"}, "recover", "--timeout", "10m")
	s.waitFor("nothing to wait to be healed", func() bool { return s.healed() })
	for _, name := range []string{"dir/lost", "dir/created"} {
		if text, err := os.ReadFile(second.Path(onBrick + "/" + name)); err != nil || string(text) != "new\n" {
			t.Errorf("%s: %q, %v", name, text, err)
		}
	}
	second.Run("umount", "/var/lib/brickyard")
	s.expect(second, 0, nil, "recover", "--timeout", "10m")
	if j := s.journal(second); len(j.Unclean) != 1 {
		t.Errorf("journal: %+v", j)
	}
	if out := client.Run("find", "/client", "-name", "f", "-execdir", "cat", "{}", ";"); strings.TrimSpace(out) != "deep" {
		t.Errorf("the deep file holds %q", out)
	}
	for _, n := range s.Nodes()[:2] {
		s.well(n)
	}
}
