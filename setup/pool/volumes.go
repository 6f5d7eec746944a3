package pool

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"brickyard/gluster"
	"brickyard/setup/actual"
	"brickyard/setup/change"
	"brickyard/setup/cluster"
	"brickyard/setup/desired"
)

// OwnOptions is the volume option in which apply remembers the options that it
// set, so that it can reset those that leave the cluster file and never touches
// anybody else's. It lives in the volume: every node reads the same.
const OwnOptions = actual.OwnWords + "options"

// noOptions is its value when apply sets none any more.
const noOptions = "none"

func (d *decider) volume(want desired.Volume) {
	name := want.Spec.Name
	i := slices.IndexFunc(d.see.Volumes, func(v gluster.Volume) bool { return v.Name == name })
	if i < 0 {
		if from := d.known(name); from != "" {
			d.plan.Waits = append(d.plan.Waits, d.node+" to take volume "+name+" over from "+from)
			return
		}
		d.create(want)
		return
	}
	have := d.see.Volumes[i]
	if len(have.Bricks) == 0 { // glusterd replaces what it had by what a peer has, for a second
		d.plan.Waits = append(d.plan.Waits, d.node+" to have taken over volume "+name)
		return
	}
	if !d.shape(want, have) {
		return
	}
	d.options(want, have)
	switch have.Status {
	case gluster.Started:
	default:
		d.add(change.Change{Object: "volume " + name, Code: "volume-start", Action: "start", Why: "it is " + strings.ToLower(have.Status.String())}, gluster.VolumeStart(name), d.leader)
	}
}

func (d *decider) create(want desired.Volume) {
	name := want.Spec.Name
	var leftovers []Leftover
	for _, b := range want.Spec.Bricks {
		if b.Host == d.node && d.see.Running {
			leftovers = append(leftovers, d.leftover(name, b)...)
		}
	}
	if d.leader != d.node && len(leftovers) > 0 {
		d.step(Step{
			Change:  change.Change{Object: "brick " + d.node + ":" + leftovers[0].Path, Code: "brick-free", Action: "free", Why: "an attempt to create volume " + name + " failed and left its mark on this empty brick"},
			Unstamp: leftovers,
		}, d.node)
		leftovers = nil
	}
	c := change.Change{Object: "volume " + name, Code: "volume-create", Action: "create", Why: "it does not exist"}
	for _, host := range want.ServersOf() {
		s, _ := d.want.Server(host)
		p := d.peer(s)
		if d.leader != d.node || !d.see.Running {
			break
		}
		switch {
		case p == nil:
			c.Needs = append(c.Needs, host+" to be in the pool")
		case !p.Local && (!p.Connected || p.State != gluster.PeerInCluster):
			c.Needs = append(c.Needs, host+" to be connected")
		default:
			c.Needs = append(c.Needs, d.strangersTo(host, want)...)
		}
		var missing []string
		for _, b := range want.Spec.Bricks {
			if b.Host == host && slices.Contains(d.see.Unprepared[host], b.Path) {
				missing = append(missing, b.Path)
			}
		}
		c.Needs = append(c.Needs, unprepared(host, missing)...)
	}
	d.step(Step{Change: c, Unstamp: leftovers, Command: gluster.VolumeCreate(want.Spec)}, d.leader)
	d.options(want, gluster.Volume{Name: name})
	d.add(change.Change{Object: "volume " + name, Code: "volume-start", Action: "start", Why: "it was just created"}, gluster.VolumeStart(name), d.leader)
}

// strangersTo says which servers of a volume another one is not connected to yet, as just after a probe: it would refuse the
// volume when the bricks of those that agree are stamped already, and only their own nodes can free them.
func (d *decider) strangersTo(host string, want desired.Volume) []string {
	asked, answers := d.see.Nodes[host]
	if host == d.node || !answers {
		return nil
	}
	var needs []string
	for _, other := range want.ServersOf() {
		id := d.see.Nodes[other].Self()
		s, _ := d.want.Server(other)
		if other == host || id == "" || d.peer(s) == nil {
			continue
		}
		if !slices.ContainsFunc(asked.Others(), func(p gluster.Peer) bool { return p.UUID == id && p.Connected && p.State == gluster.PeerInCluster }) {
			needs = append(needs, host+" to be connected to "+other)
		}
	}
	return needs
}

