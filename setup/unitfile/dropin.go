package unitfile

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// dropIns are files that change what the unit mounts, or whether it does. Of several with the same name systemd takes the first.
func dropIns(root, unit string) ([]Problem, error) {
	var out []Problem
	seen := map[string]bool{}
	for _, name := range dropInDirs(unit) {
		for _, dir := range everywhere() {
			dir = filepath.Join(dir, name)
			entries, err := os.ReadDir(filepath.Join(root, dir))
			if err != nil && !errors.Is(err, fs.ErrNotExist) {
				return nil, err
			}
			for _, e := range entries {
				if seen[e.Name()] || !strings.HasSuffix(e.Name(), ".conf") {
					continue
				}
				seen[e.Name()] = true
				path := filepath.Join(dir, e.Name())
				if k, err := kindOf(root, path); err != nil || k != plain {
					if err != nil {
						return nil, err
					}
					continue
				}
				text, err := os.ReadFile(filepath.Join(root, path)) //nolint:gosec // systemd's own directories
				if err != nil {
					return nil, err
				}
				if set := settings(string(text)); len(set) > 0 {
					out = append(out, Problem{
						Path: path, Problem: fmt.Sprintf("%s sets %s of the unit that systemd makes of our line in /etc/fstab", path, strings.Join(set, ", ")),
						Remedy: fmt.Sprintf("run \"%s\"", remove(path)),
					})
				}
			}
		}
	}
	return out, nil
}

// dropInDirs are the directories of a unit's drop-ins, the most particular first: a\x2db-c.mount has those of a\x2db-.mount and of
// all mounts, too.
func dropInDirs(unit string) []string {
	name, dirs := strings.TrimSuffix(unit, ".mount"), []string{unit + ".d"}
	for i := len(name) - 2; i > 0; i-- {
		if name[i] == '-' {
			dirs = append(dirs, name[:i+1]+".mount.d")
		}
	}
	return append(dirs, "mount.d")
}

// settings are those of a drop-in that decide what is mounted, or whether it is.
func settings(text string) []string {
	var out []string
	section := ""
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if strings.HasPrefix(line, "[") {
			section = line
			continue
		}
		key, _, ok := strings.Cut(line, "=")
		key = strings.TrimSpace(key)
		decides := section == "[Mount]" && slices.Contains([]string{"What", "Where", "Type", "Options"}, key) ||
			section == "[Unit]" && (strings.HasPrefix(key, "Condition") || strings.HasPrefix(key, "Assert"))
		if ok && decides && !slices.Contains(out, key) {
			out = append(out, key)
		}
	}
	return out
}
