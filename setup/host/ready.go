package host

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"

	"brickyard/gluster"
	"brickyard/setup/change"
	"brickyard/setup/desired"
	"brickyard/setup/machine"
)

// ready plans the word to the other nodes: the list of the bricks that are prepared, for the node that creates the volumes,
// and links by which this node's glusterd tells the versions of the volumes. It is the last change of the host part, so that
// the word is only given once all others are made.
func (h *Host) ready() (change.Plan, error) {
	var p change.Plan
	path := gluster.ServerVolfilePath(desired.ReadyVolfile)
	old, err := readText(path)
	if err != nil {
		return p, err
	}
	text := h.State.Ready()
	links := map[string]string{}
	for _, v := range h.State.Pool.Volumes {
		name := v.Spec.Name
		link, to := gluster.ServerVolfilePath(desired.InfoVolfile(name)), filepath.Join(gluster.DefaultWorkdir, "vols", name, "info")
		is, err := os.Readlink(link)
		if err != nil && !errors.Is(err, os.ErrNotExist) && !errors.Is(err, unix.EINVAL) {
			return p, fmt.Errorf("read %s: %w", link, err)
		}
		if is != to {
			links[link] = to
		}
	}
	why := "the node that creates the volumes must know that the bricks of this node are prepared"
	switch {
	case text == old && len(links) == 0:
		return p, nil
	case text == old:
		why = "the other nodes must know in which version this node has the volumes"
	}
	p.Changes = append(p.Changes, change.Change{
		Part: change.Host, Object: path, Code: "ready-word", Action: "write", Why: why,
		Do: func(context.Context) error {
			for link, to := range links {
				if err := relink(to, link); err != nil {
					return err
				}
			}
			return machine.WriteFile(path, []byte(text), 0o644)
		},
	})
	return p, nil
}

// unready plans that the word is taken back: all of it where no brick is left, and the links to volumes that this node's glusterd
// does not have any more.
func (h *Host) unready() (change.Plan, error) {
	var p change.Plan
	keep := map[string]bool{gluster.ServerVolfilePath(desired.FileVolfile): h.State.Server}
	for _, v := range h.State.Pool.Volumes {
		keep[gluster.ServerVolfilePath(desired.InfoVolfile(v.Spec.Name))] = h.State.Server
	}
	word := gluster.ServerVolfilePath(desired.ReadyVolfile)
	dirs, err := filepath.Glob(filepath.Join(h.Root, filepath.Dir(gluster.ServerVolfilePath(desired.InfoVolfile("*")))))
	if err != nil {
		return p, err
	}
	if !h.State.Server {
		dirs = append(dirs, filepath.Join(h.Root, filepath.Dir(word)))
	}
	for _, dir := range dirs {
		file := filepath.Join(dir, filepath.Base(dir)+"-server.vol")
		name := "/" + strings.TrimPrefix(strings.TrimPrefix(file, h.Root), "/")
		st, err := os.Lstat(file)
		switch {
		case keep[name]:
			continue
		case errors.Is(err, os.ErrNotExist):
			if in, err := os.ReadDir(dir); err != nil || len(in) > 0 { // a run that died may have left it empty
				continue
			}
		case err != nil:
			return p, err
		case name != word && st.Mode()&os.ModeSymlink == 0:
			continue
		}
		p.Changes = append(p.Changes, change.Change{
			Part: change.Host, Object: name, Code: leftFile, Action: "remove", Why: "this node has no brick, or no such volume, to tell of any more",
			Commands: []string{"rm " + name},
			Do: func(context.Context) error {
				if err := os.Remove(file); err != nil && !errors.Is(err, os.ErrNotExist) {
					return err
				}
				// Nobody else keeps anything in a directory of this name.
				if err := os.Remove(dir); err != nil && !errors.Is(err, unix.ENOTEMPTY) && !errors.Is(err, os.ErrNotExist) {
					return err
				}
				return nil
			},
		})
	}
	return p, nil
}

// relink makes a symbolic link, and the directory for it, in the place of whatever file is there.
func relink(to, link string) error {
	if err := os.MkdirAll(filepath.Dir(link), 0o755); err != nil { //nolint:gosec // as glusterd makes its own
		return err
	}
	if err := os.Remove(link); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return os.Symlink(to, link)
}
