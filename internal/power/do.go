package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/moby/sys/mountinfo"
	"golang.org/x/sys/unix"
)

// op is one operation below a directory of a machine.
type op struct {
	Kind   string `json:"kind"`
	Path   string `json:"path,omitempty"`
	To     string `json:"to,omitempty"`     // of a rename
	Target string `json:"target,omitempty"` // of a link
	Seq    int    `json:"seq,omitempty"`    // names the contents of a write
	Size   int    `json:"size,omitempty"`   // bytes of them
}

// Operations. Those before look change something.
const (
	opCreate    = "create"
	opOverwrite = "overwrite" // as a whole, truncated first
	opPatch     = "patch"     // from the start, in place
	opAppend    = "append"
	opRename    = "rename"
	opRemove    = "remove"
	opMkdir     = "mkdir"
	opSymlink   = "symlink"
	opLook      = "look"
	opList      = "list"
	opTree      = "tree"
)

// reply is what came of an operation.
type reply struct {
	Error string           `json:"error,omitempty"`
	Entry entry            `json:"entry,omitzero"`
	Names []string         `json:"names,omitempty"`
	Tree  map[string]entry `json:"tree,omitempty"`
}

type doCmd struct {
	Dir string `arg:""`
}

// Run answers each operation before it reads the next.
func (c *doCmd) Run() error {
	in, out := json.NewDecoder(bufio.NewReader(os.Stdin)), json.NewEncoder(os.Stdout)
	for {
		var o op
		if err := in.Decode(&o); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
		if err := out.Encode(o.do(c.Dir)); err != nil {
			return err
		}
	}
}

func (o op) do(dir string) reply {
	var r reply
	var err error
	path := filepath.Join(dir, o.Path)
	switch o.Kind {
	case opCreate:
		err = o.write(path, os.O_CREATE|os.O_EXCL)
	case opOverwrite:
		err = o.write(path, os.O_TRUNC)
	case opPatch:
		err = o.write(path, 0)
	case opAppend:
		err = o.write(path, os.O_APPEND)
	case opRename:
		err = os.Rename(path, filepath.Join(dir, o.To))
	case opRemove:
		err = os.Remove(path)
	case opMkdir:
		err = os.Mkdir(path, 0o755)
	case opSymlink:
		err = os.Symlink(o.Target, path)
	case opLook:
		r.Entry = entryAt(path)
	case opList:
		var all []os.DirEntry
		all, err = os.ReadDir(path)
		for _, e := range all {
			r.Names = append(r.Names, e.Name())
		}
	case opTree:
		r.Tree, err = tree(path)
	default:
		err = fmt.Errorf("no operation %q", o.Kind)
	}
	if err != nil {
		r.Error = err.Error()
	}
	return r
}

func (o op) write(path string, flags int) error {
	f, err := os.OpenFile(path, os.O_WRONLY|flags, 0o644)
	if err != nil {
		return err
	}
	_, err = f.Write(pattern(o.Seq, o.Size))
	return errors.Join(err, f.Close())
}

type mountedCmd struct {
	Mount string `arg:""`
}

// Run ends when a volume is mounted. It asks the kernel to be told: an emulated machine that looks again and again boots later.
func (c *mountedCmd) Run(ctx context.Context) error {
	table, err := os.Open("/proc/self/mountinfo")
	if err != nil {
		return err
	}
	defer table.Close() //nolint:errcheck // read only
	for {
		mounts, err := mountinfo.GetMounts(mountinfo.SingleEntryFilter(c.Mount))
		if err != nil {
			return err
		}
		if len(mounts) > 0 && mounts[0].FSType == "fuse.glusterfs" {
			return nil
		}
		// What has changed since the table was opened, or since the last answer, is told at once.
		changed := []unix.PollFd{{Fd: int32(table.Fd()), Events: unix.POLLPRI}} //nolint:gosec // a small number
		if _, err := unix.Poll(changed, int(time.Second.Milliseconds())); err != nil && !errors.Is(err, unix.EINTR) {
			return err
		}
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
	}
}

// firstCmd runs as a unit at boot: nobody could look earlier.
type firstCmd struct {
	Mount string `arg:""`
	Out   string `arg:""`
}

// Run ends when the file is there.
func (c *firstCmd) Run(ctx context.Context) error {
	if err := (&mountedCmd{Mount: c.Mount}).Run(ctx); err != nil {
		return err
	}
	shown := op{Kind: opTree}.do(c.Mount)
	// A mount that is there and not connected yet shows nothing, and lies to nobody: what counts is what it shows first.
	for refused := shown.Error; strings.Contains(shown.Error, unix.ENOTCONN.Error()) && ctx.Err() == nil; time.Sleep(50 * time.Millisecond) {
		if shown = (op{Kind: opTree}).do(c.Mount); shown.Error == "" {
			shown.Error = refused // to be counted
			break
		}
	}
	b, err := json.Marshal(shown)
	if err != nil {
		return err
	}
	if err := os.WriteFile(c.Out+".new", b, 0o644); err != nil {
		return err
	}
	return os.Rename(c.Out+".new", c.Out)
}
