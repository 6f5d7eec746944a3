package desired

import (
	"fmt"
	"slices"
	"strings"

	"brickyard/gluster"
	"brickyard/setup/cluster"
	"brickyard/setup/textfile"
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

// Mounted is a volume that this machine mounts.
type Mounted struct {
	Source string // as the mount table has it: SERVER:/VOLUME
	Path   string
}

// LeftMounts says of each mount of a volume of this pool that neither the cluster file nor a line of somebody else's in /etc/fstab
// has that it is a leftover. apply takes away those that our lines in fstab have.
func (s *State) LeftMounts(mounted []Mounted, fstab string) []string {
	var words []string
	for _, m := range mounted {
		device := gluster.ParseDevice(m.Source)
		volume := device.Volume
		_, known := s.Pool.Volume(volume)
		named := slices.ContainsFunc(s.ClientMounts, func(c ClientMount) bool { return c.Path == m.Path })
		if !known || named || !s.asked(device.Servers) || textfile.HasMount(fstab, m.Path) {
			continue
		}
		end := fmt.Sprintf("it will not be there after the next boot. Write it under mounts if it is needed, or run \"umount %s\" when nobody uses it", m.Path)
		if slices.ContainsFunc(textfile.LeftFstab(fstab, nil), func(e textfile.Fstab) bool { return e.File == m.Path }) {
			end = "apply takes it away when nobody uses it. Write it under mounts if it is needed"
		}
		words = append(words, fmt.Sprintf("volume %s is mounted on %s, and neither the cluster file nor another line of /etc/fstab has that mount: %s", volume, m.Path, end))
	}
	return words
}

// asked reports whether one of the hosts that were asked for a volume is a server of the pool. Another pool may have a volume
// of the same name.
func (s *State) asked(hosts []string) bool {
	return slices.ContainsFunc(hosts, func(host string) bool {
		host = strings.Trim(host, "[]")
		if s.Server && slices.Contains([]string{"localhost", "127.0.0.1", "::1"}, host) {
			return true
		}
		return slices.ContainsFunc(s.Pool.Servers, func(server Server) bool { return server.Is([]string{host}) })
	})
}
