package pool

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"brickyard/gluster"
	"brickyard/setup/cluster"
	"brickyard/setup/desired"
)

// open reports whether a value of auth.allow lets everybody in.
func open(allow string) bool {
	return allow == "" || slices.Contains(strings.Split(allow, ","), "*")
}

// access decides whether auth.allow of a volume is ours to set. What an administrator set by hand stays, as every option that
// the file does not name. A volume that is open may have clients that the file does not know: they would lose it at
// once, so a person decides about them.
func (d *decider) access(have gluster.Volume, want cluster.Option, former []string) bool {
	is := have.Options[want.Name]
	mine := slices.Contains(former, want.Name) || sameValue(is, want.Value)
	if !open(is) && !mine && want.Origin != cluster.OriginFile {
		d.plan.Warnings = append(d.plan.Warnings, fmt.Sprintf("volume %s has %s=%s, which somebody else set: left alone. To have the nodes of the cluster file in it, and those under volumes.%[1]s.access: gluster volume reset %[1]s %[2]s, and run apply again", have.Name, want.Name, is))
		return false
	}
	if sameValue(is, want.Value) {
		return true
	}
	var strangers []string
	for _, addr := range d.see.Clients[have.Name] {
		if !cluster.Admits(want.Value, addr) && !addr.IsLoopback() && !slices.ContainsFunc(d.want.Servers, func(s desired.Server) bool { return s.Address == addr }) {
			strangers = append(strangers, addr.String())
		}
	}
	if words := d.see.Unasked[have.Name]; words != "" {
		d.plan.Warnings = append(d.plan.Warnings, fmt.Sprintf("volume %s: nobody knows whether a client is connected that will be let in no more: %s", have.Name, words))
	}
	if len(strangers) == 0 {
		return true
	}
	list := strings.Join(strangers, ", ")
	if !open(is) {
		d.plan.Warnings = append(d.plan.Warnings, fmt.Sprintf("volume %s: a client with the address %s is connected and is let in no more: its mount ends", have.Name, list))
		return true
	}
	d.conflict("unknown-client", "volume "+have.Name,
		fmt.Sprintf("a client with the address %s is connected, which no node of the cluster file has: it would lose the volume at once, since from now on only the nodes of the file are let in (%s)", list, want.Name),
		fmt.Sprintf("if it may use the volume, add its address under volumes.%s.access (a node uses the address of its route to the bricks, which may be another than the one under nodes); if not, unmount it there, or shut it out: gluster volume set %[1]s %s %s", have.Name, want.Name, want.Value))
	return true
}

// whyAccess says what a change of auth.allow does.
func whyAccess(is, want string) string {
	if open(is) {
		return "every machine that reaches the bricks is let in; only the nodes of the cluster file should be"
	}
	var in, out []string
	have, should := strings.Split(is, ","), strings.Split(want, ",")
	for _, a := range should {
		if !slices.Contains(have, a) {
			in = append(in, a)
		}
	}
	for _, a := range have {
		if !slices.Contains(should, a) {
			out = append(out, a)
		}
	}
	var words []string
	if len(in) > 0 {
		words = append(words, "let in "+strings.Join(in, " "))
	}
	if len(out) > 0 {
		words = append(words, "let in no more "+strings.Join(out, " "))
	}
	if len(words) == 0 {
		return cluster.OptionAllow + " is in another order"
	}
	return strings.Join(words, ", ")
}

// clients asks this node's bricks who is connected, of the volumes whose auth.allow is to change.
func (p *Pool) clients(ctx context.Context, see *Observed) {
	for _, v := range see.Volumes {
		want, ok := p.Want.Volume(v.Name)
		if !ok || v.Status != gluster.Started {
			continue
		}
		i := slices.IndexFunc(want.Options, func(o cluster.Option) bool { return o.Name == cluster.OptionAllow })
		if i < 0 || sameValue(v.Options[cluster.OptionAllow], want.Options[i].Value) {
			continue
		}
		if !slices.Contains(want.ServersOf(), p.Node) {
			see.Unasked[v.Name] = "this node has none of its bricks (plan on one that has says it)"
			continue
		}
		for _, b := range want.Spec.Bricks {
			if b.Host != p.Node {
				continue
			}
			connected, err := connectedTo(ctx, b.Path)
			if err != nil && !errors.Is(err, gluster.ErrNotRunning) {
				see.Unasked[v.Name] = err.Error()
			}
			for _, c := range connected {
				// The port comes after the last colon, of an IPv6 address, too, which has no brackets.
				host := c.Address[:max(strings.LastIndexByte(c.Address, ':'), 0)]
				if addr, err := netip.ParseAddr(host); err == nil && !slices.Contains(see.Clients[v.Name], addr.Unmap()) {
					see.Clients[v.Name] = append(see.Clients[v.Name], addr.Unmap())
				}
			}
		}
	}
}

// connectedTo asks the process of a brick of this node. Nobody is connected to one that does not run.
func connectedTo(ctx context.Context, path string) (peers []gluster.BrickPeer, err error) {
	ctx, cancel := context.WithTimeout(ctx, DefaultTimeout)
	defer cancel()
	serving, err := gluster.ServingBrick("/proc", path)
	if err != nil {
		return nil, err
	}
	for _, s := range serving {
		c := gluster.NewBrickClient(s.Socket)
		more, err := c.Clients(ctx, path)
		if err = errors.Join(err, c.Close()); err != nil {
			return nil, fmt.Errorf("ask brick %s for its clients: %w", path, err)
		}
		peers = append(peers, more...)
	}
	return peers, nil
}
