// Package agree asks the servers of the pool how each of them has the volumes, and says in what they differ.
//
// A command that glusterd could carry out on some servers only ("Commit failed on HOST") leaves the others with an older
// version of the volume, for as long as all stay connected: they compare versions when they meet, and never again.
package agree

import (
	"context"
	"time"

	"brickyard/gluster"
	"brickyard/setup/desired"
)

// View is how one server has the volumes.
type View struct {
	Server  string // its name in the cluster file
	Volumes []gluster.Volume
	// Versions has, by name of the volume, how often it was changed, of those of which the server tells it: its host part makes
	// the links for that (desired.InfoVolfile).
	Versions map[string]uint64
}

// Look asks the glusterd of a server. It takes no lock.
func Look(ctx context.Context, server string, c *gluster.Client) (View, error) {
	v := View{Server: server, Versions: map[string]uint64{}}
	var err error
	if v.Volumes, err = c.Volumes(ctx); err != nil {
		return v, err
	}
	for _, volume := range v.Volumes {
		// One that does not tell is compared by what it says of the volume.
		text, found, err := c.ServerVolfile(ctx, desired.InfoVolfile(volume.Name))
		if err != nil || !found {
			continue
		}
		if n, err := gluster.ParseVolumeVersion(text); err == nil {
			v.Versions[volume.Name] = n
		}
	}
	return v, nil
}

// looks is how often servers are asked before what they say is believed, and pause how long after each: a change reaches one
// server after the other, and of one that is under way all have another version a moment later.
const (
	looks = 4
	pause = time.Second
)

// Lasting asks again while servers differ, and returns the differences that every look had.
func Lasting(ctx context.Context, first []View, look func(context.Context) []View) []Difference {
	found := Differences(first)
	for range looks - 1 {
		if len(found) == 0 {
			return nil
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(pause):
		}
		found = Both(found, Differences(look(ctx)))
	}
	return found
}
