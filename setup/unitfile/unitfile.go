// Package unitfile finds what systemd takes instead of a mount unit that it makes of a line of /etc/fstab, or what changes that
// unit. It reads files alone: they say what the next boot does, whatever systemd has loaded.
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

// Problem is a file that keeps systemd from mounting what a line of ours in /etc/fstab says.
type Problem struct {
	Path    string // of the file, as systemd knows it
	Problem string
	Remedy  string
	mask    bool // systemd takes nothing instead
}

// before is where systemd looks for a unit before it takes that of a generator, in its order (systemd.unit(5); tried with 247 to 257).
func before() []string {
	return []string{
		"/etc/systemd/system.control", "/run/systemd/system.control", transient, "/run/systemd/generator.early",
		"/etc/systemd/system", "/etc/systemd/system.attached", "/run/systemd/system", "/run/systemd/system.attached",
	}
}

// everywhere is where it looks, generators left out.
func everywhere() []string {
	return append(before(), "/usr/local/lib/systemd/system", "/usr/lib/systemd/system", "/lib/systemd/system")
}

const transient = "/run/systemd/transient" // units that vanish when they are stopped

// Problems are those of mount units, and of the instances of units of ours that the mounts require, with systemd's files below root.
func Problems(root string, mounts, required []string) ([]Problem, error) {
	var out []Problem
	add := func(unit string, finds ...func(root, unit string) ([]Problem, error)) error {
		for _, find := range finds {
			found, err := find(root, unit)
			if err != nil {
				return err
			}
			out = append(out, found...)
		}
		return nil
	}
	for _, unit := range mounts {
		if err := add(unit, fragment, dropIns, automount); err != nil {
			return nil, err
		}
	}
	for _, unit := range required {
		if err := add(unit, instance); err != nil {
			return nil, err
		}
	}
	if len(required) > 0 {
		if err := add("remote-fs.target", target); err != nil {
			return nil, err
		}
	}
	if len(mounts) > 0 {
		if err := add("systemd-fstab-generator", generator); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// fragment is the first file of a mount's name that systemd finds before the unit that it makes itself.
func fragment(root, unit string) ([]Problem, error) {
	return instead(root, before(), unit, "the unit that it makes of our line in /etc/fstab")
}

// instance is a file of an instance's own name, which wins over that of the template wherever it is.
func instance(root, unit string) ([]Problem, error) {
	return instead(root, everywhere(), unit, "the unit that gluster-setup installs and a mount of ours requires")
}

// target is a mask of the target that has what comes over the network mounted at boot.
func target(root, unit string) ([]Problem, error) {
	found, err := instead(root, before(), unit, unit+", by which volumes are mounted")
	return slices.DeleteFunc(found, func(p Problem) bool { return !p.mask }), err
}

// generator is what runs instead of the program that makes units of /etc/fstab.
func generator(root, name string) ([]Problem, error) {
	path, kind, err := first(root, []string{"/run/systemd/system-generators", "/etc/systemd/system-generators", "/usr/local/lib/systemd/system-generators"}, name)
	if err != nil || kind == absent {
		return nil, err
	}
	return []Problem{{
		Path: path, Problem: fmt.Sprintf("systemd takes %s instead of its own program that reads /etc/fstab: the next boot may mount nothing that stands there", path),
		Remedy: fmt.Sprintf("run \"%s\"", remove(path)),
	}}, nil
}

// instead is the first file of a unit's name in the directories, which systemd takes instead of what should be.
func instead(root string, dirs []string, unit, of string) ([]Problem, error) {
	path, kind, err := first(root, dirs, unit)
	if err != nil || kind == absent {
		return nil, err
	}
	p := Problem{Path: path, Problem: fmt.Sprintf("systemd takes %s instead of %s: the next boot does what stands there, with its own dependencies", path, of), mask: kind != plain}
	dir := filepath.Dir(path)
	switch {
	case kind == plain && dir == transient:
		p.Remedy = fmt.Sprintf("run \"systemctl stop %s\", which removes that file and unmounts it, then \"gluster-setup apply\"", quote(unit))
	case kind == plain:
		p.Remedy = fmt.Sprintf("run \"systemctl disable %s; %s\"", quote(unit), remove(path))
	case kind == devNull && dir == "/etc/systemd/system":
		p.Remedy = fmt.Sprintf("run \"systemctl unmask %s\"", quote(unit))
	default:
		p.Remedy = fmt.Sprintf("run \"%s\"", remove(path))
	}
	switch kind {
	case devNull:
		p.Problem = fmt.Sprintf("%s masks %s: the next boot does not mount it", path, of)
	case empty:
		p.Problem = fmt.Sprintf("%s is empty, which masks %s: the next boot does not mount it", path, of)
	case dangling:
		p.Problem = fmt.Sprintf("%s is a link that leads nowhere, and systemd takes it instead of %s: the next boot does not mount it", path, of)
	}
	return []Problem{p}, nil
}

// automount is an automount unit of the same path that the boot starts.
func automount(root, unit string) ([]Problem, error) {
	auto := strings.TrimSuffix(unit, ".mount") + ".automount"
	path, kind, err := first(root, everywhere(), auto)
	if err != nil || kind != plain {
		return nil, err
	}
	for _, dir := range everywhere() {
		wanted, err := wants(filepath.Join(root, dir), auto)
		if err != nil {
			return nil, err
		}
		if wanted {
			return []Problem{{
				Path: path, Problem: fmt.Sprintf("%s is enabled: systemd would mount there when somebody looks, and unmount when it likes, whatever our line in /etc/fstab says", path),
				Remedy: fmt.Sprintf("run \"systemctl disable --now %s; %s\"", quote(auto), remove(path)),
			}}, nil
		}
	}
	return nil, nil
}

// wants reports whether a unit in a directory of units wants or requires this one.
func wants(dir, unit string) (bool, error) {
	entries, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return false, err
	}
	for _, e := range entries {
		if n := e.Name(); strings.HasSuffix(n, ".wants") || strings.HasSuffix(n, ".requires") {
			if _, err := os.Lstat(filepath.Join(dir, n, unit)); err == nil {
				return true, nil
			}
		}
	}
	return false, nil
}

// kind is what systemd makes of a file that bears a unit's name.
type kind int

const (
	absent   kind = iota
	plain         // it reads it
	devNull       // masked
	empty         // masked, too
	dangling      // a link that leads nowhere: the unit is not found, wherever else it is
)

// first finds a unit's file in the first of the directories that has it.
func first(root string, dirs []string, unit string) (path string, k kind, err error) {
	for _, dir := range dirs {
		path := filepath.Join(dir, unit)
		k, err := kindOf(root, path)
		if err != nil || k != absent {
			return path, k, err
		}
	}
	return "", absent, nil
}

func kindOf(root, path string) (kind, error) {
	st, err := os.Lstat(filepath.Join(root, path))
	if err == nil && st.Mode()&fs.ModeSymlink != 0 {
		var to string
		if to, err = os.Readlink(filepath.Join(root, path)); err != nil {
			return absent, err
		}
		if to == "/dev/null" {
			return devNull, nil
		}
		if !filepath.IsAbs(to) {
			to = filepath.Join(filepath.Dir(path), to)
		}
		if st, err = os.Stat(filepath.Join(root, to)); errors.Is(err, fs.ErrNotExist) {
			return dangling, nil
		}
	}
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return absent, nil
	case err != nil:
		return absent, err
	case st.IsDir():
		return absent, nil
	case st.Mode()&fs.ModeCharDevice != 0:
		return devNull, nil
	case st.Size() == 0:
		return empty, nil
	}
	return plain, nil
}

func remove(path string) string { return "rm -f " + quote(path) + "; systemctl daemon-reload" }

// quote makes a word of a name for a shell: units' names have backslashes.
func quote(s string) string {
	if strings.ContainsAny(s, `\ "$&;`) {
		return "'" + s + "'"
	}
	return s
}
