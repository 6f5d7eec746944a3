package machine

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// LoopsOf returns the loop devices of this kernel whose backing file is the
// given one. Files are compared, not names: another container's device may
// name a file of the same path.
func LoopsOf(file string) ([]string, error) {
	var st unix.Stat_t
	if err := unix.Stat(file, &st); err != nil {
		return nil, fmt.Errorf("stat %s: %w", file, err)
	}
	entries, err := filepath.Glob("/sys/block/loop*/loop/backing_file")
	if err != nil {
		return nil, fmt.Errorf("list loop devices: %w", err)
	}
	var loops []string
	for _, e := range entries {
		dev := "/dev/" + strings.Split(e, "/")[3]
		same, err := backs(dev, &st)
		if err != nil {
			return nil, err
		}
		if same {
			loops = append(loops, dev)
		}
	}
	return loops, nil
}

func backs(dev string, st *unix.Stat_t) (bool, error) {
	f, err := os.Open(dev) //nolint:gosec // a loop device
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, unix.ENXIO) {
		return false, nil // another container's, without a node in this /dev
	}
	if err != nil {
		return false, fmt.Errorf("look at loop device: %w", err)
	}
	defer f.Close()                                     //nolint:errcheck // read only
	info, err := unix.IoctlLoopGetStatus64(int(f.Fd())) //nolint:gosec // a descriptor fits
	if errors.Is(err, unix.ENXIO) {
		return false, nil // detached meanwhile
	}
	if err != nil {
		return false, fmt.Errorf("look at loop device %s: %w", dev, err)
	}
	return info.Device == st.Dev && info.Inode == st.Ino, nil
}
