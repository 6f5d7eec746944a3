package probe

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"golang.org/x/sys/unix"
)

// beacon is what a node's prober tells the others through a file on the volume.
type beacon struct {
	Node string `json:"node"`
	Run  string `json:"run"` // random, one per child
	// Seq counts this node's calls.
	Seq uint64 `json:"seq"`
	// Awake asks the others to look often: a call that is measured follows.
	Awake bool `json:"awake,omitempty"`
	// Echo holds the last call that was seen of each peer, by its run.
	Echo map[string]uint64 `json:"echo,omitempty"`
}

// encode fills one block: a file that never changes its size is not cut off by a size that a reader's kernel remembers.
func (b beacon) encode() ([]byte, error) {
	text, err := json.Marshal(b)
	if err != nil {
		return nil, err
	}
	if len(text) >= blockSize {
		return nil, fmt.Errorf("beacon of %d bytes, room for %d", len(text), blockSize)
	}
	return append(append(text, '\n'), bytes.Repeat([]byte{' '}, blockSize-len(text)-1)...), nil
}

// decodeBeacon fails for what is only half written.
func decodeBeacon(block []byte) (beacon, error) {
	var b beacon
	if err := json.Unmarshal(block, &b); err != nil {
		return beacon{}, err
	}
	if b.Node == "" || b.Run == "" {
		return beacon{}, errors.New("beacon without a name")
	}
	return b, nil
}

// board is the place where the nodes leave their beacons.
type board interface {
	// list returns the names of the other nodes' beacons, and removes former ones of this node.
	list() ([]string, error)
	// read reads a beacon of list anew.
	read(name string) (beacon, error)
	// write replaces this node's beacon.
	write(beacon) error
}

// volumeBoard is the board on the volume itself. It opens everything anew each time, so that the mount is busy only for
// moments.
type volumeBoard struct {
	cfg  childConfig
	name string // of this node's beacon, once there is one
	half string // of one that was made and could not be renamed
}

func (v *volumeBoard) open() (directory, error) {
	return openHidden(v.cfg.MountInfo, v.cfg.Mountpoint, true)
}

func (v *volumeBoard) list() (names []string, err error) {
	dir, err := v.open()
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, dir.Close()) }()
	all, err := dir.names()
	if err != nil {
		return nil, err
	}
	for _, name := range all {
		switch {
		case ownBeacon(name, v.cfg) && name != v.name:
			// Of a former child, back with a brick that was away when it was removed. Nobody reads it: it may stay until the next look.
			_ = dir.remove(name) //nolint:errcheck // as above
		case strings.HasSuffix(name, beaconSuffix) && !strings.HasPrefix(name, owner(v.cfg.Node)):
			names = append(names, name)
		}
	}
	return names, nil
}

func (v *volumeBoard) read(name string) (b beacon, err error) {
	dir, err := v.open()
	if err != nil {
		return beacon{}, err
	}
	defer func() { err = errors.Join(err, dir.Close()) }()
	buffer := alignedBuffer(0)
	n, err := dir.readFresh(name, buffer[:blockSize])
	if err != nil {
		return beacon{}, err
	}
	return decodeBeacon(buffer[:n])
}

// write overwrites the file in place, since others may know its name as the old file for as long as their mount's
// entry-timeout; closing it sends everything to the bricks. The first time the file appears complete, by renaming. A file in
// split-brain takes no more writes: bricks that were away in turn have another version each. There is another file then,
// under another name, so that what is the prober's own wakes nobody.
func (v *volumeBoard) write(b beacon) (err error) {
	block, err := b.encode()
	if err != nil {
		return err
	}
	dir, err := v.open()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, dir.Close()) }()
	if v.name != "" {
		err := dir.overwrite(v.name, block, 0)
		if !errors.Is(err, unix.EIO) && !errors.Is(err, unix.ENOENT) {
			return err
		}
	}
	// Before there is another one, or they could become many: this is tried again and again.
	for _, old := range []*string{&v.name, &v.half} {
		if *old == "" {
			continue
		}
		if err := dir.remove(*old); err != nil && !errors.Is(err, unix.ENOENT) {
			return err
		}
		*old = ""
	}
	name := unique(v.cfg) + beaconSuffix
	v.half = name + ".new"
	if err := dir.overwrite(v.half, block, unix.O_CREAT|unix.O_EXCL); err != nil {
		return err
	}
	if err := dir.rename(v.half, name); err != nil {
		return err
	}
	v.name, v.half = name, ""
	return nil
}

func (d directory) overwrite(name string, content []byte, flags int) (err error) {
	f, err := d.open(name, unix.O_WRONLY|flags)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	_, err = f.Write(content)
	return err
}
