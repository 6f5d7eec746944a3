// Package store moves the volumes that glusterd cannot read out of its store,
// before glusterd starts: a glusterd that fails to read one volume does not
// start at all, and one that knows nothing of it gets it from its peers.
//
// glusterd replaces info and the files of the bricks whole, flushed and renamed,
// but not all at once. In a reset-brick or replace-brick it removes the brick's
// file and writes it anew some tenths of a second later; where it takes over a
// volume that a peer knows in a newer version it removes all of them and info
// first; and before it writes a file that was not there it makes an empty one
// of that name. Whoever ends it in between, a power cut or a crash, leaves a
// store that it cannot read (glusterd_store_delete_brick and
// glusterd_store_retrieve_bricks, xlators/mgmt/glusterd/src/glusterd-store.c;
// glusterd_delete_stale_volume, glusterd-utils.c; gf_store_handle_new and
// gf_store_read_and_tokenize, libglusterfs/src/store.c).
//
// The peers have the volume: a change is made on the node that was asked first,
// and on the others when that one has stored it (glusterd_mgmt_v3_commit,
// glusterd-mgmt.c), so that at every moment one of them can be read.
package store

import (
	"strconv"
	"strings"
)

// Node is what glusterd left in its store, and what else decides.
type Node struct {
	Running   bool // a glusterd runs: what is half done, it is doing
	Peers     int  // accepted members of the pool, without this node
	Snapshots bool // glusterd has snapshots, and reads none without its volume
	Volumes   []Volume
}

// Volume is the directory of a volume in glusterd's store.
type Volume struct {
	Name   string
	Info   *string           // the text of info; nil where there is no such file
	Bricks map[string]string // the texts of the files below bricks, by their names
}

// Verdict is about a volume that glusterd cannot read.
type Verdict struct {
	Volume string
	Damage string // what keeps glusterd from reading it
	Stays  string // why it must stay in its place; "" where it must not
}

// Decide names the volumes that glusterd cannot read. It is silent about
// everything else, also where it does not understand what it sees.
func Decide(n Node) []Verdict {
	if n.Running {
		return nil
	}
	var out []Verdict
	for _, v := range n.Volumes {
		damage := v.damage()
		if damage == "" {
			continue
		}
		verdict := Verdict{Volume: v.Name, Damage: damage}
		switch {
		case n.Peers == 0:
			verdict.Stays = "no peer could give it back"
		case n.Snapshots:
			verdict.Stays = "glusterd would not start without the volumes of its snapshots either"
		}
		out = append(out, verdict)
	}
	return out
}

// nameCharacters are those of a volume's name (cli_cmd_volume_create_parse, cli/src/cli-cmd-parser.c).
const nameCharacters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_"

// damage is why glusterd cannot read the volume; "" of all others. A power cut
// leaves no half of a file, so what is there and has a line is believed.
func (v Volume) damage() string {
	if strings.Trim(v.Name, nameCharacters) != "" {
		return "" // no volume
	}
	if v.Info == nil {
		return "info is missing"
	}
	if !readable(*v.Info) {
		return "info is empty"
	}
	for _, name := range bricks(*v.Info) {
		text, there := v.Bricks[name]
		if !there {
			return "bricks/" + name + " is missing"
		}
		if !readable(text) {
			return "bricks/" + name + " is empty"
		}
	}
	return ""
}

// readable reports whether glusterd finds a line in a file of its store: one
// that does not end counts for nothing (gf_store_read_and_tokenize, 10.3), nor
// do zeros, which some file systems leave of a file that was not flushed.
func readable(text string) bool {
	return strings.Contains(strings.TrimLeft(text, "\n"), "\n")
}

// bricks are the names of the files that glusterd will look for below bricks:
// HOST:PATH with dashes for the slashes, just as in info
// (glusterd_store_volinfo_brick_fname_write, glusterd-store.c, 3.x to 11). It
// is nil for an info that is not as glusterd writes it.
func bricks(info string) []string {
	if !strings.HasSuffix(info, "\n") {
		return nil
	}
	values := map[string]string{}
	for l := range strings.Lines(info) {
		key, value, ok := strings.Cut(strings.TrimSuffix(l, "\n"), "=")
		if !ok {
			continue
		}
		if _, twice := values[key]; twice {
			return nil
		}
		values[key] = value
	}
	count, err := strconv.Atoi(values["count"])
	if err != nil || count < 1 || count > len(values) {
		return nil
	}
	var out []string
	for i := range count {
		name := values["brick-"+strconv.Itoa(i)]
		if host, path, ok := strings.Cut(name, ":"); !ok || host == "" || path == "" || strings.Contains(name, "/") {
			return nil
		}
		out = append(out, name)
	}
	return out
}
