package gluster

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"brickyard/gluster/dict"
)

// Status is what runs for a started volume, on all nodes that could be reached.
type Status struct {
	// Volume is its name.
	Volume string
	// Bricks are in the order of the volume. Bricks of unreachable nodes are missing.
	Bricks []BrickStatus
	// Services are the daemons beside the bricks, such as self-heal daemons: one for each node, in the order of
	// name and UUID. GlusterFS leaves them out of a status with details.
	Services []ServiceStatus
}

// BrickStatus is the process that serves a brick.
type BrickStatus struct {
	// Host, Path and PeerUUID are those of Brick.
	Host, Path, PeerUUID string
	// Online says that the process runs and has registered with its glusterd.
	Online bool
	// Port is the TCP port, 0 where the brick is offline.
	Port int
	// PID is the process identifier on Host, -1 where there is no process.
	PID int
	// Detail is filled where it was asked for and the brick's file system could be read.
	Detail *BrickDetail
}

// BrickDetail is the file system below a brick. Sizes are in bytes.
type BrickDetail struct {
	TotalBytes, FreeBytes   uint64
	TotalInodes, FreeInodes uint64
	BlockSize, InodeSize    uint64
	// Device, Filesystem and MountOptions are as in /proc/mounts.
	Device, Filesystem, MountOptions string
}

// ServiceStatus is a daemon of a volume on one node.
type ServiceStatus struct {
	// Name is GlusterFS's own, such as "Self-heal Daemon".
	Name string
	// Host is the node as the asked one calls it; itself "localhost".
	Host string
	// PeerUUID identifies the node.
	PeerUUID string
	Online   bool
	// Port is the TCP port of those services that have one, else 0.
	Port int
	// PID is the process identifier on Host, -1 where there is no process.
	PID int
}

// STATUS_VOLUME's commands (gf_cli_status_type, rpc/xdr/src/cli1-xdr.x).
const (
	statusClients = 0x2
	statusDetail  = 0x20
	statusVolume  = 0x100
)

// VolumeStatus asks all nodes for the processes of a started volume, with detail also for the
// file systems of the bricks.
//
// It takes the volume's lock on every node of the pool for its duration: meanwhile every other command on the
// volume fails with ErrTransaction, and so does this one while another command runs. Ask rarely.
// A volume that is not started is ErrRefused, an unknown one ErrNoSuchVolume.
func (c *Client) VolumeStatus(ctx context.Context, name string, detail bool) (Status, error) {
	const op = "volume status"
	// Without cmd-str glusterd logs an error for each call (glusterd_to_cli, glusterd-utils.c, 10.3).
	req := dict.New(map[string]string{"volname": name, "cmd-str": "volume status " + name})
	req.SetInt("cmd", statusVolume)
	if detail {
		req.SetInt("cmd", statusVolume|statusDetail)
	}
	d, err := c.call(ctx, op, name, procStatusVolume, cliRequest(req), decodeCLIResult)
	if err != nil {
		return Status{}, err
	}
	s, err := parseStatus(d)
	if err != nil {
		return Status{}, malformed(op, name, err)
	}
	s.Volume = name
	return s, nil
}

// parseStatus reads the answer of glusterd_op_status_volume (glusterd-op-sm.c, 10.3): indices up to
// brick-index-max are bricks, the other-count behind them services; those of unreachable nodes are missing.
func parseStatus(d dict.Dict) (Status, error) {
	last, err := d.Int("brick-index-max")
	if err != nil {
		return Status{}, err
	}
	others := d.IntOr("other-count", 0)
	if last < -1 || others < 0 || last > maxListed || others > maxListed {
		return Status{}, fmt.Errorf("brick-index-max %d, other-count %d", last, others)
	}
	var s Status
	for _, i := range statusIndices(d) {
		if i > last+others {
			break
		}
		key := fmt.Sprintf("brick%d.", i)
		host, path, peer := d.String(key+"hostname"), d.String(key+"path"), d.String(key+"peerid")
		online, port, pid := d.IntOr(key+"status", 0) != 0, d.IntOr(key+"port", 0), d.IntOr(key+"pid", -1)
		if !online {
			port = 0 // the wire has the last one used
		}
		if i > last {
			s.Services = append(s.Services, ServiceStatus{
				Name: host, Host: path, PeerUUID: peer, Online: online, Port: port, PID: pid,
			})
			continue
		}
		b := BrickStatus{Host: host, Path: path, PeerUUID: peer, Online: online, Port: port, PID: pid}
		if b.Detail, err = parseDetail(d, key); err != nil {
			return Status{}, err
		}
		s.Bricks = append(s.Bricks, b)
	}
	// The order of nodes is that of their answers.
	slices.SortFunc(s.Services, func(a, b ServiceStatus) int {
		return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.PeerUUID, b.PeerUUID))
	})
	return s, nil
}

// statusIndices returns the numbers N of the keys brickN.hostname, in order. The work is bounded by the dict,
// whatever its counts claim.
func statusIndices(d dict.Dict) []int {
	var indices []int
	for k := range d {
		number, isHost := strings.CutSuffix(k, ".hostname")
		number, isBrick := strings.CutPrefix(number, "brick")
		if i, err := strconv.Atoi(number); isHost && isBrick && err == nil && i >= 0 && strconv.Itoa(i) == number {
			indices = append(indices, i)
		}
	}
	slices.Sort(indices)
	return indices
}

// parseDetail reads what glusterd_add_brick_detail_to_dict adds (glusterd-utils.c, 10.3); nil where it added nothing.
func parseDetail(d dict.Dict, key string) (*BrickDetail, error) {
	if !d.Has(key + "total") {
		return nil, nil //nolint:nilnil // absence is not an error
	}
	b := &BrickDetail{
		Device: d.String(key + "device"), Filesystem: d.String(key + "fs_name"), MountOptions: d.String(key + "mnt_options"),
	}
	for name, to := range map[string]*uint64{
		"total": &b.TotalBytes, "free": &b.FreeBytes, "total_inodes": &b.TotalInodes, "free_inodes": &b.FreeInodes,
		"block_size": &b.BlockSize, "inode_size": &b.InodeSize,
	} {
		if !d.Has(key + name) {
			continue
		}
		// The inode size is "N/A" on file systems whose tools do not tell it.
		n, err := d.Uint64(key + name)
		if err != nil && name != "inode_size" {
			return nil, err
		}
		*to = n
	}
	return b, nil
}
