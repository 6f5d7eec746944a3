package gluster

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"brickyard/gluster/dict"
)

// VolumeType is the layout of a volume, numbered as in "gluster --xml volume info".
type VolumeType int

// The types of volume (gf_cluster_type, libglusterfs, plus the five "Distributed-" ones that
// the command line adds: cli_vol_type_str, cli/src/cli-rpc-ops.c, 10.3).
const (
	Distribute VolumeType = iota
	Stripe
	Replicate
	StripedReplicate
	Disperse
	Tier
	DistributedStripe
	DistributedReplicate
	DistributedStripedReplicate
	DistributedDisperse
)

// distributed is the distance between a type and its "Distributed-" one.
const distributed = DistributedStripe - Stripe

// String gives the words of the gluster command line.
func (t VolumeType) String() string {
	switch t {
	case Distribute:
		return "Distribute"
	case Stripe:
		return "Stripe"
	case Replicate:
		return "Replicate"
	case StripedReplicate:
		return "Striped-Replicate"
	case Disperse:
		return "Disperse"
	case Tier:
		return "Tier"
	case DistributedStripe, DistributedReplicate, DistributedStripedReplicate, DistributedDisperse:
		return "Distributed-" + (t - distributed).String()
	default:
		return fmt.Sprintf("volume type %d", int(t))
	}
}

// VolumeStatus says whether a volume serves (glusterd_volume_status, glusterd.h, 10.3).
type VolumeStatus int

// The states of a volume.
const (
	Created VolumeStatus = iota // never started
	Started
	Stopped
)

// String gives the words of the gluster command line.
func (s VolumeStatus) String() string {
	switch s {
	case Created:
		return "Created"
	case Started:
		return "Started"
	case Stopped:
		return "Stopped"
	default:
		return fmt.Sprintf("volume status %d", int(s))
	}
}

// Brick is a directory of a node that holds a part of a volume.
type Brick struct {
	// Host is the name or address under which the brick was given to the volume.
	Host string
	// Path is the absolute path of the directory on Host.
	Path string
	// PeerUUID identifies the node.
	PeerUUID string
	// Arbiter is true where the brick holds names and attributes only, no contents.
	Arbiter bool
}

// String gives host:path, as the gluster command line takes and prints it.
func (b Brick) String() string { return b.Host + ":" + b.Path }

// Volume is what the pool knows about a volume.
type Volume struct {
	Name, ID string
	Type     VolumeType
	Status   VolumeStatus
	// Transport is "tcp", "rdma" or "tcp,rdma".
	Transport string
	// Replica is the number of bricks of a replica set, an arbiter included; 1 where nothing is replicated.
	Replica int
	// Arbiter is how many of them are arbiters.
	Arbiter int
	// Disperse is the number of bricks of a dispersed set, Redundancy how many of them may be lost; 0 for other types.
	Disperse, Redundancy int
	// Distribute is the number of sets over which files are distributed.
	Distribute int
	// Snapshots is the number of snapshots.
	Snapshots int
	// Bricks are in the order that makes the sets: see ReplicaSets.
	Bricks []Brick
	// Options are those that were set, including the ones that GlusterFS sets by itself at creation.
	Options map[string]string
}

// ReplicaSets returns the bricks of each set that holds the same files (a subvolume of the volume),
// in the order of the volume. A volume that only distributes has sets of one brick.
func (v Volume) ReplicaSets() [][]Brick {
	size := v.setSize()
	var sets [][]Brick
	for i := 0; i+size <= len(v.Bricks); i += size {
		sets = append(sets, v.Bricks[i:i+size])
	}
	return sets
}

// setSize is the number of bricks of one set, at least 1.
func (v Volume) setSize() int {
	return max(1, v.Replica, v.Disperse)
}

// GET_VOLUME's flags (GF_CLI_GET_VOLUME and GF_CLI_GET_NEXT_VOLUME, rpc/xdr/src/cli1-xdr.x).
const (
	getVolume     = 2
	getNextVolume = 3
)

// VolumeNames returns the names of all volumes. It takes no lock.
func (c *Client) VolumeNames(ctx context.Context) ([]string, error) {
	const op = "volume list"
	d, err := c.call(ctx, op, "", procListVolume, cliRequest(dict.Dict{}), decodeCLIResult)
	if err != nil {
		return nil, err
	}
	names, err := parseNames(d)
	if err != nil {
		return nil, malformed(op, "", err)
	}
	return names, nil
}

// parseNames reads the answer of __glusterd_handle_cli_list_volume (glusterd-handler.c, 10.3).
func parseNames(d dict.Dict) ([]string, error) {
	count := d.IntOr("count", 0)
	if count < 0 || count > maxListed {
		return nil, fmt.Errorf("%d volumes", count)
	}
	names := []string{}
	for i := range count {
		key := fmt.Sprintf("volume%d", i)
		if !d.Has(key) {
			return nil, errNoKey(key)
		}
		names = append(names, d.String(key))
	}
	return names, nil
}

