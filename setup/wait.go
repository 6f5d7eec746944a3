package main

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"time"

	"brickyard/setup/departed"
	"brickyard/setup/etchosts"
	"brickyard/setup/host"
	"brickyard/setup/mountwait"
	"brickyard/setup/secureaccess"
)

// WaitCmd waits until a volume serves.
type WaitCmd struct {
	fileFlags
	Volume string `arg:"" help:"The volume."`
}

// Run waits without a limit; whoever calls it sets one.
func (c *WaitCmd) Run(ctx context.Context, streams IO) error {
	cl, err := c.load()
	if err != nil {
		return err
	}
	s, err := c.self(cl)
	if err != nil {
		return err
	}
	if _, ok := s.Pool.Volume(c.Volume); !ok {
		if !departed.StillMounts("/etc/fstab", c.Volume) {
			return fmt.Errorf("volume %s is not in %s", c.Volume, c.File)
		}
		// A file that has lost the volume must not keep its mount from being tried.
		fmt.Fprintf(streams.Err, "warning: volume %s is not in %s any more, and our block in /etc/fstab still mounts it: "+
			"nobody waits until it serves\n", c.Volume, c.File)
		return nil
	}
	if err := secureaccess.Refuse(); err != nil {
		return err // it would wait for an answer that never comes, and a boot with it
	}
	if lost := etchosts.Lost(s); lost != "" {
		fmt.Fprintf(streams.Err, "warning: %s\n", lost)
	}
	o, done, err := observerOf(cl, s)
	if err != nil {
		return err
	}
	defer done()
	o.Only = c.Volume
	w := &mountwait.Wait{
		Volume: c.Volume, Probe: probe(s), Observe: o.Observe, Dir: filepath.Join(host.RunDir, "mount-wait"), Out: streams.Err,
	}
	if v, ok := s.Pool.Volume(c.Volume); ok && slices.Contains(v.ServersOf(), s.Node) {
		w.Limit = time.Duration(*cl.MountWait) * time.Second
	}
	return w.Until(ctx)
}
