package volfilter

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"

	"golang.org/x/sys/unix"

	"brickyard/gluster"
	"brickyard/setup/machine"
)

// libraries are the patterns of where distributions put GlusterFS's translators.
var libraries = []string{"usr/lib/*/glusterfs/*", "usr/lib64/glusterfs/*", "usr/lib/glusterfs/*", "usr/local/lib/glusterfs/*"}

// Look reads the machine whose files begin at root; keeps says whether its tmpfs
// keeps user attributes, which matters only where there are bricks on one.
func Look(root string, bricks []string, keeps func() (bool, error)) (Node, error) {
	n := Node{Keeps: true, Filters: map[string]string{}, Volfiles: map[string]string{}}
	if len(bricks) > 0 {
		var err error
		if n.Keeps, err = keeps(); err != nil {
			return n, err
		}
	}
	for _, pattern := range libraries {
		for _, translator := range glob(root, pattern+"/xlator/storage/posix.so") {
			n.Dirs = append(n.Dirs, filepath.Join(translator, "../../../filter"))
		}
		for _, path := range glob(root, filepath.Join(pattern, "filter", name)) {
			if err := read(n.Filters, path); err != nil {
				return n, err
			}
		}
	}
	if n.Keeps {
		return n, nil // no volfile needs a look
	}
	for _, path := range glob(root, filepath.Join(gluster.DefaultWorkdir, "vols/*/*.vol")) {
		if err := read(n.Volfiles, path); err != nil {
			return n, err
		}
	}
	return n, nil
}

// glob finds files below a directory; the pattern is always a good one.
func glob(root, pattern string) []string {
	found, err := filepath.Glob(filepath.Join(root, pattern))
	if err != nil {
		panic(err)
	}
	return found
}

// read adds a file's text; one that is not there adds nothing.
func read(texts map[string]string, path string) error {
	b, err := os.ReadFile(path) //nolint:gosec // glusterd's own directory
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err == nil {
		texts[path] = string(b)
	}
	return err
}

// Do makes the changes, in order.
func Do(ctx context.Context, exec machine.Exec, acts []Act) error {
	for _, a := range acts {
		if err := a.do(ctx, exec); err != nil {
			return err
		}
	}
	return nil
}

func (a Act) do(ctx context.Context, exec machine.Exec) error {
	switch a.Action {
	case Write:
		if err := os.MkdirAll(filepath.Dir(a.Path), 0o755); err != nil { //nolint:gosec // as all directories of packages
			return err
		}
		return machine.WriteFile(a.Path, []byte(a.Text), 0o755)
	case Remove:
		if err := os.Remove(a.Path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		// Only when it is empty: others may keep filters there.
		if err := os.Remove(filepath.Dir(a.Path)); err != nil && !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, unix.ENOTEMPTY) {
			return err
		}
		return nil
	default:
		_, err := exec(ctx, nil, a.By, a.Path)
		return err
	}
}

// Keeps reports whether a tmpfs of the running kernel keeps user attributes. It
// asks one that is mounted nowhere, or, where that is forbidden as in many
// containers, one that is mounted on every machine with systemd.
func Keeps() (bool, error) {
	keeps, err := ownTmpfs()
	if err == nil {
		return keeps, nil
	}
	for _, dir := range []string{"/run", "/dev/shm"} {
		var st unix.Statfs_t
		if unix.Statfs(dir, &st) == nil && st.Type == unix.TMPFS_MAGIC {
			if keeps, err = answers(dir); err == nil {
				return keeps, nil
			}
		}
	}
	return false, fmt.Errorf("find out whether a tmpfs keeps user attributes: %w", err)
}

// ownTmpfs asks a tmpfs that is gone with its descriptor.
func ownTmpfs() (bool, error) {
	config, err := unix.Fsopen("tmpfs", unix.FSOPEN_CLOEXEC)
	if err != nil {
		return false, fmt.Errorf("fsopen: %w", err)
	}
	defer unix.Close(config) //nolint:errcheck // nothing was written
	if err := unix.FsconfigCreate(config); err != nil {
		return false, fmt.Errorf("fsconfig: %w", err)
	}
	mount, err := unix.Fsmount(config, unix.FSMOUNT_CLOEXEC, 0)
	if err != nil {
		return false, fmt.Errorf("fsmount: %w", err)
	}
	defer unix.Close(mount) //nolint:errcheck // nothing was written
	// The descriptor of a mount is a path only, whose attributes cannot be asked for directly.
	return answers("/proc/self/fd/" + strconv.Itoa(mount))
}

// answers asks for the attribute that a brick asks for.
func answers(dir string) (bool, error) {
	_, err := unix.Getxattr(dir, "user.x", nil)
	switch {
	case err == nil, errors.Is(err, unix.ENODATA):
		return true, nil
	case errors.Is(err, unix.EOPNOTSUPP):
		return false, nil
	}
	return false, fmt.Errorf("getxattr %s: %w", dir, err)
}
