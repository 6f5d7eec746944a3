package labtest_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"brickyard/internal/lab"
)

// slowNotices delays what the process mounted on a path tells the kernel on its own account, which is how GlusterFS
// has the kernel forget the contents of a file. Answers to the kernel's questions are written by other threads.
const slowNotices = `
for t in /proc/$1/task/*; do
  case $(cat $t/comm) in *fusenoti*)
    strace -qq -o /dev/null -p ${t##*/} -e trace=writev -e inject=writev:delay_enter=300000 >/dev/null 2>&1 &
    echo $!
    exit
  esac
done
echo "no thread of this name: $(cat /proc/$1/task/*/comm)" >&2
exit 1
`

func TestAReadReturnsWhatAnotherNodeWrote(t *testing.T) {
	t.Parallel()
	s := newSite(t, lab.Options{Nodes: 2, Clients: 2, Names: names(4)}, clusterFile(2, 2, 2))
	s.converge()
	writer, reader := s.Node(2), s.Node(3)
	s.connected(writer, s.Nodes()[:2])
	s.connected(reader, s.Nodes()[:2])
	reader.Run("bash", "-c", "mkdir /bare; mount -t glusterfs "+s.Node(0).Name+":/server /bare")
	for _, path := range []string{"/client", "/bare"} {
		tracer := strings.TrimSpace(reader.Run("bash", "-c", slowNotices, "bash", mountProcessAt(t, reader, path)))
		t.Cleanup(func() {
			reader.Run("bash", "-c", "kill $1; while test -e /proc/$1; do sleep 0.1; done", "bash", tracer)
		})
	}
	const files = 20
	write := func(k int) {
		writer.Run("bash", "-c", fmt.Sprintf("for i in $(seq %d); do echo %06d >/client/$i; done", files, k))
		time.Sleep(1200 * time.Millisecond) // for as long as the kernel believes in attributes and names
	}
	wrong := func(path string, k int) int {
		out := reader.Run("bash", "-c", fmt.Sprintf("for i in $(seq %d); do cat %s/$i; done", files, path))
		return files - strings.Count(out, fmt.Sprintf("%06d\n", k))
	}
	var bare int
	for k := range 3 {
		write(k)
		if n := wrong("/client", k); n != 0 {
			t.Errorf("%d of %d files were read with what they held before", n, files)
		}
		bare += wrong("/bare", k)
	}
	if bare == 0 {
		t.Errorf("GlusterFS's own mount returned nothing old: is %s still needed?", "auto-invalidation=yes")
	}
	t.Logf("a mount without our options: %d of %d reads", bare, 3*files)

	const warning = "mount /client runs without auto-invalidation=yes"
	s.well(reader, "is well")
	reader.Run("bash", "-c", "umount -l /client; mount -t glusterfs -o nosuid,nodev "+s.Node(0).Name+":/server /client")
	s.well(reader, warning)
	s.expect(reader, 0, []string{warning, "Nothing to do"}, "plan")
}
