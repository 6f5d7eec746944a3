package probe

import (
	"fmt"

	"brickyard/exporter/mounttable"
)

// findMount looks in the mount table for the volume that is mounted on path, and never touches path. The error wraps
// errNotMounted where there is none. Whoever opens path compares the device.
func findMount(table, path string) (mounttable.Mount, error) {
	all, err := mounttable.Current(table)
	if err != nil {
		return mounttable.Mount{}, err
	}
	for _, m := range all {
		if m.Path == path {
			return m, nil
		}
	}
	return mounttable.Mount{}, fmt.Errorf("%s: %w", path, errNotMounted)
}
