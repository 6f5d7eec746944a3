// Package verify is the replication test through the clients' mounts: a file
// made on one node is read on the others; removed on the one, it is gone on
// the others. It measures how long that takes without comparing clocks.
//
// All client nodes of a mount run it at about the same time. They talk only
// through files below the hidden directory .gluster-setup-verify of the
// volume. Below it, each volume and mount path has a directory, and in that:
//
//	run-TOKEN-…-NODE             a directory: NODE's run TOKEN is here, and its inbox
//	file-TOKEN-ROUND-…-NODE      the file NODE's run made in a round: random bytes and their checksum
//
// In an inbox every message is an empty file whose name says it all (package
// type name lists them), so a message is there or not: nothing half written
// is ever read, and no cache of file contents can stand in the way. Messages
// are found by listing the directory, never by asking for a name that may not
// be there yet, so no client remembers that a name does not exist. Every name
// is used once.
//
// Meeting. A node puts "met" into the inbox of every run it finds of its
// peers. As tokens are random and new, a "met" in one's own inbox proves that
// the sender's run was alive after one's own began; what a dead run left
// never answers. A node that has met all its peers begins.
//
// A client that caches what it read may show old contents for a while. It
// would show them to applications, too, so that is part of what is measured.
// With GlusterFS's own mount options a removal takes a second for that reason:
// the kernel trusts a name that it has looked up for entry-timeout, 1 s, while
// a new file is found at once.
//
// Rounds. Each node makes a file, waits until all peers answered "seen" (with
// the checksum of what they read), removes it, and waits until all answered
// "gone": neither listed nor to be opened. All nodes do so at the same time,
// each in one loop that also answers the others. Answer times are measured
// by one clock, the monotonic clock of the node that made the file: it is a
// round trip, an upper bound of the one-way delay. It contains the polling of
// both sides.
//
// Parting. A node that needs no more answers says "done" to all, but goes on
// answering until all said so, or left, or fell silent. Then it removes what
// it made. The last one removes the directories.
package verify

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// Defaults for the flags of `gluster-setup verify`.
const (
	DefaultTimeout  = 2 * time.Minute
	DefaultPatience = 30 * time.Second
	DefaultRounds   = 5
)

// maxNode keeps every file name below the 255 bytes a file system allows.
const maxNode = 180

// Config says what to verify.
type Config struct {
	// Node is this node's name in the cluster file.
	Node string
	// Peers are the other client nodes of the mount. With none, only this
	// node's own writing, reading and removing is tested.
	Peers []string
	// Path is where the volume is mounted, the same on all nodes.
	Path string
	// Volume is the name of the mounted volume.
	Volume string
	// Declared, if set, is asked before anything is written: an error says that
	// what is mounted is not the volume that is meant.
	Declared func(context.Context) error
	// Timeout is how long to wait for all peers to start.
	Timeout time.Duration
	// Patience is how long a file may take to appear or vanish on a peer, and
	// how long one operation on the mount may take. 0 is DefaultPatience. It
	// should be the same on all nodes.
	Patience time.Duration
	// Interval is the pause between two looks at the volume. 0 is 10 ms, or
	// 2 ms a node where there are more than five.
	Interval time.Duration
	// Rounds is the number of files each node makes.
	Rounds int
	// Waiting, if set, is told what is being waited for, when that changes.
	Waiting func(string)
}

func (c Config) withDefaults() Config {
	c.Path = filepath.Clean(c.Path)
	if c.Patience == 0 {
		c.Patience = DefaultPatience
	}
	if c.Interval == 0 {
		c.Interval = max(10*time.Millisecond, time.Duration(len(c.Peers)+1)*2*time.Millisecond)
	}
	if c.Waiting == nil {
		c.Waiting = func(string) {}
	}
	c.Peers = slices.Sorted(slices.Values(c.Peers))
	return c
}

func (c Config) validate() error {
	var errs []error
	for i, node := range append([]string{c.Node}, c.Peers...) {
		switch {
		case node == "" || len(node) > maxNode || strings.ContainsAny(node, "/\x00"):
			errs = append(errs, fmt.Errorf("node name %q cannot be part of a file name", node))
		case i > 0 && (node == c.Node || slices.Contains(c.Peers[:i-1], node)):
			errs = append(errs, fmt.Errorf("node %s is named twice", node))
		}
	}
	if c.Volume == "" || strings.ContainsAny(c.Volume, "/\x00") {
		errs = append(errs, fmt.Errorf("%q is no volume name", c.Volume))
	}
	if !filepath.IsAbs(c.Path) {
		errs = append(errs, fmt.Errorf("mount point %q is not an absolute path", c.Path))
	}
	if c.Timeout <= 0 {
		errs = append(errs, fmt.Errorf("--timeout %s: must be more than 0", c.Timeout))
	}
	if c.Patience < 0 {
		errs = append(errs, fmt.Errorf("--patience %s: must be more than 0", c.Patience))
	}
	if c.Interval < 0 {
		errs = append(errs, fmt.Errorf("--interval %s: must be more than 0", c.Interval))
	}
	if c.Rounds < 1 {
		errs = append(errs, fmt.Errorf("--rounds %d: must be at least 1", c.Rounds))
	}
	return errors.Join(errs...)
}
