package agree

import (
	"fmt"
	"slices"
	"strings"
)

// String says who has which version: "s1 knows volume server in version 45 (started), s2 in version 44 (stopped)".
func (d Difference) String() string {
	verb := " knows volume "
	if len(d.Newest) > 1 {
		verb = " know volume "
	}
	words := []string{strings.Join(d.Newest, " and ") + verb + d.Volume + d.Copy.words()}
	for _, c := range d.Others {
		words = append(words, c.Server+c.words())
	}
	return strings.Join(words, ", ")
}

func (c Copy) words() string {
	if c.Missing {
		return " does not know it"
	}
	words := " in another version"
	if c.Version != 0 {
		words = fmt.Sprintf(" in version %d", c.Version)
	}
	if c.Trait != "" {
		words += " (" + c.Trait + ")"
	}
	return words
}

// Remedy says what makes the servers have the volume alike again.
func (d Difference) Remedy() string {
	var older, twins, silent []string
	for _, c := range d.Others {
		switch {
		case c.Missing, c.Version != 0 && c.Version < d.Copy.Version:
			older = append(older, c.Server)
		case c.Version != 0 && c.Version == d.Copy.Version:
			twins = append(twins, c.Server)
		default:
			silent = append(silent, c.Server)
		}
	}
	switch {
	case len(older) > 0:
		return "on " + strings.Join(older, ", then on ") + ": make room below /var/lib/glusterd where it is full (df /var/lib/glusterd), then run \"systemctl restart glusterd\": " +
			"it takes the newest version from the others (its bricks may restart with it: first see in gluster-setup status that the other bricks are online and have nothing to heal); then run apply again"
	case len(twins) > 0:
		return Forget([]string{d.Volume}, append(slices.Clone(d.Newest), twins...))
	default:
		return "on " + d.Copy.Server + " and on " + strings.Join(silent, ", ") + " run \"gluster-setup apply --parts host\", which has each tell its version; then run plan again, which says what to do"
	}
}

// Forget is the remedy for servers that have volumes in the same version and with different contents, and reject each other
// when they next meet: which one is right only a person knows, and the other one takes it from there. It is that of
// docs/runbooks/GlusterPeerRejected.md.
func Forget(volumes, servers []string) string {
	moves := make([]string, 0, len(volumes))
	for _, v := range volumes {
		moves = append(moves, "mv /var/lib/glusterd/vols/"+v+" /root/glusterd.old/")
	}
	return "find out which of " + strings.Join(servers, ", ") + " is right (docs/runbooks/GlusterPeerRejected.md). On the other one only, never on both, while the bricks of the one that is right are online: " +
		"run \"systemctl stop glusterd; mkdir -p /root/glusterd.old; " + strings.Join(moves, "; ") + "; systemctl start glusterd\". It takes the volume from the others, and its bricks' files stay where they are. Then run apply again on both"
}
