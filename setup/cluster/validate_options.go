package cluster

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

const (
	optionQuorumType  = "cluster.quorum-type"
	optionQuorumCount = "cluster.quorum-count"
	optionMetadata    = "performance.md-cache-timeout"
)

// OptionGranularHeal has single names healed instead of whole directories. glusterd has a command of its own for it.
const OptionGranularHeal = "cluster.granular-entry-heal"

// options checks the options of a volume, one by one and together.
func (v validator) options(what string, vol Volume, n *node) {
	list := n.get("options")
	if list == nil || list.bad || list.kind != kindMap {
		return
	}
	for _, name := range list.keys {
		child := list.values[name]
		if message, hint := optionNameProblem(name); message != "" {
			v.r.atKey(child, what+": "+message, hint)
			continue
		}
		if message, hint := optionValueProblem(name, child.text); message != "" {
			v.r.at(child, what+": "+message, hint)
		}
	}
	v.quorum(what, vol, n, list)
}

func optionNameProblem(name string) (message, hint string) {
	switch {
	case name == "group":
		return "a group of options cannot be set", "name its options one by one; /var/lib/glusterd/groups lists them"
	case strings.HasPrefix(name, "user.brickyard"):
		return fmt.Sprintf("option %s is gluster-setup's own", name), "remove it"
	case !strings.Contains(name, "."):
		return fmt.Sprintf("option %s has no domain", name), "write its full name, such as network.ping-timeout; gluster volume set help lists them"
	case strings.ToLower(name) != name && optionRE.MatchString(strings.ToLower(name)) && !strings.HasPrefix(name, "user."):
		return fmt.Sprintf("option %s has capital letters", name), "write " + strings.ToLower(name)
	case !optionRE.MatchString(name):
		return fmt.Sprintf("%q is not the name of an option", name), "write it as gluster volume set help does, such as network.ping-timeout"
	}
	global := []string{
		"cluster.server-quorum-ratio", "cluster.op-version", "cluster.max-op-version", "cluster.brick-multiplex",
		"cluster.max-bricks-per-process", "cluster.localtime-logging", "cluster.daemon-log-level",
		"cluster.enable-shared-storage", "cluster.brick-graceful-cleanup", "glusterd.vol_count_per_thread",
	}
	if slices.Contains(global, name) {
		return fmt.Sprintf("option %s holds for the whole pool, not for a volume", name), "remove it; set it by hand: gluster volume set all " + name + " VALUE"
	}
	commands := map[string]string{
		"features.quota": "quota", "features.inode-quota": "inode-quota", "features.bitrot": "bitrot", "features.scrub": "bitrot",
		"features.scrub-freq": "bitrot", "features.scrub-throttle": "bitrot",
	}
	if command, ok := commands[name]; ok {
		return fmt.Sprintf("option %s cannot be set like others", name), "remove it; GlusterFS has a command for it: gluster volume " + command
	}
	return misspeltOption(name)
}

func optionValueProblem(name, value string) (message, hint string) {
	switch {
	case value == "":
		return fmt.Sprintf("option %s is empty", name), "write a value, or remove the key"
	case len(value) > maxValue:
		return fmt.Sprintf("option %s has %d bytes", name, len(value)), fmt.Sprintf("glusterd ends on values this long: write at most %d", maxValue)
	case strings.ContainsAny(value, "\n\r"):
		return fmt.Sprintf("option %s has more than one line", name), "write one line"
	case strings.TrimSpace(value) != value:
		return fmt.Sprintf("option %s starts or ends with white space", name), fmt.Sprintf("write %q", strings.TrimSpace(value))
	case strings.HasPrefix(value, "-") && !negativeNumber.MatchString(value):
		return fmt.Sprintf("option %s starts with -", name), "the gluster command would take it for a flag"
	}
	words := map[string][]string{
		OptionGranularHeal:            boolWords(),
		optionQuorumType:              {"none", "auto", "fixed"},
		"cluster.server-quorum-type":  {"none", "server"},
		"transport.address-family":    {"inet", "inet6"},
		"cluster.ensure-durability":   boolWords(),
		"cluster.choose-local":        boolWords(),
		"cluster.self-heal-daemon":    boolWords(),
		"features.cache-invalidation": boolWords(),
	}
	if allowed := words[name]; allowed != nil && !containsFold(allowed, value) {
		return fmt.Sprintf("option %s cannot be %s", name, value), "write " + strings.Join(allowed[:len(allowed)-1], ", ") + " or " + allowed[len(allowed)-1]
	}
	if slices.Contains([]string{"network.ping-timeout", optionQuorumCount, optionMetadata, "cluster.shd-max-threads"}, name) {
		if _, err := strconv.ParseUint(value, 10, 31); err != nil {
			return fmt.Sprintf("option %s cannot be %s", name, value), "write a whole number"
		}
	}
	return "", ""
}

func boolWords() []string {
	return []string{"yes", "no", "true", "false", "enable", "disable", "1", "0", "on", "off"}
}

// isOn says whether GlusterFS takes the value for true.
func isOn(value string) bool {
	return containsFold([]string{"on", "yes", "true", "enable", "1"}, value)
}

// quorum checks the options that decide when a volume may be written.
func (v validator) quorum(what string, vol Volume, n, list *node) {
	kind, count := list.get(optionQuorumType), list.get(optionQuorumCount)
	value := strings.ToLower(vol.Options[optionQuorumType])
	if kind != nil && vol.Arbiter == 1 && (value == "none" || value == "fixed") {
		v.r.at(kind, fmt.Sprintf("%s: %s %s would make the arbiter useless", what, optionQuorumType, value),
			"remove it; an arbiter volume has quorum auto")
	}
	if kind != nil && value == "fixed" && count == nil {
		v.r.at(kind, fmt.Sprintf("%s: %s fixed needs %s", what, optionQuorumType, optionQuorumCount),
			fmt.Sprintf("add `%s:` with the number of bricks that a write needs", optionQuorumCount))
	}
	if count == nil || count.bad || n.get("replica").or(n).bad {
		return
	}
	bricks, err := strconv.Atoi(count.text)
	switch {
	case value != "fixed":
		v.r.atKey(count, fmt.Sprintf("%s: %s has no effect", what, optionQuorumCount), fmt.Sprintf("add `%s: fixed`, or remove it", optionQuorumType))
	case err == nil && (bricks < 1 || bricks > max(vol.Replica, 1)):
		v.r.at(count, fmt.Sprintf("%s: %s %d is impossible with replica %d", what, optionQuorumCount, bricks, vol.Replica),
			fmt.Sprintf("write a number from 1 to %d", max(vol.Replica, 1)))
	}
}
