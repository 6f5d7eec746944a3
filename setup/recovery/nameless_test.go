package recovery

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"
	"golang.org/x/sys/unix"
)

// fakeBrick is a directory with names and gfids as a brick process makes them.
type fakeBrick struct {
	t   *testing.T
	dir string
}

func newFakeBrick(t *testing.T) fakeBrick {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Fatal("needs root: trusted attributes are for root only")
	}
	b := fakeBrick{t, t.TempDir()}
	b.gfid("", rootID)
	b.handle(rootID, "../../..")
	return b
}

func (b fakeBrick) ok(err error) {
	b.t.Helper()
	if err != nil {
		b.t.Fatal(err)
	}
}

func (b fakeBrick) path(name string) string { return filepath.Join(b.dir, name) }

func (b fakeBrick) gfid(name, id string) {
	b.t.Helper()
	raw := uuid.MustParse(id)
	b.ok(unix.Lsetxattr(b.path(name), "trusted.gfid", raw[:], 0))
}

// handle makes the link below .glusterfs for a gfid.
func (b fakeBrick) handle(id, target string) {
	b.t.Helper()
	path := filepath.Join(b.dir, ".glusterfs", id[:2], id[2:4], id)
	b.ok(os.MkdirAll(filepath.Dir(path), 0o700))
	b.ok(os.Symlink(target, path))
}

// directory makes a directory of the volume.
func (b fakeBrick) directory(parentID, parent, name, id string) {
	b.t.Helper()
	b.ok(os.Mkdir(b.path(filepath.Join(parent, name)), 0o755))
	b.gfid(filepath.Join(parent, name), id)
	b.handle(id, "../../"+parentID[:2]+"/"+parentID[2:4]+"/"+parentID+"/"+name)
}

func (b fakeBrick) file(name, text string) {
	b.t.Helper()
	b.ok(os.WriteFile(b.path(name), []byte(text), 0o644))
}

func (b fakeBrick) there(names ...string) {
	b.t.Helper()
	for _, name := range names {
		if _, err := os.Lstat(b.path(name)); err != nil {
			b.t.Error(err)
		}
	}
}

const (
	idA, idB, idC = "5aa9ca32-4221-4350-b443-c9961d8b34d8", "6bb9ca32-4221-4350-b443-c9961d8b34d8", "7cc9ca32-4221-4350-b443-c9961d8b34d8"
	idKnown       = "8dd9ca32-4221-4350-b443-c9961d8b34d8"
	idLink        = "9ee9ca32-4221-4350-b443-c9961d8b34d8"
)

func TestNamesWithoutGfidAreRemoved(t *testing.T) {
	b := newFakeBrick(t)
	b.directory(rootID, "", "a", idA)
	b.directory(idA, "a", "b", idB)
	b.directory(rootID, "", "c", idC)
	for name, text := range map[string]string{"nameless": "", "a/known": "", "a/nameless": "", "a/full": "text", "a/b/nameless": "", "c/elsewhere": ""} {
		b.file(name, text)
	}
	b.gfid("a/known", idKnown)
	b.ok(os.Mkdir(b.path("a/made"), 0o755))
	b.ok(os.Mkdir(b.path("a/filled"), 0o755))
	b.file("a/filled/x", "")
	b.ok(os.Symlink("x", b.path("a/link")))

	dirs := []string{"/a", "<gfid:" + idB + ">", "/a/known", "/gone", "<gfid:short>", "<gfid:" + idC + ">/elsewhere", "relative", "/", "/.glusterfs", "/a/..", "//c"}
	seen, began := nameless{}, time.Now()
	for _, at := range []time.Duration{0, creationTime - time.Second} {
		if got, err := seen.remove(b.dir, dirs, began.Add(at)); err != nil || len(got) > 0 {
			t.Errorf("names in the making: removed %q, %v", got, err)
		}
	}
	// A name that was made meanwhile is as young as any, whatever the clock says.
	b.file("a/young", "")
	got, err := seen.remove(b.dir, dirs, began.Add(time.Hour))
	slices.Sort(got)
	want := []string{b.path("a/b/nameless"), b.path("a/link"), b.path("a/made"), b.path("a/nameless"), b.path("nameless")}
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("removed %q, %v, want %q", got, err, want)
	}
	b.there("a/young", "a/known", "a/full", "a/filled/x", "a/b", "c/elsewhere", ".glusterfs/00/00/"+rootID)
}

// removeOld removes what has been there for a while.
func removeOld(b fakeBrick, entries ...string) ([]string, error) {
	seen, now := nameless{}, time.Now()
	if got, err := seen.remove(b.dir, entries, now); err != nil || len(got) > 0 {
		return got, err
	}
	return seen.remove(b.dir, entries, now.Add(time.Minute))
}

// A link in a volume leads where its owner wants. GlusterFS keeps it below
// .glusterfs like the links of its own, and heal info names it when it waits.
func TestLinksOfUsersAreNotFollowed(t *testing.T) {
	b := newFakeBrick(t)
	outside := fakeBrick{t, t.TempDir()}
	outside.file("empty", "")
	outside.ok(os.Mkdir(outside.path("directory"), 0o755))
	outside.ok(os.Symlink("empty", outside.path("link")))

	b.directory(rootID, "", "a", idA)
	b.file("a/nameless", "")
	made := map[string]string{
		"absolute": outside.dir, "relative": "../" + filepath.Base(outside.dir), "internal": ".glusterfs/00/00", "inside": "a",
		"handle": "../../" + idA[:2] + "/" + idA[2:4] + "/" + idA + "/../../" + filepath.Base(outside.dir),
		"alike":  "../../00/00/" + rootID + "/a",
	}
	for name, target := range made {
		b.ok(os.Symlink(target, b.path(name)))
		b.gfid(name, idLink)
		b.handle(idLink, target)
		got, err := removeOld(b, "/"+name, "/"+name+"/directory", "<gfid:"+idLink+">")
		if err != nil || len(got) > 0 {
			t.Errorf("link to %s: removed %q, %v", target, got, err)
		}
		b.ok(os.Remove(filepath.Join(b.dir, ".glusterfs", idLink[:2], idLink[2:4], idLink)))
	}
	outside.there("empty", "directory", "link")
	b.there("a/nameless", ".glusterfs/00/00/"+rootID)

	b.gfid("a", idB)
	if got, err := removeOld(b, "<gfid:"+idA+">"); err != nil || len(got) > 0 {
		t.Errorf("a directory with another gfid than its link says: removed %q, %v", got, err)
	}
}
