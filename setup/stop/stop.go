// Package stop says whether a node may be stopped now without hurting any
// volume, and makes sure that two nodes that ask at the same time do not both
// go where both together would hurt.
package stop

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"brickyard/gluster"
	"brickyard/setup/actual"
	"brickyard/setup/desired"
)

// Decide returns why the node must not be stopped, one reason a replica set;
// none when it may. It is pure.
//
// The rule is strict: every other brick of each replica set of the node is
// online and complete, and nothing waits to be healed. Then what remains has
// every file, and keeps quorum.
func Decide(sets []actual.Local, quorum map[string]gluster.Quorum) []string {
	var reasons []string
	for _, l := range sets {
		if !l.Set.Started {
			continue
		}
		where := fmt.Sprintf("volume %s, replica set %d", l.Set.Volume, l.Set.Index+1)
		if r := whySetNeedsNode(l, quorum[l.Set.Volume]); r != "" {
			reasons = append(reasons, where+": "+r)
		}
	}
	return reasons
}

func whySetNeedsNode(l actual.Local, q gluster.Quorum) string {
	if l.Set.Otherwise != "" {
		return l.Set.Otherwise + ": nobody knows what would be left"
	}
	own := l.Brick()
	if own.Unknown != "" {
		return fmt.Sprintf("unknown whether %s:%s serves: %s", own.Node, own.Path, own.Unknown)
	}
	serves := own.Serves()
	up := make([]bool, len(l.Set.Bricks))
	for i, b := range l.Set.Bricks {
		up[i] = b.Online && i != l.Own
	}
	before := slices.Clone(up)
	before[l.Own] = own.Online
	for i, b := range l.Set.Bricks {
		name := b.Node + ":" + b.Path
		switch {
		case i == l.Own || !serves:
		case b.Published == actual.Refilling:
			return fmt.Sprintf("%s is being refilled", name)
		case b.Published == actual.IsSuspect || b.Published == actual.Behind:
			return fmt.Sprintf("%s lost power and is not known to be complete yet", name)
		case b.Published == actual.IsWiped:
			return fmt.Sprintf("%s is empty and waits to be refilled", name)
		case !b.Online && !b.Reachable:
			return fmt.Sprintf("%s is down: %s does not answer", name, b.Node)
		case b.Unknown != "":
			return fmt.Sprintf("unknown whether %s serves: %s", name, b.Unknown)
		case !b.Online:
			return fmt.Sprintf("%s is down", name)
		}
	}
	switch {
	case !serves && (!q.Met(before) || q.Met(up)):
		return "" // it gives nothing that anybody would miss
	case !q.Met(up):
		return "without this node the quorum is lost and nobody can write"
	case !l.Set.Healed:
		return "entries wait to be healed, or the self-heal daemon does not answer"
	}
	return ""
}

// Gate asks, and claims the right to stop.
type Gate struct {
	Node  string
	Pool  desired.Pool
	Local *gluster.Client
	Run   func(context.Context, gluster.Command) error
	Look  func(context.Context) (actual.Look, error)
	// Dial returns a client of the glusterd of a server of the cluster file, DialHost of one under any name.
	Dial     func(desired.Server) *gluster.Client
	DialHost func(string) *gluster.Client
	// Moment is now by this machine's own count.
	Moment func() (Moment, error)
	// Timeout bounds what one node may take to answer. Zero means five seconds.
	Timeout time.Duration
	Proc    string // where the self-heal daemon is found, "" is /proc
}

// Ask returns why the node must not be stopped now. With claim, a node that
// may stop leaves word of it in its volumes, which no other node that shares a
// replica set with it overlooks: each writes its word first and then reads
// those of the others, so of two that ask at once at least one sees the other,
// and whoever sees another withdraws.
func (g *Gate) Ask(ctx context.Context, claim bool) ([]string, error) {
	reasons, seen, err := g.look(ctx)
	if err != nil || len(reasons) > 0 || !claim {
		return reasons, err
	}
	volumes := volumesOf(seen.Own)
	now, err := g.Moment()
	if err != nil {
		return nil, err
	}
	said := word{at: time.Now().UTC().Format(time.RFC3339), moment: now}
	if err := g.tell(ctx, seen.Node, volumes, said.String()); err != nil {
		return nil, errors.Join(fmt.Errorf("claim the right to stop: %w", err), g.withdraw(ctx, volumes))
	}
	reasons, _, err = g.look(ctx)
	if err != nil || len(reasons) > 0 {
		return reasons, errors.Join(err, g.withdraw(ctx, volumes))
	}
	if err := g.pass(ctx, said); err != nil { // nobody waits for the answer any more
		return nil, errors.Join(err, g.withdraw(context.WithoutCancel(ctx), volumes))
	}
	return nil, nil
}

