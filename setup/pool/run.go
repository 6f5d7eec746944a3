package pool

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"brickyard/gluster"
	"brickyard/setup/change"
)

// do makes a step.
func (p *Pool) do(ctx context.Context, s Step) error {
	for _, l := range s.Unstamp {
		if err := p.unstamp(ctx, l); err != nil {
			return err
		}
	}
	if s.Command == nil {
		return nil
	}
	err := p.run(ctx, s.Command)
	if errors.Is(err, gluster.ErrItself) {
		return p.itself(ctx, s.Command[len(s.Command)-1])
	}
	return err
}

// itself is the refusal of a probe of another node that glusterd takes for a probe of its own. It keeps in mind which names
// are its own until it is restarted.
func (p *Pool) itself(ctx context.Context, name string) error {
	server, _ := p.Want.Server(name)
	now := "it was told so before, and keeps it in mind until it is restarted"
	if p.Resolve != nil {
		addrs, err := p.Resolve(ctx, name)
		if err != nil {
			return err
		}
		if len(addrs) > 0 && !slices.Contains(addrs, server.Address) || len(addrs) > 1 {
			now = "the name resolves to " + strings.Trim(fmt.Sprint(addrs), "[]") + " here"
		}
	}
	return change.Conflicts{{
		Code: "name-is-local", Object: "peer " + name, Problem: "GlusterFS takes it for this machine (\"Probe on localhost not needed\"): " + now,
		Remedy: fmt.Sprintf("have %s resolve to %s and nothing else on this machine (\"getent ahosts %s\" shows what it does), run \"systemctl restart glusterd\", and run apply again", name, server.Address, name),
	}}
}

// run runs a gluster command and sorts its refusals: what will be possible by
// itself later becomes a RetryError.
func (p *Pool) run(ctx context.Context, cmd gluster.Command) error {
	err := change.Command(ctx, cmd.String(), func() error { return p.CLI.Run(ctx, cmd) })
	if err == nil || errors.Is(err, gluster.ErrAlready) {
		p.refused = time.Time{}
		return nil
	}
	if err = p.partly(ctx, err); errors.As(err, new(*change.PartlyError)) {
		return err
	}
	words, sure := notYet(err)
	switch {
	case words == "":
		return err
	case sure:
		p.refused = time.Time{}
	case p.refused.IsZero():
		p.refused = time.Now()
	case time.Since(p.refused) > p.grace():
		return err
	}
	retry := &change.RetryError{Waiting: words, Err: err}
	if strings.Contains(err.Error(), inUse) {
		retry.After = freeing
	}
	return retry
}

// inUse is GlusterFS's refusal of a brick with a stamp.
const inUse = "is already part of a volume"

// freeing is longer than the other nodes' applies need to find and remove what a
// failed attempt left on their bricks. An earlier attempt would find one of them
// stamped and leave its own stamp on the others, again and again.
const freeing = 10 * time.Second

func (p *Pool) grace() time.Duration {
	if p.Grace == 0 {
		return DefaultGrace
	}
	return p.Grace
}

// notYet says what a refusal waits for, or "" for one that stays. It is sure
// when only time, or another node's own apply, is missing; else somebody may
// have to decide.
func notYet(err error) (words string, sure bool) {
	const (
		mounted = "the brick file systems on all nodes to be mounted"
		pooled  = "all peers to be in the pool and to know each other's and their own names (a glusterd that was asked for its own name too early must be restarted)"
		online  = "all nodes of the volume to be connected"
	)
	if errors.Is(err, gluster.ErrTransaction) {
		return "another program's change in the pool to end", true
	}
	// In this order: the first signs say more than the later ones, which
	// GlusterFS puts in front of them. The texts are those of glusterd 10.3.
	for _, r := range []struct {
		sign, words string
		sure        bool
	}{
		// A brick file system that is not mounted yet looks to glusterd like a
		// brick on the root disk or a missing directory.
		{"is being created in the root partition", mounted, true},
		{"Failed to create brick directory", mounted, true},
		{"is not in 'Peer in Cluster' state", pooled, true},
		{"Failed to find host", pooled, true},
		{"not connected", online, true},
		// The command of an apply that was killed went on without it.
		{"already exists", "a command that a killed run left behind to end", false},
		// An attempt that failed elsewhere stamped the brick; its node's own apply
		// removes that, unless the brick is really another volume's.
		{inUse, "the brick directories on all nodes to be free", false},
		// Two that probe the same machine at once; or it really is in another pool.
		{"is either already part of another cluster", "a probe by another node to end", false},
		{"Staging failed on", "all nodes to agree", false},
	} {
		if strings.Contains(err.Error(), r.sign) {
			return r.words, r.sure
		}
	}
	if errors.Is(err, gluster.ErrUnreachable) {
		return online, true
	}
	return "", false
}
