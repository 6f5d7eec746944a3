package main

import (
	"context"
	"fmt"

	"brickyard/setup/cluster"
)

// InitCmd prints a cluster file to start from.
type InitCmd struct {
	Kind string `arg:"" enum:"web,cache" help:"web: web servers that share their source tree, on disk. cache: a fault-tolerant cache in memory."`
}

// Run prints the example.
func (c *InitCmd) Run(streams IO) error {
	text, err := cluster.Example(c.Kind)
	if err != nil {
		return err
	}
	_, err = streams.Out.Write(text)
	return err
}

// SchemaCmd prints the JSON Schema.
type SchemaCmd struct{}

// Run prints the schema.
func (SchemaCmd) Run(streams IO) error {
	text, err := cluster.Schema()
	if err != nil {
		return err
	}
	_, err = streams.Out.Write(text)
	return err
}

// VersionCmd prints the version.
type VersionCmd struct{}

// Run prints the version.
func (VersionCmd) Run(streams IO) error {
	_, err := fmt.Fprintf(streams.Out, "gluster-setup %s\n", version)
	return err
}

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
		return fmt.Errorf("volume %s is not in %s", c.Volume, c.File)
	}
	if err := unencrypted(); err != nil {
		return err // it would wait for an answer that never comes, and a boot with it
	}
	return waitVolume(ctx, streams, cl, s, c.Volume)
}