// pass returns when every glusterd that starts from now on is seen to have started after the word: one that is restarted at once, as
// by "ok-to-stop && systemctl restart glusterd", would else leave the word standing, and keep others from stopping, for half an hour.
func (g *Gate) pass(ctx context.Context, said word) error {
	now, err := g.Moment()
	if err != nil {
		return err
	}
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-time.After(said.passed() - now.Up):
		return nil
	}
}

// Release takes back this node's claim.
func (g *Gate) Release(ctx context.Context) error {
	return g.release(ctx, func(word) bool { return true })
}

// Returned takes back this node's claim if the node was stopped since, and is back, or was not stopped in half an hour.
// glusterd is how long after its boot this machine's glusterd started. A younger claim is of a node that has yet to stop.
// Nobody else ends a claim: that would compare the clocks of two machines.
func (g *Gate) Returned(ctx context.Context, glusterd time.Duration) error {
	now, err := g.Moment()
	if err != nil {
		return err
	}
	return g.release(ctx, func(w word) bool { return w.over(Moment{Boot: now.Boot, Up: glusterd}, now) })
}

func (g *Gate) release(ctx context.Context, over func(word) bool) error {
	node, err := actual.Ask(ctx, g.Local)
	if err != nil {
		return err
	}
	var names []string
	for _, v := range node.Volumes {
		if w, ok := claim(v, g.Pool, node.Self(), g.Node); ok && over(w) {
			names = append(names, v.Name)
		}
	}
	return g.tell(ctx, node, names, withdrawn)
}

func (g *Gate) look(ctx context.Context) ([]string, actual.Look, error) {
	seen, err := g.Look(ctx)
	if err != nil {
		return nil, seen, err
	}
	strange, reasons := g.strangers(ctx, seen)
	neighbours := g.neighbours(seen.Own)
	reasons = slices.Concat(
		Decide(slices.Concat(seen.Own, strange), g.quorums(seen.Volumes)), reasons,
		outsidePool(g.Pool.Servers, neighbours, seen.Peers),
		serverQuorum(seen.Peers, seen.Volumes, g.claimed(seen.Volumes)),
		g.claims(seen),
	)
	if len(reasons) == 0 {
		// Only now: who is down does not answer, which is said already.
		reasons = g.unlike(ctx, neighbours, seen.Node)
	}
	return reasons, seen, nil
}

// claims names the nodes that share a replica set with this one and are
// allowed to stop already.
func (g *Gate) claims(seen actual.Look) []string {
	var out []string
	for _, l := range seen.Own {
		v, ok := seen.Volume(l.Set.Volume)
		if !ok {
			continue
		}
		for _, b := range l.Set.Bricks {
			said, ok := claim(v, g.Pool, b.Peer, b.Node)
			if b.Node == g.Node || !ok {
				continue
			}
			out = append(out, fmt.Sprintf("volume %s, replica set %d: %s was allowed to stop at %s by its clock and is not back yet (gluster-setup ok-to-stop --release there takes that back)",
				l.Set.Volume, l.Set.Index+1, b.Node, said.at))
		}
	}
	return out
}

// withdraw takes this node's word back, from what the volumes say now.
func (g *Gate) withdraw(ctx context.Context, volumes []string) error {
	if len(volumes) == 0 {
		return nil
	}
	node, err := actual.Ask(ctx, g.Local)
	if err != nil {
		return err
	}
	return g.tell(ctx, node, volumes, withdrawn)
}

func (g *Gate) tell(ctx context.Context, node actual.Node, volumes []string, word string) error {
	for _, v := range node.Volumes {
		if !slices.Contains(volumes, v.Name) {
			continue
		}
		pairs := claimOptions(v, g.Pool, node.Self(), g.Node, word)
		cmd := gluster.VolumeSet(v.Name, pairs[0], pairs[1], pairs[2:]...)
		if err := g.retry(ctx, func() error { return g.Run(ctx, cmd) }); err != nil {
			return err
		}
	}
	return nil
}

// lockTries bounds how often a node asks again for a lock that another holds, as
// when two nodes claim at the same moment.
const lockTries = 20

func (g *Gate) retry(ctx context.Context, f func() error) error {
	for try := 1; ; try++ {
		err := f()
		if !errors.Is(err, gluster.ErrTransaction) || try == lockTries {
			return err
		}
		select {
		case <-ctx.Done():
			return errors.Join(err, context.Cause(ctx))
		case <-time.After(200*time.Millisecond + time.Duration(rand.Int64N(int64(time.Second)))): //nolint:gosec // nothing secret
		}
	}
}

func volumesOf(sets []actual.Local) []string {
	var out []string
	for _, l := range sets {
		if !slices.Contains(out, l.Set.Volume) {
			out = append(out, l.Set.Volume)
		}
	}
	return out
}
