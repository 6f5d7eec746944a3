package host

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"golang.org/x/sys/unix"

	"brickyard/gluster"
	"brickyard/setup/change"
	"brickyard/setup/desired"
	"brickyard/setup/machine"
	"brickyard/setup/onefile"
)

// applied plans this node's word about the cluster file that it has now. It comes after everything else of the host part.
func (h *Host) applied(ctx context.Context) (change.Plan, error) {
	var p change.Plan
	if h.Applied == nil {
		return p, nil
	}
	v, err := h.Applied.View(ctx)
	if err != nil {
		return p, err
	}
	link := gluster.ServerVolfilePath(desired.FileVolfile)
	_, changed := v.Next(time.Now())
	linked := true
	if h.State.Server {
		to, err := os.Readlink(link)
		if err != nil && !errors.Is(err, os.ErrNotExist) && !errors.Is(err, unix.EINVAL) {
			return p, fmt.Errorf("read %s: %w", link, err)
		}
		linked = to == onefile.Path
	}
	if !changed && linked {
		return p, nil
	}
	p.Changes = append(p.Changes, change.Change{
		Part: change.Host, Object: onefile.Path, Code: "cluster-file-word", Action: "write", Why: "the other nodes must know which cluster file this node applied last",
		Do: func(ctx context.Context) error {
			v, err := h.Applied.Again(ctx)
			if err != nil {
				return err
			}
			word, _ := v.Next(time.Now())
			text, err := word.Text()
			if err != nil {
				return err
			}
			if err := machine.WriteFile(onefile.Path, text, 0o644); err != nil {
				return err
			}
			if linked {
				return nil
			}
			return relink(onefile.Path, link)
		},
	})
	return p, nil
}
