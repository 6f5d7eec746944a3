package probe

import (
	"context"
	"fmt"
	"path"
	"strings"

	"brickyard/exporter/mounttable"
)

// findMount looks in the mount table for the volume that is mounted at a path, and never touches it. The error wraps
// errNotMounted where there is none. Whoever opens it compares the device.
func findMount(table, at string) (mounttable.Mount, error) {
	all, err := mounttable.Current(table)
	if err != nil {
		return mounttable.Mount{}, err
	}
	for _, m := range all {
		if m.Path == at {
			return m, nil
		}
	}
	return mounttable.Mount{}, fmt.Errorf("%s: %w", at, errNotMounted)
}

// declared is an error, which wraps errNotMounted, when /etc/fstab has something else for the mount's path: nothing is to be written into
// the volume of another pool.
func declared(ctx context.Context, fstab string, m mounttable.Mount) error {
	expected, err := mounttable.Expected(fstab)
	if err != nil {
		return err
	}
	if meant, here := expected[m.Path]; here && !meant.Is(m.Source, mounttable.Lookup(ctx)) {
		return fmt.Errorf("%s: %w as %s says, which has %s, and this is %s", m.Path, errNotMounted, fstab, words(meant), words(m.Source))
	}
	return nil
}

func words(s mounttable.Source) string {
	return strings.Join(s.Servers, ",") + ":" + path.Join("/", s.Volume, s.Directory)
}
