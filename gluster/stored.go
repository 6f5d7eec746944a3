package gluster

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// StoredVolume is what glusterd keeps of a volume in its own files, for as long as the volume exists.
type StoredVolume struct {
	Name, ID string
	// Bricks are in no order that means anything.
	Bricks []Brick
	// Options are those that were set.
	Options map[string]string
}

// Volumes reads all volumes that glusterd has stored, in the order of their names. A glusterd that never ran has none.
func (s Store) Volumes() ([]StoredVolume, error) {
	entries, err := os.ReadDir(filepath.Join(s.Dir, "vols"))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	var out []StoredVolume
	for _, e := range entries {
		if !e.IsDir() {
			continue
		}
		v, err := s.stored(e.Name())
		if err != nil {
			return nil, err
		}
		if v.ID != "" || len(v.Bricks) > 0 {
			out = append(out, v)
		}
	}
	return out, nil
}

// stored reads what is there of a volume: glusterd may be making it, or have ended while it wrote.
func (s Store) stored(name string) (StoredVolume, error) {
	v := StoredVolume{Name: name, Options: map[string]string{}}
	info, err := readPairs(s.volume(name, "info"))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return v, err
	}
	v.ID = info["volume-id"]
	for key, value := range info {
		if strings.Contains(key, ".") { // as all options have, and no field of glusterd's own
			v.Options[key] = value
		}
	}
	dir := s.volume(name, "bricks")
	entries, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return v, err
	}
	for _, e := range entries {
		pairs, err := readPairs(filepath.Join(dir, e.Name()))
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return v, fmt.Errorf("bricks of volume %s: %w", name, err)
		}
		if pairs["hostname"] != "" && pairs["path"] != "" {
			v.Bricks = append(v.Bricks, Brick{Host: pairs["hostname"], Path: pairs["path"], PeerUUID: pairs["uuid"]})
		}
	}
	slices.SortFunc(v.Bricks, func(a, b Brick) int { return strings.Compare(a.String(), b.String()) })
	return v, nil
}