// Volumes returns all volumes, in GlusterFS's order. It takes no lock and makes a call for each volume, so that a
// volume made or deleted meanwhile may or may not be among them.
func (c *Client) Volumes(ctx context.Context) ([]Volume, error) {
	const op = "volume info"
	volumes := []Volume{}
	for len(volumes) <= maxListed {
		req := dict.Dict{}
		req.SetInt("flags", getNextVolume)
		if n := len(volumes); n > 0 {
			req.SetString("volname", volumes[n-1].Name)
		}
		d, err := c.call(ctx, op, "", procGetVolume, cliRequest(req), decodeCLIResult)
		if err != nil {
			return nil, err
		}
		if d.IntOr("count", 0) == 0 {
			return volumes, nil
		}
		v, err := parseVolume(d)
		if err != nil {
			return nil, malformed(op, "", err)
		}
		volumes = append(volumes, v)
	}
	return nil, malformed(op, "", errors.New("volumes without end"))
}

// Volume returns one volume; ErrNoSuchVolume where the pool has none of that name. It takes no lock.
func (c *Client) Volume(ctx context.Context, name string) (Volume, error) {
	const op = "volume info"
	req := dict.New(map[string]string{"volname": name})
	req.SetInt("flags", getVolume)
	d, err := c.call(ctx, op, name, procGetVolume, cliRequest(req), decodeCLIResult)
	if err != nil {
		return Volume{}, err
	}
	if d.IntOr("count", 0) == 0 {
		return Volume{}, &Error{Op: op, Object: name, Code: codeNoVolume, Kind: ErrNoSuchVolume}
	}
	v, err := parseVolume(d)
	if err != nil {
		return Volume{}, malformed(op, name, err)
	}
	return v, nil
}

// parseVolume reads the answer of glusterd_add_volume_detail_to_dict (glusterd-handler.c, 10.3).
// Distribute is computed: the wire's dist_count counts bricks of a set in 9 and 10 and
// sets in 11.
func parseVolume(d dict.Dict) (Volume, error) {
	const key = "volume0."
	var ints [9]int
	for i, name := range []string{
		"type", "status", "transport", "brick_count", "replica_count",
		"arbiter_count", "disperse_count", "redundancy_count", "snap_count",
	} {
		n, err := d.Int(key + name)
		if err != nil {
			// Kept apart from the required ones: absent before arbiters and snapshots existed.
			if i < 4 || d.Has(key+name) {
				return Volume{}, err
			}
		}
		ints[i] = n
	}
	v := Volume{
		Name: d.String(key + "name"), ID: d.String(key + "volume_id"),
		Type: VolumeType(ints[0]), Status: VolumeStatus(ints[1]), Transport: transportName(ints[2]),
		Replica: ints[4], Arbiter: ints[5], Disperse: ints[6], Redundancy: ints[7], Snapshots: ints[8],
		Options: map[string]string{},
	}
	bricks := ints[3]
	if v.Name == "" || bricks < 0 || bricks > maxListed {
		return Volume{}, fmt.Errorf("volume %.64q with %d bricks", v.Name, bricks)
	}
	size := v.setSize()
	v.Distribute = bricks / size
	if v.Type != Distribute && v.Type < Tier && size < bricks {
		v.Type += distributed
	}
	for i := 1; i <= bricks; i++ {
		name := fmt.Sprintf("%sbrick%d", key, i)
		b, err := ParseBrick(d.String(name))
		if err != nil {
			return Volume{}, err
		}
		b.PeerUUID = d.String(name + ".uuid")
		// Arbiters are the last of their set (glusterd_is_arbiter... in add_brick_to_dict).
		b.Arbiter = v.Arbiter > 0 && (i-1)%size >= size-v.Arbiter
		v.Bricks = append(v.Bricks, b)
	}
	const options = key + "option."
	for k := range d {
		if name, ok := strings.CutPrefix(k, options); ok {
			v.Options[name] = d.String(k)
		}
	}
	return v, nil
}

// transportName gives the words of the gluster command line (gf_transport_type, glusterfs.h).
func transportName(n int) string {
	switch n {
	case 0:
		return "tcp"
	case 1:
		return "rdma"
	case 2:
		return "tcp,rdma"
	default:
		return fmt.Sprintf("transport %d", n)
	}
}

// ParseBrick splits host:path at the first ":/", so that the host may be an IPv6 address.
func ParseBrick(s string) (Brick, error) {
	i := strings.Index(s, ":/")
	// fd77:: ends with a colon of its own: the last colon in front of the slash divides.
	for i >= 0 && strings.HasPrefix(s[i+1:], ":/") {
		i++
	}
	if i <= 0 || strings.Contains(s[:i], "/") {
		return Brick{}, fmt.Errorf("brick %.256q is not host:/path", s)
	}
	return Brick{Host: s[:i], Path: s[i+1:]}, nil
}
