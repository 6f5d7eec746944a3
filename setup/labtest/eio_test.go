package labtest_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"brickyard/internal/lab"
)

// A file system whose last group holds nothing yet, with its inode table of its own: where the disk ends before that group, all else
// can be read. The seed says in which groups the kernel puts directories of the root; without one it takes the last group one time in
// eight, and then the brick itself cannot be read. Nobody has the loop device but the mount, so it goes when the mount goes, also when the test is killed.
const (
	makeDisk = `truncate -s 64m "$0"; mkfs.ext4 -q -b 1024 -O ^flex_bg,^extent,^64bit,^resize_inode -E hash_seed=6a1f7a52-5a4e-4b5e-9c7d-000000000001 "$0"; mkdir -p /bricks/server`
	// Direct, since a loop device that reads through the page cache returns zeros beyond the end of its file.
	mountDisk = `loop=$(losetup --find --show --direct-io=on "$0"); mount "$loop" /bricks/server || failed=1; losetup -d "$loop"; [ ! "${failed:-}" ]`
	// bad has its inode there, text its contents, and sub its list of names.
	breakDisk = `umount /bricks/server
		field() { dumpe2fs "$0" 2>/dev/null | sed -n "s/^ *$1 *\([0-9]*\).*/\1/p" | tail -n 1; }
		inode=$(field "Inode count:"); blocks=$(field "Block count:")
		debugfs -w -f - "$0" <<-END
			sif <$inode> mode 0100644
			sif <$inode> links_count 1
			unlink brick/dir/bad
			ln <$inode> brick/dir/bad
			sif brick/dir/text block[0] $((blocks-1))
			sif brick/dir/sub block[0] $((blocks-2))
		END
		` + mountDisk + `
		truncate -s "$(field "Inode table at")K" "$0"
		for c in "stat bad" "cat text" "ls sub"; do (cd /bricks/server/brick/dir; ! LC_ALL=C $c 2>&1) | grep "Input/output error"; done`
)

// A disk has sectors that it cannot read: in them were the inode of a file, the contents of another one, and the names of a directory.
// The kernel says EIO for those three. check names them and compares everything else; so does the comparison after a power cut.
func TestWhatADiskCannotReadIsNamedAndEverythingElseIsCompared(t *testing.T) {
	t.Parallel()
	s := newSite(t, lab.Options{Nodes: 2, Clients: 1, Names: names(3)}, clusterFile(2, 1, 2))
	first, second, client := s.Node(0), s.Node(1), s.Node(2)
	disk := filepath.Join(t.TempDir(), "disk") // a loop device reads directly what is on a disk, and not all kernels what is in a tmpfs
	second.Run("bash", "-euc", makeDisk+"; "+mountDisk, disk)
	s.converge()
	s.connected(client, s.Nodes()[:2])
	client.Run("bash", "-euc", `cd /client; mkdir -p dir/sub later; for f in dir/{a,bad,sub/below,text,z} later/{mode,lost}; do echo old >$f; done`)
	s.expect(second, 0, nil, "recover", "--timeout", "4m")
	if doc, code := s.check(first, "--content"); code != 0 || !doc.Equal || doc.Sets[0].Entries != 10 {
		t.Fatalf("before the disk is broken: exit code %d, %+v", code, doc)
	}

	second.StopGlusterd()
	second.KillBrick(onBrick)
	s.expect(second, 0, nil, "guard", "--stopped")
	second.Run("bash", "-eu", "-o", "pipefail", "-c", breakDisk, disk)
	behind(second, "chmod 0600 later/mode")
	s.boot(second)
	s.expect(second, 0, nil, "recover", "--timeout", "4m")
	// A brick lists a directory that it cannot read as an empty one: what the other brick has in it is what cannot be read.
	want := map[string][]string{"/dir/bad": {"unreadable"}, "/dir/text": {"unreadable"}, "/dir/sub/below": {"unreadable"}, "/later/mode": {"mode"}}
	doc, code := s.check(first, "--content")
	if diff := cmp.Diff(want, doc.kinds()); diff != "" || code != 3 || doc.Equal || doc.Sets[0].Entries != 10 {
		t.Errorf("exit code %d, %+v, (-want +got):\n%s", code, doc, diff)
	}
	s.expect(second, 3, []string{"unreadable", "input/output error", "look at the brick's file system"}, "check", "--content")

	client.Run("bash", "-euc", "echo new >/client/later/lost; chmod 0640 /client/later/mode")
	cut(second)
	behind(second, "echo old >later/lost")
	s.boot(second)
	recovery := s.start(second, "recover")
	recovery.says("undecided names, of which there are 2")
	s.waitFor("the file that the power cut took back to be healed", func() bool {
		text, err := os.ReadFile(second.Path(onBrick + "/later/lost"))
		return err == nil && string(text) == "new\n"
	})
	if err := second.Signal(recovery.cmd, syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	recovery.wait().check(t, "a recover that is terminated", 1)
	j := s.journal(second)
	if len(j.Resynced) != 1 || j.Resynced[0].Undecided != 2 || !slices.Equal(slices.Sorted(slices.Values(j.Resynced[0].Listed)), []string{"/dir/bad", "/dir/sub"}) {
		t.Errorf("journal: %+v", j)
	}
	if out := client.Run("bash", "-c", "sleep 1.2; cd /client; cat dir/a dir/bad dir/sub/below dir/text dir/z later/lost"); out != strings.Repeat("old\n", 5)+"new\n" {
		t.Errorf("a client reads %q", out)
	}
}
