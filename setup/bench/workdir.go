package bench

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

const (
	dirPrefix  = ".gluster-setup-bench-" // then host name, "-" and process id
	filePrefix = "file-"                 // then the file's number in its round
)

// makeDir makes the run's private directory in path. It first removes those
// of runs on this host whose process is gone, and returns their names.
func makeDir(m machine, path string) (dir string, removed []string, err error) {
	host, err := m.Hostname()
	if err != nil {
		return "", nil, fmt.Errorf("find the name of this host: %w", err)
	}
	if removed, err = removeLeftovers(m, path, dirPrefix+host+"-"); err != nil {
		return "", removed, err
	}
	dir = filepath.Join(path, dirPrefix+host+"-"+strconv.Itoa(m.Pid()))
	// Mkdir never follows a link, so the directory is ours alone.
	if err := os.Mkdir(dir, 0o700); err != nil {
		return "", removed, fmt.Errorf("make the benchmark's directory: %w: name a path that you may write to", err)
	}
	return dir, removed, nil
}

func removeLeftovers(m machine, path, prefix string) ([]string, error) {
	entries, err := os.ReadDir(path)
	if err != nil {
		return nil, err
	}
	var removed []string
	for _, entry := range entries {
		rest, ours := strings.CutPrefix(entry.Name(), prefix)
		pid, err := strconv.Atoi(rest)
		if !ours || err != nil || !entry.IsDir() {
			continue
		}
		// A directory with our own process id was left before that id was ours.
		if pid != m.Pid() && m.Alive(pid) {
			continue
		}
		dir := filepath.Join(path, entry.Name())
		if err := removeDir(dir); err != nil {
			return removed, fmt.Errorf("remove what a former run left: %w", err)
		}
		removed = append(removed, dir)
	}
	return removed, nil
}

// removeDir removes a private directory: only files of the benchmark, so that
// nothing else is ever lost. A directory that is gone already is no error.
func removeDir(dir string) error {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	for _, entry := range entries {
		if !strings.HasPrefix(entry.Name(), filePrefix) || entry.IsDir() {
			return fmt.Errorf("%s holds %s, which is not the benchmark's: remove it yourself", dir, entry.Name())
		}
		if err := os.Remove(filepath.Join(dir, entry.Name())); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	if err := os.Remove(dir); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}
