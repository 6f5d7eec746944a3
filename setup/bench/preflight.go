package bench

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/dustin/go-humanize"
	"github.com/moby/sys/mountinfo"
)

// inspect checks the paths before anything is written, and finds what is
// mounted there.
func inspect(m machine, cfg Config) (paths []PathResult, warnings []string, err error) {
	infos := make([]os.FileInfo, len(cfg.Paths))
	for i, path := range cfg.Paths {
		p, info, err := inspectPath(m, path, cfg.Size)
		if err != nil {
			return nil, nil, err
		}
		infos[i] = info
		for j, other := range paths {
			if os.SameFile(infos[j], info) {
				return nil, nil, fmt.Errorf("%s and %s are the same directory: name each path once", other.Path, path)
			}
			if sameFileSystem(other, p, infos[j], info) {
				warnings = append(warnings, fmt.Sprintf("%s and %s are on the same file system (%s on %s): the comparison says nothing about the storage",
					other.Path, path, p.FileSystemType, p.MountPoint))
			}
		}
		paths = append(paths, p)
	}
	return paths, warnings, nil
}

func inspectPath(m machine, path string, size int64) (PathResult, os.FileInfo, error) {
	info, err := os.Stat(path)
	if err != nil {
		return PathResult{}, nil, err
	}
	if !info.IsDir() {
		return PathResult{}, nil, fmt.Errorf("%s is not a directory", path)
	}
	free, err := m.Free(path)
	if err != nil {
		return PathResult{}, nil, err
	}
	if need := uint64(size) * 2; free < need { //nolint:gosec // the size is positive
		return PathResult{}, nil, fmt.Errorf("%s has %s free, the benchmark needs %s (twice --size): make room or lower --size",
			path, humanize.Bytes(free), humanize.Bytes(need))
	}
	p := PathResult{Path: path, FreeBytes: free, RoundSeconds: []float64{}, Operations: []Operation{}}
	resolved, err := filepath.Abs(path)
	if err != nil {
		return PathResult{}, nil, err
	}
	if resolved, err = filepath.EvalSymlinks(resolved); err != nil {
		return PathResult{}, nil, err
	}
	mounts, err := m.Mounts(resolved)
	if err != nil {
		return PathResult{}, nil, fmt.Errorf("find the file system of %s: %w", path, err)
	}
	if mount := innermost(mounts); mount != nil {
		p.MountPoint, p.FileSystemType, p.Source = mount.Mountpoint, mount.FSType, mount.Source
	}
	return p, info, nil
}

// innermost picks the longest mount point, and of several mounts on it the
// last, which hides the others.
func innermost(mounts []*mountinfo.Info) *mountinfo.Info {
	var found *mountinfo.Info
	for _, m := range mounts {
		if found == nil || len(m.Mountpoint) >= len(found.Mountpoint) {
			found = m
		}
	}
	return found
}

// sameFileSystem compares device numbers, and, as each mount of a network
// file system has its own, also what is mounted.
func sameFileSystem(a, b PathResult, ai, bi os.FileInfo) bool {
	as, aok := ai.Sys().(*syscall.Stat_t)
	bs, bok := bi.Sys().(*syscall.Stat_t)
	if aok && bok && as.Dev == bs.Dev {
		return true
	}
	return a.FileSystemType == b.FileSystemType && a.Source == b.Source && strings.Contains(a.Source, ":")
}
