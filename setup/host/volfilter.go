package host

import (
	"context"
	"strings"

	"brickyard/setup/change"
	"brickyard/setup/volfilter"
)

const (
	whyFilter = "the tmpfs of this kernel keeps no user attributes (Linux before 6.6), and without them GlusterFS starts a brick only where its volfile says mandate-attribute off"
	whyVolume = "glusterd wrote it without the filter, and its brick would not start"
	whyRemove = "no brick of this node needs it any longer"
)

// volfilter plans what lets bricks start on a tmpfs without user attributes.
// Before the package is installed nothing says where it belongs: then that is
// found out when the package is there.
func (h *Host) volfilter() (change.Plan, error) {
	var p change.Plan
	bricks := h.State.TmpfsBricks()
	n, err := volfilter.Look(h.Root, bricks, h.UserAttributes)
	if err != nil {
		return p, err
	}
	if len(n.Dirs) == 0 && !n.Keeps {
		p.Changes = append(p.Changes, change.Change{
			Part: change.Host, Object: "the filter of volfiles", Code: "volfilter", Action: volfilter.Write, Why: whyFilter,
			Commands: []string{"write gluster-setup-tmpfs into the directory \"filter\" of GlusterFS's libraries (the package brings them)"},
			Do: func(ctx context.Context) error {
				n, err := volfilter.Look(h.Root, bricks, h.UserAttributes)
				if err != nil {
					return err
				}
				return volfilter.Do(ctx, h.Exec, volfilter.Decide(n, bricks))
			},
		})
		return p, nil
	}
	for _, a := range volfilter.Decide(n, bricks) {
		c := change.Change{
			Part: change.Host, Object: "/" + strings.TrimPrefix(strings.TrimPrefix(a.Path, h.Root), "/"), Code: "volfilter", Action: a.Action, Why: whyFilter,
			Do: func(ctx context.Context) error { return volfilter.Do(ctx, h.Exec, []volfilter.Act{a}) },
		}
		switch a.Action {
		case volfilter.Edit:
			c.Why, c.Commands = whyVolume, []string{a.By + " " + a.Path}
		case volfilter.Remove:
			c.Code, c.Why, c.Commands = leftFile, whyRemove, []string{"rm " + a.Path}
		}
		p.Changes = append(p.Changes, c)
	}
	return p, nil
}
