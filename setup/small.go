package main

import (
	"context"
	"fmt"
	"os"

	"brickyard/setup/cluster"
	"brickyard/setup/departed"
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
		fstab, err := os.ReadFile("/etc/fstab")
		if err != nil || len(departed.Mounts(string(fstab), c.Volume)) == 0 {
			return fmt.Errorf("volume %s is not in %s", c.Volume, c.File)
		}
		// A file that has lost the volume must not keep its mount from being tried.
		fmt.Fprintf(streams.Err, "warning: volume %s is not in %s any more, and our block in /etc/fstab still mounts it: nobody waits until it serves\n", c.Volume, c.File) //nolint:errcheck // a log line
		return nil
	}
	if err := unencrypted(); err != nil {
		return err // it would wait for an answer that never comes, and a boot with it
	}
	return waitVolume(ctx, streams, cl, s, c.Volume)
}
