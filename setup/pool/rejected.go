package pool

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"brickyard/gluster"
	"brickyard/setup/agree"
	"brickyard/setup/desired"
)

// rejected is the conflict with a server that this node does not accept, nor that one this node: they have a volume in the
// same version and with different contents. Which one is right only a person knows.
func (d *decider) rejected(s desired.Server) {
	problem, remedy := "the pool rejected it: its volumes differ from this node's", ""
	for _, a := range agree.Differences(agree.Of(d.see.Copies, []string{d.node, s.Name})) {
		problem += "; " + a.String()
		if a.Others[0].Missing {
			remedy = a.Remedy()
		}
	}
	volumes := apartFrom(d.see, d.node, s.Name)
	if len(volumes) > 0 {
		remedy = agree.Forget(volumes, []string{d.node, s.Name})
	} else if remedy == "" { // what differs is nothing that glusterd tells: it may be any of them
		for _, v := range d.see.Volumes {
			volumes = append(volumes, v.Name)
		}
		remedy = agree.Forget(volumes, []string{d.node, s.Name})
	}
	d.conflict("peer-rejected", "peer "+s.Name, problem, remedy)
}

// apartFrom are the volumes that two servers know and have differently.
func apartFrom(see Observed, node, other string) []string {
	var volumes []string
	for _, a := range agree.Differences(agree.Of(see.Copies, []string{node, other})) {
		if !a.Others[0].Missing {
			volumes = append(volumes, a.Volume)
		}
	}
	return volumes
}

// reunion is how often servers that reject or do not know each other are looked at again, a second apart: glusterd connects to
// a peer that was restarted within some seconds, and then takes the volumes over; and one that is just being probed knows of
// no pool yet, or did not when it was asked.
const reunion = 20

// reunited looks again while a peer is rejected and no volume shows why, as just after its glusterd forgot the volume, and
// while one of two servers seems to have forgotten the other.
func (p *Pool) reunited(ctx context.Context, see *Observed) error {
	for range reunion {
		if !slices.ContainsFunc(p.Want.Servers, func(s desired.Server) bool { return p.parted(*see, s) }) {
			return nil
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(time.Second):
		}
		var err error
		if see.Peers, err = peers(ctx, p.Local); err != nil {
			return fmt.Errorf("ask this node's glusterd for its peers: %w", err)
		}
		if see.Volumes, err = p.Local.Volumes(ctx); err != nil {
			return fmt.Errorf("ask this node's glusterd for the volumes: %w", err)
		}
		p.nodes(ctx, see)
		see.Copies = p.copies(ctx, see.Nodes, p.share(*see))
	}
	return nil
}

// parted reports whether this node and a server reject each other for no reason that shows, or one has forgotten the other.
func (p *Pool) parted(see Observed, s desired.Server) bool {
	if s.Name == p.Node {
		return false
	}
	if _, member := knownBy(see, p.Node, []desired.Server{s}); member {
		return true
	}
	return slices.ContainsFunc(see.Peers, func(peer gluster.Peer) bool {
		if !s.Is(peer.Names) || see.Nodes[s.Name].Self() != peer.UUID || !joined(peer) {
			return false
		}
		return see.forgets(s.Name, see.Nodes[p.Node].Self()) ||
			peer.State == gluster.PeerRejected && len(apartFrom(see, p.Node, s.Name)) == 0
	})
}

// knownBy names a server that has this node in its pool, by the UUID that it has, when this node knows of no pool.
func knownBy(see Observed, node string, servers []desired.Server) (name string, is bool) {
	own := see.Nodes[node].Self()
	if own == "" || len(see.Nodes[node].Others()) > 0 {
		return "", false
	}
	for _, s := range servers {
		if s.Name != node && slices.ContainsFunc(see.Nodes[s.Name].Others(), func(p gluster.Peer) bool { return p.UUID == own && joined(p) }) {
			return s.Name, true
		}
	}
	return "", false
}

// forgets reports whether a server answers and does not know a peer, this node, by its UUID.
func (o Observed) forgets(server, uuid string) bool {
	n, answers := o.Nodes[server]
	return answers && uuid != "" && !slices.ContainsFunc(n.Others(), func(p gluster.Peer) bool { return p.UUID == uuid })
}

// forgetful refuses to go on when this node knows none of the pool, and the pool knows it by the UUID that it has: the
// directory of glusterd was lost or moved away, but for glusterd.info.
func (d *decider) forgetful() bool {
	member, is := knownBy(d.see, d.node, d.want.Servers)
	if is {
		d.forgot(d.node, member)
	}
	return is
}

// forgot is the conflict about a server that has its UUID and has forgotten the pool, which member knows.
func (d *decider) forgot(name, member string) {
	d.conflict("peer-forgot", "peer "+name, fmt.Sprintf("%s knows it as a member of the pool, and it has forgotten the pool: glusterd's directory there was lost or moved away", member),
		fmt.Sprintf("on %s: run \"gluster peer probe %s\", then \"systemctl restart glusterd\": it takes the volumes from the others, and its bricks' files stay where they are. Then run apply again on all", name, member))
}

// known names a member of the pool that has a volume; "" where none has.
func (d *decider) known(volume string) string {
	for _, v := range agree.Of(d.see.Copies, agree.Together(d.want.Servers, d.node, d.see.Peers)) {
		if _, has := v.Volume(volume); has || slices.Contains(v.Unasked, volume) {
			return v.Name
		}
	}
	return ""
}

// elsewhere names the server that has a volume of this id, and the volume; "" where no server that answers has it.
func (d *decider) elsewhere(id string) (server, volume string) {
	for _, v := range d.see.Copies {
		i := slices.IndexFunc(v.Volumes, func(volume gluster.Volume) bool { return strings.EqualFold(volume.ID, id) })
		if i >= 0 && v.Name != d.node {
			return v.Name, v.Volumes[i].Name
		}
	}
	return "", ""
}

// silent names the servers of the cluster file that do not answer.
func (d *decider) silent() []string {
	var names []string
	for _, s := range d.want.Servers {
		if _, answers := d.see.Nodes[s.Name]; !answers {
			names = append(names, s.Name)
		}
	}
	return names
}

// mislaid is the conflict about a brick of this node whose volume another server has and this one does not. Between servers
// that accept each other that is so for a moment whenever a volume is made or taken over, and Apart when it lasts.
func (d *decider) mislaid(b gluster.Brick, server, volume string) {
	remedy := "leave the brick as it is. "
	s, _ := d.want.Server(server)
	switch p := d.peer(s); {
	case p == nil:
		remedy += fmt.Sprintf("Run \"gluster peer probe %s\" on this node, then \"systemctl restart glusterd\"", server)
	case p.State == gluster.PeerRejected:
		remedy += "Run \"systemctl restart glusterd\" on this node"
	default:
		return
	}
	d.conflict("volume-forgotten", "brick "+b.String(), fmt.Sprintf("%s has volume %s with this id: this node has forgotten it", server, volume),
		remedy+": it takes the volume from there. Then run apply again")
}
