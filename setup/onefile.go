package main

import (
	"context"
	"time"

	"brickyard/setup/cluster"
	"brickyard/setup/desired"
	"brickyard/setup/onefile"
	"brickyard/setup/pool"
)

// lookApplied knows which cluster file the nodes applied last.
func lookApplied(c *cluster.Cluster, s *desired.State) (*onefile.Looker, error) {
	digest, err := onefile.Digest(c)
	if err != nil {
		return nil, err
	}
	return &onefile.Looker{Node: s.Node, Servers: s.Pool.Servers, Dial: pool.DialTCP, File: digest, Program: version, Timeout: 3 * time.Second}, nil
}

// fileWords are the warnings about nodes with another cluster file, or of which it is not known.
func (n *node) fileWords(ctx context.Context, look func(context.Context) (onefile.View, error)) []string {
	v, err := look(ctx)
	if err != nil {
		return []string{err.Error()}
	}
	return append(v.Differing(), v.Unsure()...)
}

// fileWordsAtEnd are the same once apply has ended, however it did: the others may have applied the file meanwhile.
func (n *node) fileWordsAtEnd(ctx context.Context) []string {
	return n.fileWords(context.WithoutCancel(ctx), n.applied.Again)
}