// leftover decides about a brick directory of this node for a volume that is to
// be created. Only an unused one with a stamp that no volume has is ours to clear.
func (d *decider) leftover(volume string, b gluster.Brick) []Leftover {
	stamp, stamped := d.see.Stamps[b.Path]
	if !stamped {
		return nil
	}
	i := slices.IndexFunc(d.see.Volumes, func(v gluster.Volume) bool { return strings.EqualFold(v.ID, stamp.ID) })
	server, known := d.elsewhere(stamp.ID)
	silent := strings.Join(d.silent(), ", ")
	switch {
	case i >= 0:
		other := d.see.Volumes[i].Name
		d.conflict("brick-in-use", "brick "+b.String(), "it belongs to volume "+other+", so it cannot become a brick of volume "+volume,
			"leave the brick as it is, and choose another path in the cluster file; or, if nobody needs volume "+other+", stop and delete that first")
		return nil
	case server != "":
		d.mislaid(b, server, known)
		return nil
	case stamp.Unused:
		return []Leftover{{Path: b.Path, ID: stamp.ID, Volume: volume, Follower: d.leader != d.node}}
	case silent != "":
		d.conflict("brick-unknown", "brick "+b.String(), "it belongs to a volume that this node does not have (id "+stamp.ID+"), and "+silent+", which may have it, does not answer",
			"leave the brick as it is; see that glusterd answers there (port "+Port+"), and run plan again")
		return nil
	}
	d.conflict("brick-in-use", "brick "+b.String(), "it belongs to a volume that this pool does not have (id "+stamp.ID+"), so it cannot become a brick of volume "+volume,
		"move it away (mv "+b.Path+" "+b.Path+".old) if its files are no longer needed there, or choose another path in the cluster file")
	return nil
}

// shape compares what only a person may change. It reports whether the volume
// is the declared one.
func (d *decider) shape(want desired.Volume, have gluster.Volume) bool {
	field := "volumes." + have.Name
	same := true
	differ := func(what, is, should string) {
		same = false
		d.conflict("volume-shape", "volume "+have.Name, fmt.Sprintf("its %s is %s, the cluster file says %s", what, is, should),
			"changing a volume's shape is not supported yet: correct "+field+" in the cluster file, or change the volume by hand (gluster volume help)")
	}
	if t := have.Type; t != gluster.Replicate && t != gluster.DistributedReplicate {
		differ("type", t.String(), gluster.Replicate.String())
		return false
	}
	if have.Replica != want.Spec.Replica {
		differ("replica count", strconv.Itoa(have.Replica), strconv.Itoa(want.Spec.Replica))
	}
	if have.Arbiter != want.Spec.Arbiter {
		differ("arbiter count", strconv.Itoa(have.Arbiter), strconv.Itoa(want.Spec.Arbiter))
	}
	if is, should := d.bricks(have.Bricks), d.bricks(want.Spec.Bricks); same && !slices.Equal(is, should) {
		differ("list of bricks", names(have.Bricks), names(want.Spec.Bricks))
	}
	return same
}

// bricks are comparable: hosts by the UUID of the peer they belong to. A node that has just been taken into the pool is told of
// its volumes before it is told of all peers: then the machine under the name counts.
func (d *decider) bricks(bricks []gluster.Brick) []string {
	var out []string
	for _, b := range bricks {
		id := b.PeerUUID
		if !slices.ContainsFunc(d.see.Peers, func(p gluster.Peer) bool { return p.UUID == id }) {
			if s, ok := d.want.Server(b.Host); ok {
				id = d.uuid(s)
			}
			id = cmp.Or(id, b.Host)
		}
		out = append(out, id+":"+b.Path)
	}
	return out
}

// uuid is that of a server of the cluster file, "" where nobody knows it.
func (d *decider) uuid(s desired.Server) string {
	if p := d.peer(s); p != nil {
		return p.UUID
	}
	return d.see.Nodes[s.Name].Self()
}

func names(bricks []gluster.Brick) string {
	var out []string
	for _, b := range bricks {
		out = append(out, b.Host+":"+b.Path)
	}
	return strings.Join(out, " ")
}

