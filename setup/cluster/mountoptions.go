package cluster

import (
	"fmt"
	"strconv"
	"strings"
)

// mountValue says what follows the = of a mount option.
type mountValue int

const (
	valueNone mountValue = iota
	valueNumber
	valueText
	valueLogLevel
)

// mountOptions returns the options that mount.glusterfs of GlusterFS 9, 10
// and 11 takes and that are left to the user
// (xlators/mount/fuse/utils/mount.glusterfs.in). It exits with an error on any
// other.
func mountOptions() map[string]mountValue {
	options := map[string]mountValue{
		"log-level": valueLogLevel,
	}
	for _, name := range []string{
		"fopen-keep-cache", // with a value mount.glusterfs puts two = before it, and glusterfs refuses that
		"ro", "rw", "acl", "selinux", "worm", "enable-ino32", "mem-accounting", "aux-gfid-mount", "resolve-gids",
		"global-threading", "localtime-logging", "atime", "noatime", "diratime", "nodiratime", "relatime", "norelatime",
		"strictatime", "nostrictatime", "lazyatime", "nolazyatime", "dev", "nodev", "exec", "noexec", "suid", "nosuid",
	} {
		options[name] = valueNone
	}
	for _, name := range []string{
		"attribute-timeout", "entry-timeout", "negative-timeout", "gid-timeout", "lru-limit", "invalidate-limit",
		"background-qlen", "congestion-threshold", "oom-score-adj", "reader-thread-count", "attr-times-granularity",
		"halo-max-latency", "halo-max-replicas", "halo-min-replicas",
	} {
		options[name] = valueNumber
	}
	for _, name := range []string{
		"log-file", "direct-io-mode", "use-readdirp", "event-history", "auto-invalidation", "kernel-writeback-cache",
		"no-root-squash", "root-squash", "fuse-flush-handle-interrupt", "dump-fuse", "xlator-option", "fuse-mountopts",
		"context", "fscontext", "defcontext", "rootcontext", "process-name",
	} {
		options[name] = valueText
	}
	return options
}

// refusedMountOption says why an option that mount.glusterfs would take is
// not left to the user.
func refusedMountOption(name string) (reason, hint string) {
	switch name {
	case "defaults", "_netdev":
		return "is set already", "remove it"
	case "backup-volfile-servers", "backupvolfile-server":
		return "is set already: all brick nodes of the volume", "remove it"
	case "auto", "noauto", "nofail", "user", "users", "owner", "group":
		return "would change when or by whom the volume is mounted, which the boot order relies on", "remove it; list only the nodes that are to mount the volume"
	case "sync", "async", "dirsync", "mand", "nomand", "silent", "loud", "iversion", "noiversion":
		return "is ignored by mount.glusterfs", "remove it"
	case "transport", "server-port", "volume-id", "volume-name", "volfile-check", "subdir-mount":
		return "would mount something else than the volume of this entry", "remove it"
	case "fetch-attempts":
		return "is deprecated and does nothing", "remove it; backup servers are set already"
	case "io-engine", "fuse-dev-eperm-ratelimit-ns", "thin-client", "auto_unmount":
		return "is not known to every GlusterFS from 9 to 11, or needs services that are not set up here", "remove it"
	}
	if strings.HasPrefix(name, "x-systemd.") {
		return "is set by the boot order that gluster-setup installs", "remove it"
	}
	return "", ""
}

// mountOptionProblem says what is wrong with one entry of a mount's options,
// or nothing.
func mountOptionProblem(option string) (message, hint string) {
	name, value, hasValue := strings.Cut(option, "=")
	switch {
	case option == "":
		return "an option is empty", "remove the entry"
	case strings.Contains(option, ","):
		return fmt.Sprintf("option %q has a comma", option), "write one option an entry: [" + strings.Join(strings.Split(option, ","), ", ") + "]"
	case notForFstab.MatchString(option):
		return fmt.Sprintf("option %q has white space, quotes or other characters that fstab does not take", option), "leave them out"
	}
	if reason, hint := refusedMountOption(name); reason != "" {
		return fmt.Sprintf("option %s %s", name, reason), hint
	}
	if strings.HasPrefix(name, "x-") {
		return "", "" // mount.glusterfs drops these; they are for other programs
	}
	known := mountOptions()
	kind, ok := known[name]
	if !ok {
		hint = "mount.glusterfs would refuse to mount; see docs/cluster-file.md for the options"
		if near := nearest(name, sortedKeys(known)); near != "" {
			hint = fmt.Sprintf("did you mean %s?", near)
		}
		return fmt.Sprintf("option %s is unknown to mount.glusterfs", name), hint
	}
	return mountValueProblem(name, value, hasValue, kind)
}

func mountValueProblem(name, value string, hasValue bool, kind mountValue) (message, hint string) {
	_, notNumber := strconv.ParseFloat(value, 64)
	levels := []string{"TRACE", "DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL", "NONE"}
	switch {
	case kind == valueNone && hasValue:
		return fmt.Sprintf("option %s takes no value", name), "write " + name
	case kind != valueNone && value == "":
		return fmt.Sprintf("option %s needs a value", name), "write " + name + "=VALUE"
	case kind == valueNumber && notNumber != nil:
		return fmt.Sprintf("option %s=%s is not a number", name, value), "write a number after the ="
	case kind == valueLogLevel && !containsFold(levels, value):
		return fmt.Sprintf("option %s=%s is no log level", name, value), "write one of " + strings.Join(levels, ", ")
	}
	return "", ""
}
