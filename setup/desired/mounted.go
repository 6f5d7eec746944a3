package desired

import (
	"fmt"
	"slices"

	"brickyard/gluster"
	"brickyard/setup/cluster"
)

// OldContents warns of a mount that should have auto-invalidation and runs
// without it: it was made by other hands, or before the option was set. Its
// process cannot be told, so it takes a new mount.
func (m ClientMount) OldContents(running []gluster.MountProcess) string {
	without := false // of the newest: one that was unmounted lazily may live on
	for _, p := range running {
		if p.Path == m.Path {
			without = !p.AutoInvalidation
		}
	}
	if !without || !slices.Contains(m.Options, cluster.AutoInvalidation) {
		return ""
	}
	return fmt.Sprintf("mount %s runs without %s: now and then a read there returns what a file held before another node changed it. Mount it anew when its users can do without it: umount %s && mount %s",
		m.Path, cluster.AutoInvalidation, m.Path, m.Path)
}

// WrongFlags are the options, of those that say whether programs keep their setuid bit and devices work, in which a mount with the
// options have, as the mount table shows them, is not as it should be: each as it should be.
func (m ClientMount) WrongFlags(have []string) []string {
	var wrong []string
	for _, word := range []string{"suid", "dev"} {
		no := slices.Contains(m.Options, "no"+word)
		if no == slices.Contains(have, "no"+word) || !no && !slices.Contains(m.Options, word) {
			continue
		}
		if no {
			word = "no" + word
		}
		wrong = append(wrong, word)
	}
	return wrong
}
