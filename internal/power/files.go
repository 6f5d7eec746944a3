package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// Types of entries.
const (
	file       = "file"
	directory  = "directory"
	symlink    = "symlink"
	other      = "other"
	unreadable = "unreadable"
)

// entry is what a name stands for. The zero value is a name that is not there.
type entry struct {
	Type   string `json:"type,omitempty"`
	Size   int64  `json:"size,omitempty"`   // of a file, bytes
	Sum    string `json:"sum,omitempty"`    // of the contents of a file
	Target string `json:"target,omitempty"` // of a link; of what cannot be read, why
}

func (e entry) String() string {
	switch e.Type {
	case "":
		return "not there"
	case file:
		return fmt.Sprintf("a file of %d bytes (%s)", e.Size, e.Sum)
	case symlink, unreadable:
		return e.Type + " " + e.Target
	}
	return "a " + e.Type
}

// pattern is what one write puts into a file: nobody else writes the same.
func pattern(seq, size int) []byte {
	line := fmt.Appendf(nil, "write %d\n", seq)
	return bytes.Repeat(line, size/len(line)+1)[:size]
}

func sum(b []byte) string {
	h := sha256.Sum256(b)
	return hex.EncodeToString(h[:8])
}

func fileOf(b []byte) entry { return entry{Type: file, Size: int64(len(b)), Sum: sum(b)} }

// entryAt reads what a path stands for.
func entryAt(path string) entry {
	failed := func(err error) entry {
		if errors.Is(err, fs.ErrNotExist) {
			return entry{}
		}
		return entry{Type: unreadable, Target: err.Error()}
	}
	info, err := os.Lstat(path)
	if err != nil {
		return failed(err)
	}
	switch info.Mode().Type() {
	case 0:
		b, err := os.ReadFile(path)
		if err != nil {
			return failed(err)
		}
		return fileOf(b)
	case fs.ModeDir:
		return entry{Type: directory}
	case fs.ModeSymlink:
		target, err := os.Readlink(path)
		if err != nil {
			return failed(err)
		}
		return entry{Type: symlink, Target: target}
	}
	return entry{Type: other}
}

// tree is everything below a directory, by its path relative to it.
// GlusterFS's own directories are left out: .glusterfs, and the one in which
// entry heals keep what they move.
func tree(dir string) (map[string]entry, error) {
	out := map[string]entry{}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if path == dir {
			return err
		}
		name, rerr := filepath.Rel(dir, path)
		switch {
		case rerr != nil:
			return rerr
		case err != nil: // of a directory that was visited already
			out[name] = entry{Type: unreadable, Target: err.Error()}
			return nil
		case name == ".glusterfs" || strings.HasPrefix(name, ".glusterfs-anonymous-inode-"):
			return filepath.SkipDir
		}
		// A name that is listed and is not there for a look is an error of its own.
		e := entryAt(path)
		if e == (entry{}) {
			e = entry{Type: unreadable, Target: "listed, but not there"}
		}
		out[name] = e
		if d.IsDir() && e.Type != directory {
			return filepath.SkipDir
		}
		return nil
	})
	return out, err
}
