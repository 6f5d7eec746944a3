package gluster

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// Volfile is glusterd's own volume file, as packages install it.
const Volfile = "/etc/glusterfs/glusterd.vol"

// Elsewhere is a glusterd whose store or socket is not in the usual place. The zero value is one in the usual place.
type Elsewhere struct {
	// What is the setting, as glusterd's volume file has it: working-directory or glusterd-sockfile.
	What string
	// Path is its value, and Usual what it is where nobody set it.
	Path, Usual string
	// By is where it is set: file and line, or the argument of a process.
	By string
}

// FindElsewhere tells whether this machine's glusterd, as it runs or as it would be started, keeps its store or answers in
// another place than the usual one. Places that are one and the same, by a link or a mount, are not another. root is where
// files are looked for, proc where /proc is found.
func FindElsewhere(root, proc string) (Elsewhere, error) {
	found, err := ListProcesses(proc)
	if err != nil {
		return Elsewhere{}, err
	}
	volfiles := map[string]bool{}
	var settings []setting
	for _, pid := range found.Glusterd {
		args, err := provenArguments(proc, pid)
		if err != nil {
			return Elsewhere{}, err
		}
		if args == nil {
			continue // it has just ended
		}
		volfile, own := glusterdArguments(args)
		for _, s := range own {
			s.by = fmt.Sprintf("an argument of process %d", pid)
			settings = append(settings, s)
		}
		volfiles[volfile] = true
	}
	if len(volfiles) == 0 {
		volfiles[Volfile] = true
	}
	for volfile := range volfiles {
		text, err := os.ReadFile(filepath.Join(root, volfile)) //nolint:gosec // glusterd's own configuration
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return Elsewhere{}, err
		}
		for _, s := range volfileSettings(string(text)) {
			s.by = fmt.Sprintf("%s:%d", volfile, s.line)
			settings = append(settings, s)
		}
	}
	for _, s := range settings {
		if usual := usualPlaces()[s.name]; !samePlace(root, s.value, usual) {
			return Elsewhere{What: s.name, Path: s.value, Usual: usual, By: s.by}, nil
		}
	}
	return Elsewhere{}, nil
}

// usualPlaces are what the options mean where nobody set them.
func usualPlaces() map[string]string {
	return map[string]string{"working-directory": DefaultWorkdir, "glusterd-sockfile": DefaultSocket}
}

// setting is an option about a place.
type setting struct {
	name, value, by string
	line            int
}

// volfileSettings reads the options about places from glusterd's volume file; the last of equal ones counts.
func volfileSettings(text string) []setting {
	last := map[string]setting{}
	number := 0
	for line := range strings.Lines(text) {
		number++
		words := strings.Fields(line)
		if len(words) < 3 || words[0] != "option" || usualPlaces()[words[1]] == "" {
			continue
		}
		last[words[1]] = setting{name: words[1], value: strings.Trim(words[2], `"`), line: number}
	}
	var out []setting
	for _, name := range []string{"working-directory", "glusterd-sockfile"} {
		if s, ok := last[name]; ok && s.value != "" {
			out = append(out, s)
		}
	}
	return out
}

// glusterdArguments returns the volume file that a glusterd was told to read, and what its arguments set besides.
func glusterdArguments(args []string) (volfile string, settings []setting) {
	volfile = Volfile
	for _, flag := range []string{"-f", "--volfile"} {
		if f := argument(args, flag); f != "" {
			volfile = f
		}
	}
	for i, a := range args {
		option, ok := strings.CutPrefix(a, "--xlator-option=")
		if a == "--xlator-option" && i+1 < len(args) {
			option, ok = args[i+1], true
		}
		key, value, valued := strings.Cut(option, "=")
		if _, name, named := strings.Cut(key, "."); ok && valued && named && usualPlaces()[name] != "" {
			settings = append(settings, setting{name: name, value: value})
		}
	}
	return volfile, settings
}

// samePlace reports whether two paths are one, also by links and mounts. A socket may be there on neither.
func samePlace(root, a, b string) bool {
	plain := func(p string) string {
		p = filepath.Clean(p)
		if rest, ok := strings.CutPrefix(p, "/var/run/"); ok {
			return "/run/" + rest // one and the same on every system with systemd
		}
		return p
	}
	if plain(a) == plain(b) {
		return true
	}
	x, err := os.Stat(filepath.Join(root, a))
	if err != nil {
		return false
	}
	y, err := os.Stat(filepath.Join(root, b))
	return err == nil && os.SameFile(x, y)
}
