package gluster

import (
	"strconv"
	"strings"
)

// Command is what follows "gluster --mode=script --xml" on the command line of a change.
type Command []string

// String is the command that a person could type in a shell for the same change.
func (c Command) String() string {
	words := []string{"gluster", "--mode=script"}
	for _, a := range c {
		words = append(words, quote(a))
	}
	return strings.Join(words, " ")
}

// Name gives the leading words that say what the command does, such as "volume create".
func (c Command) Name() string {
	return strings.Join(c[:min(2, len(c))], " ")
}

// object is what the command changes: a volume or a host.
func (c Command) object() string {
	switch {
	case len(c) > 3 && c[1] == "profile", len(c) > 2:
		return c[2]
	default:
		return ""
	}
}

// quote puts s in single quotes where a shell would change it.
func quote(s string) string {
	const plain = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-+=./:,@%"
	if s != "" && strings.Trim(s, plain) == "" {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}

// VolumeSpec is a volume to be made.
type VolumeSpec struct {
	Name string
	// Replica is the number of bricks of a replica set, arbiters included; 0 and 1 mean that nothing is replicated.
	Replica int
	// Arbiter is how many of them are arbiters: 0 or 1.
	Arbiter int
	// Transport is "tcp", "rdma" or "tcp,rdma"; "" leaves it to GlusterFS, which takes tcp.
	Transport string
	// Bricks are in the order that makes the replica sets; only Host and Path are used.
	Bricks []Brick
}

// PeerProbe adds a node to the trusted pool, or makes host one more name of a node that is in it.
func PeerProbe(host string) Command { return Command{"peer", "probe", host} }

// VolumeCreate makes a volume. It never says force: GlusterFS refuses what is unsafe.
func VolumeCreate(v VolumeSpec) Command {
	c := Command{"volume", "create", v.Name}
	if v.Replica > 1 {
		c = append(c, "replica", strconv.Itoa(v.Replica))
	}
	if v.Arbiter > 0 {
		c = append(c, "arbiter", strconv.Itoa(v.Arbiter))
	}
	if v.Transport != "" {
		c = append(c, "transport", v.Transport)
	}
	for _, b := range v.Bricks {
		c = append(c, b.String())
	}
	return c
}

// VolumeStart starts a volume; ErrAlready where it is started.
func VolumeStart(name string) Command { return Command{"volume", "start", name} }

// VolumeStop stops a volume: its clients get errors until it is started again.
func VolumeStop(name string) Command { return Command{"volume", "stop", name} }

// VolumeDelete forgets a stopped volume. What its bricks hold stays.
func VolumeDelete(name string) Command { return Command{"volume", "delete", name} }

// VolumeSet sets an option, or several at once when more has further keys and
// values in turn. GlusterFS does not tell whether anything changed.
func VolumeSet(name, key, value string, more ...string) Command {
	return append(Command{"volume", "set", name, key, value}, more...)
}

// VolumeReset sets an option back to its default.
func VolumeReset(name, key string) Command { return Command{"volume", "reset", name, key} }

// VolumeHeal makes all self-heal daemons look at once for entries that wait to
// be healed, instead of at their next turn (cluster.heal-timeout, ten minutes).
func VolumeHeal(name string) Command { return Command{"volume", "heal", name} }

// VolumeGranularHealOff has whole directories compared when they are healed
// (cluster.granular-entry-heal). On a volume that was started once, glusterd
// refuses to set that option.
func VolumeGranularHealOff(name string) Command {
	return Command{"volume", "heal", name, "granular-entry-heal", "disable"}
}

// plain reports whether the command answers without XML when it succeeds, as the changes do that go by
// `volume heal` (cli/src/cli-rpc-ops.c:gf_cli_heal_volume_cbk, 10.3).
func (c Command) plain() bool {
	return len(c) > 2 && c[0] == "volume" && c[1] == "heal" && (len(c) == 3 || c[3] == "granular-entry-heal")
}

// ProfileStart has the bricks of a volume count and time file operations; ErrAlready where they do.
func ProfileStart(name string) Command { return Command{"volume", "profile", name, "start"} }

// ProfileStop ends what ProfileStart began.
func ProfileStop(name string) Command { return Command{"volume", "profile", name, "stop"} }

// ResetBrickCommit takes an emptied brick back into its volume, to be filled by its replica set.
func ResetBrickCommit(name, host, path string) Command {
	brick := Brick{Host: host, Path: path}.String()
	return Command{"volume", "reset-brick", name, brick, brick, "commit"}
}
