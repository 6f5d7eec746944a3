package simulated

import (
	"embed"
	"fmt"
	"maps"
	"path"
	"strconv"
	"strings"

	"brickyard/gluster/dict"
	"brickyard/gluster/xdr"
)

// recordings are made by TestRecord (build tag record).
//
//go:embed recorded
var recordings embed.FS

// recordedVersion is that of the GlusterFS whose replies are replayed.
const recordedVersion = "10.3"

// Shape of the recorded volume, and so of all.
const (
	bricksPerVolume = 6
	replica         = 3
	recordedName    = "recorded"
)

// recording is what one node of a small cluster said and had in its files.
type recording struct {
	uuid, peers, volumes, volume dict.Dict // of glusterd
	clients, profile             dict.Dict // of a brick
	statistics, count            dict.Dict // of a self-heal daemon
	maps, limits, stat           string    // of a brick's process in /proc
	info, nodeState, node        string    // of glusterd's working directory
}

func load() (r recording, err error) {
	file := func(name string) []byte {
		b, rerr := recordings.ReadFile(path.Join("recorded", "glusterfs-"+recordedVersion, name))
		if err == nil {
			err = rerr
		}
		return b
	}
	// A reply holds two numbers, and then its dictionary, with a text in front in those of glusterd but one.
	reply := func(name string, text bool) dict.Dict {
		x := xdr.NewDecoder(file(name + ".bin"))
		x.Int32()
		x.Int32()
		if text {
			_ = x.String()
		}
		d, derr := dict.Unmarshal(x.Opaque())
		if err == nil && derr != nil {
			err = fmt.Errorf("recorded reply %s: %w", name, derr)
		}
		return d
	}
	r = recording{
		uuid: reply("uuid", true), peers: reply("pool-list", false), volumes: reply("volume-list", true), volume: reply("volume-info", true),
		clients: reply("brick-clients", false), profile: reply("brick-profile", false),
		statistics: reply("heal-statistics", false), count: reply("heal-count", false),
		maps: string(file("maps")), limits: string(file("limits")), stat: string(file("stat")),
		info: string(file("info")), nodeState: string(file("node_state.info")), node: string(file("glusterd.info")),
	}
	return r, err
}

// glusterdReply is gf_cli_rsp, peersReply gf1_cli_peer_list_rsp and brickReply gd1_mgmt_brick_op_rsp, of a call that succeeded.
func glusterdReply(d dict.Dict) []byte {
	b := xdr.AppendInt32(xdr.AppendInt32(nil, 0), 0)
	return xdr.AppendOpaque(xdr.AppendOpaque(b, ""), d.Marshal())
}

func peersReply(d dict.Dict) []byte {
	return xdr.AppendOpaque(xdr.AppendInt32(xdr.AppendInt32(nil, 0), 0), d.Marshal())
}

func brickReply(d dict.Dict) []byte {
	b := xdr.AppendInt32(xdr.AppendInt32(nil, 0), 0)
	return xdr.AppendOpaque(xdr.AppendOpaque(b, d.Marshal()), "")
}

// pool is the recorded list of peers with so many of them, this node last.
func (r recording) pool(peers []peer) dict.Dict {
	d := dict.Dict{}
	d.SetInt("count", len(peers))
	const first = "friend1."
	for i, p := range append(peers[1:len(peers):len(peers)], peers[0]) {
		key := fmt.Sprintf("friend%d.", i+1)
		if i < len(peers)-1 {
			for k, v := range r.peers {
				if rest, ok := strings.CutPrefix(k, first); ok {
					d[key+rest] = v
				}
			}
			d.SetString(key+"hostname", p.name)
			d.SetString(key+"hostname0", p.name)
		} else {
			d.SetString(key+"connected", "1")
			d.SetString(key+"hostname", "localhost")
		}
		d.SetString(key+"uuid", p.uuid)
	}
	return d
}

// list is the list of names.
func list(names []string) dict.Dict {
	d := dict.Dict{}
	d.SetInt("count", len(names))
	for i, n := range names {
		d.SetString("volume"+strconv.Itoa(i), n)
	}
	return d
}

// describe is what glusterd says of a volume.
func (r recording) describe(v *volume) dict.Dict {
	d := maps.Clone(r.volume)
	d.SetString("volume0.name", v.name)
	d.SetString("volume0.volume_id", v.id)
	for i, b := range v.bricks {
		key := fmt.Sprintf("volume0.brick%d", i+1)
		d.SetString(key, b.peer.name+":"+b.path)
		d.SetString(key+".uuid", b.peer.uuid)
	}
	return d
}

// connected is who is connected to a brick: the recorded clients in turn.
func (r recording) connected(clients int) dict.Dict {
	recorded, d := r.clients.IntOr("clientcount", 1), dict.Dict{}
	d.SetInt("clientcount", clients)
	for i := range clients {
		from := fmt.Sprintf("client%d.", i%recorded)
		for k, v := range r.clients {
			if rest, ok := strings.CutPrefix(k, from); ok {
				d[fmt.Sprintf("client%d.", i)+rest] = v
			}
		}
	}
	return d
}

// counted is the profile of a brick that has done the recorded work so often.
func (r recording) counted(times uint64) dict.Dict {
	d := dict.Dict{}
	for k, v := range r.profile {
		n, err := strconv.ParseUint(strings.TrimSuffix(string(v), "\x00"), 10, 64)
		if err != nil {
			d[k] = v // a latency
			continue
		}
		d.SetString(k, strconv.FormatUint(n*times, 10))
	}
	return d
}

// crawled are the latest crawls of the bricks of this node, the recorded ones of one brick in turn.
func (r recording) crawled(v *volume, crawls int) dict.Dict {
	recorded, d := r.statistics.IntOr("statistics-0-0-count", 1), dict.Dict{}
	for i, b := range v.bricks {
		if !b.local() {
			continue
		}
		at := fmt.Sprintf("%d-%d", i/replica, i%replica)
		d.SetInt("statistics-"+at+"-count", crawls)
		for k, value := range r.statistics {
			for n := range crawls {
				if key, ok := strings.CutSuffix(k, fmt.Sprintf("-0-0-%d", n%recorded)); ok {
					d[fmt.Sprintf("%s-%s-%d", key, at, n)] = value
				}
			}
		}
	}
	return d
}

// pending is the number of entries that wait, of every brick.
func (r recording) pending(v *volume) dict.Dict {
	d := dict.Dict{}
	for i := range v.bricks {
		d[fmt.Sprintf("%d-%d-hardlinks", i/replica, i%replica)] = r.count["0-0-hardlinks"]
	}
	return d
}
