package cluster

import (
	"fmt"
	"strconv"
	"strings"
)

// Warnings returns what is allowed but can hurt, one sentence each, in the
// order of the file. A plan shows them; none of them stops it.
func Warnings(c *Cluster) []string {
	var warnings []string
	for _, name := range c.VolumeOrder {
		v := c.Volumes[name]
		options := map[string]string{}
		for _, o := range c.EffectiveOptions(name) {
			options[o.Name] = strings.ToLower(o.Value)
		}
		warnings = append(warnings, quorumWarnings(name, v, options)...)
		warnings = append(warnings, optionWarnings(name, options)...)
		warnings = append(warnings, c.accessWarnings(name, options)...)
		warnings = append(warnings, granularHealWarnings(name, v)...)
		warnings = append(warnings, unknownOptionWarnings(name, v)...)
		warnings = append(warnings, placeWarnings(name, v)...)
	}
	return warnings
}

func quorumWarnings(name string, v Volume, options map[string]string) []string {
	kind := options[optionQuorumType]
	switch {
	case v.Replica == 2 && (kind == "" || kind == "none"):
		return []string{fmt.Sprintf("volume %s keeps two copies without quorum: while the two nodes of a replica set cannot reach each other, both sides may change the same file, "+
			"and the file is unreadable afterwards (split-brain). A third node with `replica: 3` and `arbiter: 1`, written before the volume is made, removes this.", name)}
	case v.Replica == 2:
		return []string{fmt.Sprintf("volume %s keeps two copies with quorum %s: when the first node of a replica set is down, its files cannot be written, and with it neither copy helps. "+
			"A third node with `replica: 3` and `arbiter: 1`, written before the volume is made, keeps the volume writable.", name, kind)}
	case kind == "none":
		return []string{fmt.Sprintf("volume %s has three copies but %s none: split-brain is possible.", name, optionQuorumType)}
	case kind == "fixed" && options[optionQuorumCount] == "1":
		return []string{fmt.Sprintf("volume %s has three copies but may be written with one of them: split-brain is possible.", name)}
	}
	return nil
}

func optionWarnings(name string, options map[string]string) []string {
	var warnings []string
	if value := options["cluster.self-heal-daemon"]; value != "" && !isOn(value) {
		warnings = append(warnings, fmt.Sprintf("volume %s has its self-heal daemon switched off: a brick that was away stays behind.", name))
	}
	if options["network.ping-timeout"] == "0" {
		warnings = append(warnings, fmt.Sprintf("volume %s has network.ping-timeout 0: when a server dies without a word, clients hang until the connection breaks, which can take many minutes.", name))
	}
	if isOn(options["server.root-squash"]) || isOn(options["server.all-squash"]) {
		warnings = append(warnings, fmt.Sprintf("volume %s has root squash: root of a client is nobody there, so its mounts are not probed, `verify` cannot write and `mode` is set only on new bricks; "+
			"a client that mounts with no-root-squash is root again, so it helps against mistakes only.", name))
	}
	timeout, err := strconv.Atoi(options[optionMetadata])
	if err == nil && timeout > 1 {
		what := "they show changes of other clients that much later"
		if isOn(options["features.cache-invalidation"]) && isOn(options["performance.cache-invalidation"]) {
			what = "bricks tell them of changes, but not of those that a heal makes, which they show that much later"
		}
		warnings = append(warnings, fmt.Sprintf("volume %s lets clients keep attributes for %d s: %s.", name, timeout, what))
	}
	return warnings
}

func granularHealWarnings(name string, v Volume) []string {
	if !isOn(v.Options[OptionGranularHeal]) {
		return nil
	}
	return []string{fmt.Sprintf("volume %s may have granular entry heal: a removed file stays on a brick for good when that brick goes away again while its removal is being healed, and nothing says so; "+
		"have `check` look regularly. Where it is off, `gluster volume heal %[1]s granular-entry-heal enable` switches it on.", name)}
}

func placeWarnings(name string, v Volume) []string {
	var warnings []string
	if gone := emptiedAtBoot(v.Bricks.Directory); gone != "" {
		warnings = append(warnings, fmt.Sprintf("volume %s has its bricks in %s, below %s, which is emptied at boot.", name, v.Bricks.Directory, gone))
	}
	if v.Bricks.Tmpfs != nil && !v.IsEphemeral() {
		warnings = append(warnings, fmt.Sprintf("volume %s is on tmpfs but not ephemeral: if all nodes of a replica set are off at the same time its files are lost, and it stays down until a person decides.", name))
	}
	if v.Bricks.Disk == nil {
		return warnings
	}
	if v.Bricks.Disk.Durability == DurabilityAsync {
		warnings = append(warnings, fmt.Sprintf("volume %s has durability async: a node that loses power loses files that were acknowledged, without GlusterFS knowing.", name))
	}
	v.Bricks.Disk.Device.each(func(_, device string) {
		if strings.HasPrefix(device, "/dev/loop") || strings.HasPrefix(device, "/dev/ram") {
			warnings = append(warnings, fmt.Sprintf("volume %s is on %s, which is gone or another one after a reboot; name the image file instead.", name, device))
		}
		if gone := emptiedAtBoot(device); gone != "" {
			warnings = append(warnings, fmt.Sprintf("volume %s is in the image file %s, below %s, which is emptied at boot.", name, device, gone))
		}
	})
	return warnings
}

// emptiedAtBoot returns the directory around path whose contents many systems
// throw away when they start, or "".
func emptiedAtBoot(path string) string {
	for _, dir := range []string{"/tmp", "/run"} {
		if path != "" && within(path, dir) {
			return dir
		}
	}
	return ""
}
