package node

import (
	"errors"
	"slices"

	"brickyard/gluster"
)

// AskSelfHeal puts a question about a volume to the one of this node's self-heal daemons that serves it, and returns which one that is.
// Mostly there is one for all volumes; before GlusterFS 7, and after some failures since, there are several, and each that is asked
// about another's volume refuses and writes an error into its log. So the one that served last is asked first. Where none serves
// the volume the error wraps gluster.ErrRefused or gluster.ErrNotRunning.
func (n *Node) AskSelfHeal(volume string, daemons []gluster.SelfHealProcess, ask func(*gluster.BrickClient) error) (gluster.SelfHealProcess, error) {
	var err error = &gluster.Error{Kind: gluster.ErrNotRunning}
	for _, d := range n.likeliestFirst(volume, daemons) {
		err = ask(n.Client(d.Socket))
		if errors.Is(err, gluster.ErrRefused) || errors.Is(err, gluster.ErrNotRunning) {
			continue // another volume's
		}
		if err == nil {
			n.mu.Lock()
			defer n.mu.Unlock()
			n.healers[volume] = d
		}
		return d, err
	}
	return gluster.SelfHealProcess{}, err
}

func (n *Node) likeliestFirst(volume string, daemons []gluster.SelfHealProcess) []gluster.SelfHealProcess {
	n.mu.Lock()
	last, known := n.healers[volume]
	n.mu.Unlock()
	at := slices.Index(daemons, last)
	if !known || at < 1 {
		return daemons
	}
	return slices.Concat(daemons[at:at+1], daemons[:at], daemons[at+1:])
}
