package pool

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"brickyard/gluster"
	"brickyard/setup/actual"
	"brickyard/setup/agree"
	"brickyard/setup/change"
	"brickyard/setup/machine"
)

// copies asks this node and those others that answer, as a look at their peers has shown, at once how they have the volumes that
// about says, all without one.
func (p *Pool) copies(ctx context.Context, answer map[string]actual.Node, about actual.About) []actual.Node {
	var names []string
	for _, s := range p.Want.Servers {
		if _, ok := answer[s.Name]; ok || s.Name == p.Node {
			names = append(names, s.Name)
		}
	}
	return actual.AskEach(ctx, names, p.timeout(), func(name string) *gluster.Client {
		if name == p.Node {
			return p.Local
		}
		return p.others()[name]
	}, about)
}

// share is about which volumes the other servers are asked, by what this node's glusterd said.
func (p *Pool) share(see Observed) actual.About {
	return agree.Share(p.Want.Servers, p.Node, actual.Node{Peers: see.Peers, Volumes: see.Volumes})
}

// compare finds the volumes that servers which accept each other have in different versions. A change that is under way is
// none: it holds the lock of the volume, so a command that wants it finds out, and whoever got it looks at what the last
// change has left.
func (p *Pool) compare(ctx context.Context, see *Observed) error {
	see.Copies = p.copies(ctx, see.Nodes, p.share(*see))
	if err := p.reunited(ctx, see); err != nil {
		return err
	}
	together, share := agree.Together(p.Want.Servers, p.Node, see.Peers), p.share(*see)
	look := func(ctx context.Context) []actual.Node { return agree.Of(p.copies(ctx, see.Nodes, share), together) }
	found := agree.Lasting(ctx, agree.Of(see.Copies, together), look)
	if len(found) == 0 {
		return nil
	}
	for _, d := range found {
		err := p.CLI.Run(ctx, gluster.Command{"volume", "status", d.Volume})
		if errors.Is(err, gluster.ErrTransaction) || errors.Is(err, gluster.ErrTimeout) || errors.Is(err, gluster.ErrNotRunning) {
			see.Moving = append(see.Moving, d.Volume)
		}
	}
	// Who was asked may have been restarted, or gone.
	now, err := peers(ctx, p.Local)
	if err != nil {
		return fmt.Errorf("ask this node's glusterd for its peers: %w", err)
	}
	see.Peers, together = now, agree.Together(p.Want.Servers, p.Node, now)
	see.Copies = p.copies(ctx, see.Nodes, share)
	see.Apart = slices.DeleteFunc(agree.Both(found, agree.Differences(agree.Of(see.Copies, together))),
		func(d agree.Difference) bool { return slices.Contains(see.Moving, d.Volume) })
	return nil
}

// disagreements are the conflicts about volumes that servers have in different versions. Nothing is changed meanwhile: a
// change would reach those that are behind only in part, and who leads may be one of them.
func (d *decider) disagreements() {
	for _, a := range d.see.Apart {
		problem := a.String()
		if d.see.Full != "" && slices.ContainsFunc(a.Others, func(c agree.Copy) bool { return c.Server == d.node }) {
			problem += ": " + d.see.Full
		}
		d.conflict("volume-differs", "volume "+a.Volume, problem, a.Remedy())
	}
	for _, v := range d.see.Moving {
		d.plan.Waits = append(d.plan.Waits, "the change of volume "+v+" that is under way to end")
	}
	if d.see.Full != "" && len(d.see.Apart) == 0 {
		d.conflict("store-full", gluster.DefaultWorkdir, d.see.Full+": a change of a volume would be made by the other servers and not by this one", "make room there (df /var/lib/glusterd), and run apply again")
	}
}

// commitFailed is GlusterFS's word for a change that was made by some servers, mostly the one that was asked, and not by others.
const commitFailed = "Commit failed on"

// partly says who has a change whose commit failed somewhere. Where the servers have the volume alike nobody made it, and
// the refusal stays what it is.
func (p *Pool) partly(ctx context.Context, refused error) error {
	if !strings.Contains(refused.Error(), commitFailed) {
		return refused
	}
	now, err := peers(ctx, p.Local)
	if err != nil {
		return refused
	}
	see := Observed{Peers: now, Nodes: map[string]actual.Node{}, Unprepared: map[string][]string{}}
	p.nodes(ctx, &see)
	found := agree.Differences(agree.Of(p.copies(ctx, see.Nodes, nil), agree.Together(p.Want.Servers, p.Node, now)))
	if len(found) == 0 {
		return refused
	}
	who := make([]string, 0, len(found))
	for _, d := range found {
		who = append(who, d.String())
	}
	words := strings.Join(who, "; ")
	if w := machine.Full(gluster.DefaultWorkdir); w != "" {
		words += "; " + w
	}
	return &change.PartlyError{Who: words, Remedy: found[0].Remedy(), Err: refused}
}
