package cluster

import (
	"cmp"
	"slices"
	"strings"
)

// Origins of an option, as Option.Origin has them.
const (
	OriginProfile = "profile"
	OriginQuorum  = "quorum rule"
	OriginHeal    = "heal rule"
	OriginAccess  = "access rule"
	OriginOwner   = "owner of the root"
	OriginFile    = "cluster file"
)

// Option is a volume option with where it comes from and why it is set.
type Option struct {
	Name, Value string
	// Origin is one of the Origin constants.
	Origin string
	// Reason says what the option is for; for options of the file, that the
	// file names it.
	Reason string
}

// Profiles returns the names of all profiles.
func Profiles() []string {
	return []string{ProfileCache, ProfileWeb, ProfileNone}
}

// Profile returns the volume options and the mount options of a profile, both
// in the order in which they are documented. An unknown profile has none.
func Profile(name string) (volumeOptions []Option, mountOptions []string) {
	switch name {
	case ProfileWeb:
		volumeOptions = webOptions()
	case ProfileCache:
		volumeOptions = cacheOptions()
	}
	for i := range volumeOptions {
		volumeOptions[i].Origin = OriginProfile
	}
	return volumeOptions, nil
}

// stallOption shortens how long every client hangs when a server dies without
// a word.
func stallOption() Option {
	return Option{
		Name: "network.ping-timeout", Value: "10",
		Reason: "When a server dies without a word, clients wait up to three times this long before they go on with the others: 79 seconds with GlusterFS's 42, 17 to 30 with 10. See below.",
	}
}

// webOptions are for small files that several web servers serve and change.
// Clients keep attributes for one second, GlusterFS's default. Keeping them for
// ten minutes and having the bricks tell of changes (extras/group-metadata-cache
// of GlusterFS) is faster, but a client believes what it read while a brick was
// being healed: heals tell nobody.
func webOptions() []Option {
	return []Option{
		stallOption(),
		{Name: "network.inode-lru-limit", Value: "200000", Reason: "How many files a brick remembers: a web server looks at the same ones again with every request."},
	}
}

// cacheOptions are for volumes on tmpfs that may forget but must stay
// available.
func cacheOptions() []Option {
	return []Option{
		stallOption(),
		{Name: "cluster.shd-max-threads", Value: "4", Reason: "A node that rebooted has to be refilled completely. Healing four files at once shortens the time with one copy less."},
		{Name: "cluster.favorite-child-policy", Value: "mtime", Reason: "If two copies of a file differ and neither is to blame (split-brain), the one written last wins. A cache entry is better lost than unreadable for good."},
	}
}

// granularHealOption has a directory's names compared when it is healed. With
// granular entry heal, which GlusterFS sets on new volumes since 8, a brick notes
// the names that changed. A self-heal daemon strikes a name from those notes when a
// lookup finds it nowhere, also when the lookup could not ask the brick that
// still has it, since that has just gone away again
// (afr_selfheal_entry_granular_dirent, xlators/cluster/afr/src/afr-self-heal-entry.c).
// Seen with 9.2, 10.3 and 11.1.
func granularHealOption() Option {
	return Option{
		Name: OptionGranularHeal, Value: "off", Origin: OriginHeal,
		Reason: "A removed file stays on a brick for good when that brick goes away again at the moment at which its removal is being healed, and heal info says 0. With off, the names of a directory are compared when it is healed.",
	}
}

// EffectiveOptions returns the options that the file asks for on a volume,
// sorted by name: whole directories healed, client quorum for replica 3 and whom it lets in, those
// of its profile, and the file's own, which win. It returns nil for an unknown volume.
func (c *Cluster) EffectiveOptions(volume string) []Option {
	v, ok := c.Volumes[volume]
	if !ok {
		return nil
	}
	byName := map[string]Option{}
	profile, _ := Profile(v.Profile)
	for _, o := range profile {
		byName[o.Name] = o
	}
	byName[OptionGranularHeal] = granularHealOption()
	if v.Replica == 3 {
		byName[optionQuorumType] = Option{
			Name: optionQuorumType, Value: "auto", Origin: OriginQuorum,
			Reason: "Writes need two of three bricks, so that two halves of a cut network can never both write.",
		}
	}
	if !v.Access.Any {
		byName[OptionAllow] = c.allowOption(volume)
	}
	for _, o := range ownerOptions(v) {
		byName[o.Name] = o
	}
	for name, value := range v.Options {
		byName[name] = Option{Name: name, Value: value, Origin: OriginFile, Reason: "The cluster file names it."}
	}
	// On is left to the administrator: GlusterFS refuses to set it, and has a command that looks whether anything waits to be healed.
	if isOn(byName[OptionGranularHeal].Value) {
		delete(byName, OptionGranularHeal)
	}
	options := make([]Option, 0, len(byName))
	for _, o := range byName {
		options = append(options, o)
	}
	slices.SortFunc(options, func(a, b Option) int { return cmp.Compare(a.Name, b.Name) })
	return options
}

// AutoInvalidation has the kernel compare a file's times and size when it is
// opened or looked at, and drop what it keeps of it when they changed. GlusterFS
// documents it as on and has it off (10.3): the kernel then keeps contents
// from one open to the next, and hears of another client's write by a message
// that comes after the answer to its open, now and then too late
// (fuse_init and notify_kernel_loop, xlators/mount/fuse/src/fuse-bridge.c).
const AutoInvalidation = "auto-invalidation=yes"

// MountOptions returns what a mount adds to the options that say where its
// volume is: auto-invalidation, nosuid and nodev, those of the volume's profile, and the mount's
// own, which win.
func (c *Cluster) MountOptions(m Mount) []string {
	_, options := Profile(c.Volumes[m.Volume].Profile)
	options = append(slices.Clone(options), m.Options...)
	var first []string
	if !slices.ContainsFunc(options, func(o string) bool { return strings.HasPrefix(o, "auto-invalidation=") }) {
		first = append(first, AutoInvalidation)
	}
	// Root of one client can put a program with the setuid bit or a device into the volume, which would make any user
	// of another client root there.
	for _, word := range []string{"suid", "dev"} {
		if !slices.Contains(options, word) && !slices.Contains(options, "no"+word) {
			first = append(first, "no"+word)
		}
	}
	return append(first, options...)
}