// options sets what differs, all in one command, and resets what a former run
// set and the cluster file no longer names.
func (d *decider) options(want desired.Volume, have gluster.Volume) {
	var pairs, keys, why, left []string
	var former []string
	if m := have.Options[OwnOptions]; m != "" && m != noOptions {
		former = strings.Split(m, ",")
	}
	for _, o := range want.Options {
		is, set := have.Options[o.Name]
		if o.Name == cluster.OptionAllow && !d.access(have, o, former) {
			left = append(left, o.Name)
			continue
		}
		keys = append(keys, o.Name)
		if set && sameValue(is, o.Value) {
			continue
		}
		if o.Name == cluster.OptionGranularHeal && have.Status != gluster.Created {
			d.add(change.Change{Object: "volume " + have.Name, Code: "volume-granular-heal", Action: "switch off granular entry heal of", Why: o.Reason},
				gluster.VolumeGranularHealOff(have.Name), d.leader)
			continue
		}
		pairs = append(pairs, o.Name, o.Value)
		if o.Name == cluster.OptionAllow && have.ID != "" {
			why = append(why, whyAccess(is, o.Value))
		} else if set {
			why = append(why, fmt.Sprintf("%s is %s", o.Name, is))
		}
	}
	slices.Sort(keys)
	marker := strings.Join(keys, ",")
	if len(keys) == 0 && have.Options[OwnOptions] != "" {
		marker = noOptions // GlusterFS cannot reset user options
	}
	if marker != "" && have.Options[OwnOptions] != marker {
		pairs = append(pairs, OwnOptions, marker)
		why = append(why, "the list of options that the cluster file sets has changed")
	}
	// Reset first: the marker that names the old options goes last.
	for _, k := range former {
		_, set := have.Options[k]
		switch {
		case !set || slices.Contains(keys, k):
		case strings.HasPrefix(k, "user."):
			d.plan.Warnings = append(d.plan.Warnings, fmt.Sprintf("volume %s keeps the option %s, which the cluster file no longer names: GlusterFS cannot reset options that begin with user.", have.Name, k))
		default:
			d.add(change.Change{Object: "volume " + have.Name, Code: "volume-reset", Action: "reset option of", Why: k + " was set by an earlier run and is no longer in the cluster file"},
				gluster.VolumeReset(have.Name, k), d.leader)
		}
	}
	if len(pairs) > 0 {
		reason := "the cluster file sets them"
		if len(why) > 0 && have.ID != "" {
			reason = strings.Join(why, ", ")
		}
		d.add(change.Change{Object: "volume " + have.Name, Code: "volume-set", Action: "set options of", Why: reason}, gluster.VolumeSet(have.Name, pairs[0], pairs[1], pairs[2:]...), d.leader)
	}
	d.unnamed(have, append(left, keys...), former)
}

// unnamed warns of options that somebody else set.
func (d *decider) unnamed(have gluster.Volume, keys, former []string) {
	for _, k := range slices.Sorted(maps.Keys(have.Options)) {
		if strings.HasPrefix(k, actual.OwnWords) || automatic(k) || slices.Contains(keys, k) || slices.Contains(former, k) {
			continue
		}
		d.plan.Warnings = append(d.plan.Warnings, fmt.Sprintf("volume %s has the option %s=%s, which the cluster file does not name: left alone", have.Name, k, have.Options[k]))
	}
}

// automatic reports whether glusterd itself sets the option on new volumes, or shows it on each although it is the pool's
// (valid_all_vol_opts, xlators/mgmt/glusterd/src/glusterd-utils.c, 9 to 11).
func automatic(key string) bool {
	return slices.Contains([]string{
		"transport.address-family", "nfs.disable", "performance.client-io-threads", "storage.fips-mode-rchecksum", "cluster.granular-entry-heal",
		"cluster.brick-multiplex", "cluster.max-bricks-per-process", "cluster.brick-graceful-cleanup", "cluster.enable-shared-storage",
		"cluster.op-version", "cluster.max-op-version", "cluster.server-quorum-ratio", "cluster.localtime-logging", "cluster.daemon-log-level",
		"glusterd.vol_count_per_thread", "nfs-ganesha",
	}, key)
}

// sameValue compares the value that a volume has with the one it should have,
// as GlusterFS would: words for on and off, and sizes in any unit. A digit that
// should be there where the volume has a word is one, since only an option that
// is on or off has a word. A word that should be there where the volume has a
// digit may be a mistake, which GlusterFS will tell: it is not the same.
func sameValue(have, want string) bool {
	if strings.EqualFold(have, want) {
		return true
	}
	if x, ok := word(have); ok {
		y, ok := word(want)
		return (ok && x == y) || (x && want == "1") || (!x && want == "0")
	}
	x, okx := bytesOf(have)
	y, oky := bytesOf(want)
	return okx && oky && x == y
}

func word(s string) (value, ok bool) {
	switch strings.ToLower(s) {
	case "on", "yes", "true", "enable":
		return true, true
	case "off", "no", "false", "disable":
		return false, true
	}
	return false, false
}

// bytesOf reads a size as GlusterFS writes it: 268435456, 256MB, 1GB.
func bytesOf(s string) (int64, bool) {
	s = strings.TrimSuffix(strings.ToUpper(s), "B")
	size, err := cluster.ParseSize(s)
	return int64(size), err == nil
}
