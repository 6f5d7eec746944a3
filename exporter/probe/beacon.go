package probe

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
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

// maxRun is the longest Run that is believed, in bytes. Those of probers have 26 letters and digits.
const maxRun = 64

// decodeBeacon fails for what is only half written, or was not written by a prober.
func decodeBeacon(block []byte) (beacon, error) {
	var b beacon
	if err := json.Unmarshal(block, &b); err != nil {
		return beacon{}, err
	}
	if b.Node == "" || b.Run == "" {
		return beacon{}, errors.New("beacon without a name")
	}
	// It goes into this node's own beacon, which has one block.
	if len(b.Run) > maxRun || !isHostName(b.Run) {
		return beacon{}, fmt.Errorf("beacon of a run of %d bytes: %w", len(b.Run), errForeign)
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
	name string   // of this node's beacon, once there is one
	made identity // which file that is
	half string   // of one that was made and could not be renamed
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
	if err != nil && !errors.Is(err, errForeign) { // of too many names those that were read are looked at
		return nil, err
	}
	for _, name := range all {
		if ownBeacon(name, v.cfg) && name != v.name {
			// Of a former child, back with a brick that was away when it was removed. Nobody reads it: it may stay until the next look.
			_ = dir.remove(name) //nolint:errcheck // as above
		}
	}
	return beaconsOfOthers(all, v.cfg), nil
}

// beaconsEach is how many beacons of one node are looked at: one for each of its mounts of the volume, and former ones.
const beaconsEach = 8

// beaconsOfOthers picks the names of the beacons of other nodes that are heard.
func beaconsOfOthers(names []string, cfg childConfig) []string {
	heard := map[string]bool{}
	for _, p := range cfg.Peers {
		heard[owner(p)] = cfg.hears(p)
	}
	count := map[string]int{}
	slices.Sort(names)
	return slices.DeleteFunc(names, func(name string) bool {
		whose := name[:strings.LastIndex(name, "@")+1]
		if !strings.HasSuffix(name, beaconSuffix) || whose == "" || whose == owner(cfg.Node) {
			return true
		}
		if len(cfg.Peers) > 0 && !heard[whose] {
			return true
		}
		count[whose]++
		return count[whose] > beaconsEach
	})
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
	if b, err = decodeBeacon(buffer[:n]); err != nil {
		return beacon{}, err
	}
	if b.Node != v.cfg.Node && !v.cfg.hears(b.Node) || !strings.HasPrefix(name, owner(b.Node)) {
		const wrong = "beacon %s of a node that it is not named after, or that is not heard: %w"
		return beacon{}, fmt.Errorf(wrong, name, errForeign)
	}
	return b, nil
}

// write overwrites the file in place, since others may know its name as the old file for as long as their mount's
// entry-timeout; closing it sends everything to the bricks. The first time the file appears complete, by renaming. A
// file in split-brain takes no more writes: bricks that were away in turn have another version each. There is another
// file then, under another name, so that what is the prober's own wakes nobody. So there is where somebody has put
// something else in its place: only the very file that was made is ever overwritten.
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
		err := dir.overwrite(v.name, v.made, block)
		if !errors.Is(err, unix.EIO) && !errors.Is(err, unix.ENOENT) && !errors.Is(err, errForeign) {
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
	if v.made, err = dir.create(v.half, block); err != nil {
		return err
	}
	if err := dir.rename(v.half, name); err != nil {
		return err
	}
	v.name, v.half = name, ""
	return nil
}

// overwrite writes over the file that was made under this name, where it is still that one.
func (d directory) overwrite(name string, made identity, content []byte) (err error) {
	f, is, err := d.openFile(name, unix.O_WRONLY)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	if is != made {
		return fmt.Errorf("%s is another file than the one that was made: %w", name, errForeign)
	}
	_, err = f.Write(content)
	return err
}

// create makes a file that there was not, and says which one it is.
func (d directory) create(name string, content []byte) (is identity, err error) {
	f, err := d.open(name, unix.O_CREAT|unix.O_EXCL|unix.O_WRONLY)
	if err != nil {
		return identity{}, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	if is, err = f.file(); err != nil {
		return identity{}, err
	}
	_, err = f.Write(content)
	return is, err
}
