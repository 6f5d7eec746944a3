package resync

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"

	"golang.org/x/sys/unix"
)

// A mark is three counters, big-endian (xlators/cluster/afr/src/afr.h, 10.3). Of
// a directory the first says that all of its names are to be compared, not only
// those that GlusterFS noted one by one.
const (
	dataPart     = 0
	metadataPart = 4
	entryPart    = 8
	markLength   = 12
)

func counters(parts ...int) []byte {
	value := make([]byte, markLength)
	for _, p := range parts {
		binary.BigEndian.PutUint32(value[p:], 1)
	}
	return value
}

func partsOf(directory bool) []byte {
	if directory {
		return counters(dataPart, metadataPart, entryPart)
	}
	return counters(dataPart, metadataPart)
}

// mark has a file or directory that both bricks have healed from the source.
// All counters that it can have are set, never one alone: the replication may
// be raising another one at the same moment.
func (m *marker) mark(p string, directory bool) error {
	if err := m.sources[m.source].Accuse(p, m.job.Set.Accusations[m.job.Own], partsOf(directory)); err != nil {
		if errors.Is(err, unix.ENOENT) || errors.Is(err, unix.ESTALE) {
			return nil // removed meanwhile, which the source has noted by itself
		}
		return fmt.Errorf("note on %s that /%s is to be healed: %w", m.job.Set.Bricks[m.sources[m.source].brick], p, err)
	}
	m.result.Marked++
	return m.remember(p)
}

// markDirectory is mark for the names of a directory, once.
func (m *marker) markDirectory(dir string) error {
	if m.marked[dir] {
		return nil
	}
	if len(m.marked) > 1000 {
		clear(m.marked) // twice does no harm
	}
	m.marked[dir] = true
	return m.mark(dir, true)
}

// accuseOthers notes on the own brick that all others lack names of a
// directory. Where every brick is accused by another, the replication keeps all
// names; one that nobody accused would be taken for right.
func (m *marker) accuseOthers(dir string) error {
	names, err := m.own.Sub(dir)
	if err != nil {
		return err
	}
	defer names.Close() //nolint:errcheck // nothing was written through it
	for i, key := range m.job.Set.Accusations {
		if i == m.job.Own {
			continue
		}
		if err := names.Setxattr(".", key, counters(dataPart, entryPart)); err != nil {
			return fmt.Errorf("note that names are to be healed: %w", err)
		}
	}
	return nil
}

// remember adds a file to the own brick's list of what the self-heal daemon is
// to look at.
func (m *marker) remember(p string) error {
	around, name, err := m.own.At(p)
	if err != nil {
		return err
	}
	id, err := around.GFID(name)
	if err = errors.Join(err, around.Close()); err != nil {
		return err
	}
	if id == "" {
		return fmt.Errorf("/%s has no gfid", p)
	}
	index, err := m.own.Mkdirs(".glusterfs/indices/xattrop", 0o700)
	if err != nil {
		return err
	}
	defer index.Close()                                                     //nolint:errcheck // nothing was written through it
	f, err := index.OpenFile(id, unix.O_WRONLY|unix.O_CREAT|unix.O_EXCL, 0) // as GlusterFS makes them
	if errors.Is(err, fs.ErrExist) {
		return nil
	}
	if err != nil {
		return err
	}
	return f.Close()
}
