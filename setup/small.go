package main

import (
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
