// Package bench is the benchmark of the two articles that Brickyard follows:
// create, write, read back and remove a file of text, many times, on one or
// more paths in turn.
//
// What is measured. Every operation of every file is timed alone: create,
// write, fsync (on request), close, open, read (to the end of the file, with
// closing it) and remove. The seconds of a round are the sum of these times;
// comparing what was read, drawing the progress bar and the like are not in
// them.
//
// Drift. Paths take turns a whole round at a time, and the path that goes
// first changes from round to round, so that a machine that gets slower or
// faster during the run treats all paths alike. Paths are compared round by
// round, never by their averages alone.
//
// Caches. A file is read back on the client that wrote it: what is read may
// come from that client's page cache and says little about the bricks. Use
// Config.DropCache to ask the kernel to forget the file's pages first. The
// kernel forgets only pages that are on disk already, so on a local file
// system combine it with Config.Fsync; and the GlusterFS client process keeps
// caches of its own that it does not reach.
package bench

import (
	"errors"
	"fmt"
	"io"
)

// The articles' values.
const (
	DefaultSize   = 1_000_000 // bytes of text in a file
	DefaultCount  = 1_000     // files in a round
	DefaultRounds = 10        // rounds on each path
)

// maxSize bounds a file, which is held in memory twice.
const maxSize = 1 << 30

// Config says what to measure. Size, Count and Rounds have no hidden default:
// zero is an error, so that `--count 0` is never taken for 1,000.
type Config struct {
	// Paths are directories, measured in turn. The first is the base that the
	// others are compared with.
	Paths []string
	// Size is the size of one file in bytes.
	Size int64
	// Count is the number of files in a round.
	Count int
	// Rounds is the number of rounds on each path.
	Rounds int
	// Fsync syncs each file between writing and closing it.
	Fsync bool
	// DropCache asks the kernel to forget the file's pages before reading
	// (posix_fadvise, POSIX_FADV_DONTNEED); see the package comment.
	DropCache bool
	// Progress receives a progress bar if Terminal is true, otherwise nothing.
	Progress io.Writer
	// Terminal says that Progress is a terminal.
	Terminal bool
}

// validate names the flag to change for each value that cannot be.
func (c Config) validate() error {
	var errs []error
	if len(c.Paths) == 0 {
		errs = append(errs, errors.New("no path: name at least one directory"))
	}
	if c.Size < 1 || c.Size > maxSize {
		errs = append(errs, fmt.Errorf("--size %d: must be from 1 to %d bytes", c.Size, maxSize))
	}
	if c.Count < 1 {
		errs = append(errs, fmt.Errorf("--count %d: must be at least 1", c.Count))
	}
	if c.Rounds < 1 {
		errs = append(errs, fmt.Errorf("--rounds %d: must be at least 1", c.Rounds))
	}
	return errors.Join(errs...)
}
