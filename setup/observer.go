package main

import (
	"context"
	"time"

	"brickyard/gluster"
	"brickyard/setup/actual"
	"brickyard/setup/cluster"
	"brickyard/setup/desired"
	"brickyard/setup/host"
	"brickyard/setup/pool"
	"brickyard/setup/stop"
)

// observer gathers the facts about this node's replica sets.
func observer(f fileFlags) (*actual.Observer, func(), error) {
	cl, err := f.load()
	if err != nil {
		return nil, nil, err
	}
	s, err := f.self(cl)
	if err != nil {
		return nil, nil, err
	}
	return observerOf(cl, s)
}

func observerOf(cl *cluster.Cluster, s *desired.State) (*actual.Observer, func(), error) {
	h, err := host.New(s, &desired.Rendered{}, cl.Source)
	if err != nil {
		return nil, nil, err
	}
	local := gluster.NewClient("unix", "")
	o := &actual.Observer{
		State: s, Cluster: cl, Local: local, Dial: pool.DialTCP, Timeout: 3 * time.Second,
		Started: stop.GlusterdStarted, Now: time.Now,
		Mounted: func(m desired.BrickMount) (string, error) { return h.Mounted(context.Background(), m) },
	}
	return o, func() { local.Close() }, nil //nolint:errcheck,gosec // a connection for reading
}
