package node

import (
	"sync"
	"time"

	"brickyard/gluster"
)

// Processes are those of GlusterFS on this machine.
type Processes = gluster.Processes

// processCache reads the command lines of all processes now and then, and in between only of those that are new: on a machine with many
// processes that would be most of the work of a scrape.
type processCache struct {
	mu    sync.Mutex
	full  time.Time    // when all were read
	ours  map[int]bool // whether a process is one of GlusterFS's
	found Processes
	doubt error // of processes of which it cannot be told whether they are GlusterFS's
}

// fullLook is how long it may stay unseen that a process became one of GlusterFS's after it was looked at, between fork and exec. Where a
// process of a brick is missed it is looked for at once.
const fullLook = 30 * time.Second

// again makes the next list a full one.
func (c *processCache) again() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.full = time.Time{}
}

func (c *processCache) list(proc string) (Processes, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	pids, err := gluster.ProcessIDs(proc)
	if err != nil {
		return Processes{}, err
	}
	known := c.ours
	if now := time.Now(); now.Sub(c.full) > fullLook {
		known, c.full = nil, now
	}
	ours, changed := make(map[int]bool, len(pids)), false
	var fresh Processes
	var doubt error
	for _, pid := range pids {
		is, seen := known[pid]
		if !seen {
			var err error
			if is, err = fresh.Add(proc, pid); doubt == nil {
				doubt = err
			}
			changed = changed || is
		}
		ours[pid] = is
	}
	if known == nil || doubt != nil {
		c.doubt = doubt // until the next full look
	}
	gone := false
	for pid, is := range known {
		_, there := ours[pid]
		gone = gone || is && !there
	}
	c.ours = ours
	if known == nil || changed || gone {
		// All of GlusterFS's anew, in order.
		c.found = Processes{}
		for _, pid := range pids {
			if ours[pid] {
				_, _ = c.found.Add(proc, pid) //nolint:errcheck // it was proven a moment ago, or has just ended
			}
		}
	}
	return c.found, c.doubt
}
