package recovery

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"brickyard/gluster"
	"brickyard/setup/actual"
)

// GiveUp returns the commands by which a person says that a node will not come
// back with data. It is an error when its glusterd answers or is connected to
// this node's, and when it is the asking node itself.
func GiveUp(ctx context.Context, o *actual.Observer, node string) ([]gluster.Command, error) {
	server, ok := o.State.Pool.Server(node)
	switch {
	case !ok:
		return nil, fmt.Errorf("%s is no server of the cluster file: name one of the nodes that recover waits for", node)
	case node == o.State.Node:
		return nil, fmt.Errorf("%s is this node: run --give-up on a node that remains", node)
	}
	asked, cancel := context.WithTimeout(ctx, o.Timeout)
	defer cancel()
	c := o.Dial(server)
	defer c.Close() //nolint:errcheck // a connection for reading
	_, silent := c.Peers(asked)
	if silent == nil {
		return nil, fmt.Errorf("glusterd on %s answers: it is not gone, and its bricks are waited for; look at gluster-setup status there", node)
	}
	see, err := actual.Ask(ctx, o.Local)
	if err != nil {
		return nil, fmt.Errorf("ask this node's glusterd: %w", err)
	}
	// A firewall may keep this program from asking it, and it serves all the same.
	if i := slices.IndexFunc(see.Peers, func(p gluster.Peer) bool { return !p.Local && p.Connected && server.Is(p.Names) }); i >= 0 && !errors.Is(silent, gluster.ErrNotRunning) {
		return nil, fmt.Errorf("glusterd on %s does not answer here (%w), and this node's glusterd is connected to it: it is not gone; if it is, say so when gluster peer status calls it disconnected, within a minute", node, silent)
	}
	var out []gluster.Command
	for _, v := range see.Volumes {
		if _, ok := o.State.Pool.Volume(v.Name); !ok {
			continue
		}
		var pairs []string
		words := actual.WordsOf(v)
		for _, b := range actual.Bricks(o.State.Pool, o.State.Node, v, see.Peers) { // those of the volume: the file may name others
			if b.On(node, b.Path) {
				pairs = append(pairs, words.Say(b.Number, actual.GivenUp(true))...)
			}
		}
		if len(pairs) > 0 {
			out = append(out, command(v.Name, pairs))
		}
	}
	if len(out) == 0 {
		return nil, fmt.Errorf("no volume of the cluster file has a brick on %s: there is nothing to give up; if a volume has one all the same (gluster volume info), make the names and addresses of the cluster file those of gluster peer status", node)
	}
	return out, nil
}

// RebuildEmpty returns the command by which a person allows a volume that is
// not ephemeral to begin anew where no complete copy is left. It is an error
// when every replica set of this node has one.
func RebuildEmpty(ctx context.Context, o *actual.Observer, volume string) ([]gluster.Command, error) {
	if _, ok := o.State.Pool.Volume(volume); !ok {
		return nil, fmt.Errorf("volume %s is not in the cluster file", volume)
	}
	locals, err := o.Observe(ctx)
	if err != nil {
		return nil, err
	}
	var pairs []string
	otherwise := ""
	for _, l := range locals {
		if l.Set.Volume == volume && l.Set.Otherwise != "" {
			otherwise = l.Set.Otherwise
			continue
		}
		if l.Set.Volume != volume || len(l.Set.Others(-1, actual.Brick.Complete)) > 0 || l.Brick().Disk == actual.Withheld || l.Brick().Disk == actual.Stamped && !l.Brick().Mark {
			continue
		}
		pairs = append(pairs, l.Words.SayRebuild(l.Set.Index, true)...)
	}
	switch {
	case len(pairs) > 0:
	case otherwise != "":
		return nil, fmt.Errorf("volume %s: %s: nothing is begun anew until both say the same; correct volumes.%s.bricks", volume, otherwise, volume)
	default:
		return nil, fmt.Errorf("volume %s has a complete copy in every replica set of this node: nothing is begun anew", volume)
	}
	return []gluster.Command{command(volume, pairs)}, nil
}
