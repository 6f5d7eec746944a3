package main

import (
	"context"
	"errors"
	"fmt"

	"brickyard/setup/bench"
)

// BenchCmd is the articles' benchmark.
type BenchCmd struct {
	outputFlags
	Paths     []string `arg:"" type:"existingdir" help:"Directories to measure in turn; the first is what the others are compared with."`
	Size      int64    `default:"1000000" help:"Bytes of text in a file."`
	Count     int      `default:"1000" help:"Files in a round."`
	Rounds    int      `default:"10" help:"Rounds on each path."`
	Fsync     bool     `help:"Sync each file before it is closed."`
	DropCache bool     `help:"Ask the kernel to forget each file's pages before it is read back."`
}

// Run measures and prints, also what was measured until Ctrl-C.
func (c *BenchCmd) Run(ctx context.Context, streams IO) error {
	result, err := bench.Run(ctx, bench.Config{
		Paths: c.Paths, Size: c.Size, Count: c.Count, Rounds: c.Rounds, Fsync: c.Fsync, DropCache: c.DropCache,
		Progress: streams.Err, Terminal: isTerminal(streams.Err),
	})
	if err != nil && len(result.Paths) == 0 {
		return err // nothing was measured
	}
	if c.json() {
		if jerr := result.WriteJSON(streams.Out); jerr != nil {
			return jerr
		}
		if err != nil { // the document says that it is not complete
			fmt.Fprintf(streams.Err, "gluster-setup: %v\n", err) //nolint:errcheck // the last words
			return exitStatus(exitError)
		}
		return nil
	}
	return errors.Join(err, result.WriteText(streams.Out))
}
