package probe

import (
	"slices"
	"strings"
	"time"
)

// Parent and child talk by lines of JSON over the child's standard input and output. The first line to the child is its
// childConfig; each further one is a request. The child ends when its standard input does.

// childConfig is what a child has to know.
type childConfig struct {
	Mountpoint string `json:"mountpoint"`
	// Mounts are all mount points that this exporter probes: files of this node for another mount are leftovers.
	Mounts    []string `json:"mounts"`
	MountInfo string   `json:"mount_info"`
	Node      string   `json:"node"`
	// Peers are the nodes whose beacons are looked at; empty for all that have a host's name.
	Peers []string      `json:"peers,omitempty"`
	Echo  time.Duration `json:"echo_nanoseconds"` // between two calls for echoes
}

// hears reports whether beacons of a node's are looked at.
func (c childConfig) hears(node string) bool {
	if len(c.Peers) > 0 {
		return slices.Contains(c.Peers, node)
	}
	return isHostName(node)
}

// isHostName reports whether a name could be a host's: it becomes a label.
func isHostName(name string) bool {
	const most = 253 // bytes (RFC 1035)
	const characters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._"
	return name != "" && len(name) <= most && strings.Trim(name, characters) == ""
}

// request asks for one probe. There is never more than one under way.
type request struct {
	ID   uint64 `json:"id"`
	Size int    `json:"size"` // bytes
	// Bricks asks for the connections to the bricks as well.
	Bricks bool `json:"bricks,omitempty"`
}

// message is one line from the child. Those with the ID of a request are its progress; Done is the last of them.
type message struct {
	ID     uint64       `json:"id,omitempty"`
	Begin  string       `json:"begin,omitempty"` // an operation begins
	End    *measurement `json:"end,omitempty"`   // an operation has succeeded
	Bricks *bricks      `json:"bricks,omitempty"`
	// NoBricks says that the connections to the bricks could not be read, or, with Class not_connected, that there are none.
	NoBricks bool    `json:"no_bricks,omitempty"`
	Done     bool    `json:"done,omitempty"`
	Class    string  `json:"class,omitempty"` // of the error, with Done or NoBricks
	Error    string  `json:"error,omitempty"`
	Echo     *echoed `json:"echo,omitempty"`
}

// measurement is the time that one operation took.
type measurement struct {
	Operation string  `json:"operation"`
	Size      int     `json:"size"` // bytes of the probe's file
	Seconds   float64 `json:"seconds"`
}

// bricks counts the bricks of a mount's volume.
type bricks struct {
	Total     int `json:"total"`
	Connected int `json:"connected"`
}

// echoed is the outcome of one call to one peer.
type echoed struct {
	Peer    string  `json:"peer"`
	Seconds float64 `json:"seconds"`
	Lost    bool    `json:"lost,omitempty"` // no echo until the next call
}
