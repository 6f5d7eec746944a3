package store

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"brickyard/gluster"
	"brickyard/setup/machine"
	"brickyard/setup/powerloss"
)

// Look reads the store below dir, glusterd's working directory; proc is where
// /proc is, which is read only where something is damaged. What cannot be read
// is an error, and never taken for missing.
func Look(dir, proc string) (n Node, err error) {
	defer func() {
		if err != nil || len(Decide(n)) == 0 {
			return
		}
		// Reading /proc may hang with a process that hangs.
		var processes gluster.Processes
		processes, err = gluster.ListProcesses(proc)
		n.Running = len(processes.Glusterd) > 0
	}()
	peers, err := texts(filepath.Join(dir, "peers"))
	if err != nil {
		return n, err
	}
	member := "state=" + strconv.Itoa(int(gluster.PeerInCluster)) + "\n" // GLUSTERD_STORE_KEY_PEER_STATE, glusterd-store.h
	for _, text := range peers {
		if strings.HasPrefix(text, member) || strings.Contains(text, "\n"+member) {
			n.Peers++
		}
	}
	snapshots, err := directories(filepath.Join(dir, "snaps"))
	if err != nil {
		return n, err
	}
	n.Snapshots = len(snapshots) > 0
	volumes, err := directories(filepath.Join(dir, "vols"))
	if err != nil {
		return n, err
	}
	for _, name := range volumes {
		v := Volume{Name: name}
		info, err := os.ReadFile(filepath.Join(dir, "vols", name, "info")) //nolint:gosec // glusterd's own directory
		if err == nil {
			text := string(info)
			v.Info = &text
		} else if !errors.Is(err, fs.ErrNotExist) {
			return n, err
		}
		if v.Bricks, err = texts(filepath.Join(dir, "vols", name, "bricks")); err != nil {
			return n, err
		}
		n.Volumes = append(n.Volumes, v)
	}
	return n, nil
}

// MoveAside takes a volume out of the store below dir, and returns where it
// lies now: beside the volumes, where glusterd does not look.
func MoveAside(dir, volume string, now time.Time) (string, error) {
	vols := filepath.Join(dir, "vols")
	aside := powerloss.NewAside(vols, volume, now).Dir
	if err := os.MkdirAll(filepath.Dir(aside), 0o700); err != nil {
		return "", err
	}
	if err := os.Rename(filepath.Join(vols, volume), aside); err != nil {
		return "", fmt.Errorf("move volume %s out of glusterd's store: %w", volume, err)
	}
	return aside, errors.Join(machine.SyncDir(filepath.Dir(aside)), machine.SyncDir(vols))
}

// Prune removes what MoveAside put aside a month ago or earlier, as
// powerloss.Prune does, and returns the directories that it removed. Nothing is
// removed while one of the volumes is not back: what is aside may be all that is
// left of it.
func Prune(dir string, now time.Time, synchronized bool) ([]string, error) {
	vols := filepath.Join(dir, "vols")
	asides, err := directories(filepath.Dir(powerloss.NewAside(vols, "", now).Dir))
	if err != nil {
		return nil, err
	}
	for _, name := range asides {
		_, volume, _ := strings.Cut(name, "-")
		if _, err := os.Stat(filepath.Join(vols, volume, "info")); err != nil {
			return nil, nil //nolint:nilerr // not back yet
		}
	}
	return powerloss.Prune(vols, now, synchronized)
}

// texts reads the files of a directory, none where it does not exist.
func texts(dir string) (map[string]string, error) {
	entries, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	out := map[string]string{}
	for _, e := range entries {
		text, err := os.ReadFile(filepath.Join(dir, e.Name())) //nolint:gosec // glusterd's own directory
		if err != nil {
			return nil, err
		}
		out[e.Name()] = string(text)
	}
	return out, nil
}

// directories lists those below a directory, none where it does not exist.
func directories(dir string) ([]string, error) {
	entries, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	var out []string
	for _, e := range entries {
		if e.IsDir() {
			out = append(out, e.Name())
		}
	}
	return out, nil
}
