package host

import (
	"context"

	"brickyard/gluster"
	"brickyard/setup/change"
	"brickyard/setup/desired"
	"brickyard/setup/machine"
)

// ready plans the word to the node that creates the volumes: the last change of
// the host part, so that it is only given once all others are made.
func (h *Host) ready() (change.Plan, error) {
	var p change.Plan
	path := gluster.ServerVolfilePath(desired.ReadyVolfile)
	old, err := readText(path)
	if err != nil {
		return p, err
	}
	text := h.State.Ready()
	if text == old {
		return p, nil
	}
	p.Changes = append(p.Changes, change.Change{
		Part: change.Host, Object: path, Action: "write", Why: "the node that creates the volumes must know that the bricks of this node are prepared",
		Do: func(context.Context) error { return machine.WriteFile(path, []byte(text), 0o644) },
	})
	return p, nil
}
