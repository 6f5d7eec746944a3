package cluster

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// volumeFile is a cluster file with the one volume v on three nodes.
func volumeFile(t *testing.T, keys string) *Cluster {
	t.Helper()
	return mustParse(t, `
nodes: {a: {address: 10.0.0.1}, b: {address: 10.0.0.2}, c: {address: 10.0.0.3}}
volumes:
  v:
`+strings.ReplaceAll("\n"+keys, "\n", "\n    ")+"\n")
}

const (
	two   = "replica: 2\nbricks: {nodes: [a, b], directory: /m}"
	three = "replica: 3\nbricks: {nodes: [a, b, c], directory: /m}"
)

func TestEffectiveOptionsAreSortedAndTheFileWins(t *testing.T) {
	for name, k := range map[string]struct{ keys, want string }{
		"replica 2 without anything has whole directories healed":   {two, "auth.allow=10.0.0.1,10.0.0.2 (access rule), cluster.granular-entry-heal=off (heal rule)"},
		"replica 3 gets client quorum":                              {three, "auth.allow=10.0.0.1,10.0.0.2,10.0.0.3 (access rule), cluster.granular-entry-heal=off (heal rule), cluster.quorum-type=auto (quorum rule)"},
		"an arbiter gets client quorum":                             {three + "\narbiter: 1", "auth.allow=10.0.0.1,10.0.0.2,10.0.0.3 (access rule), cluster.granular-entry-heal=off (heal rule), cluster.quorum-type=auto (quorum rule)"},
		"the file may decide otherwise":                             {three + "\noptions: {cluster.quorum-type: none}", "auth.allow=10.0.0.1,10.0.0.2,10.0.0.3 (access rule), cluster.granular-entry-heal=off (heal rule), cluster.quorum-type=none (cluster file)"},
		"granular entry heal is left alone where the file wants it": {two + "\noptions: {cluster.granular-entry-heal: enable}", "auth.allow=10.0.0.1,10.0.0.2 (access rule)"},
		"the cache profile": {
			two + "\nprofile: cache",
			"auth.allow=10.0.0.1,10.0.0.2 (access rule), cluster.favorite-child-policy=mtime (profile), cluster.granular-entry-heal=off (heal rule), cluster.shd-max-threads=4 (profile), network.ping-timeout=10 (profile)",
		},
		"the web profile with options of the file": {
			two + "\nprofile: web\noptions: {network.ping-timeout: 5, auth.allow: 10.0.0.*}",
			"auth.allow=10.0.0.* (cluster file), cluster.granular-entry-heal=off (heal rule), network.inode-lru-limit=200000 (profile), network.ping-timeout=5 (cluster file)",
		},
		"access any sets nothing": {two + "\naccess: any", "cluster.granular-entry-heal=off (heal rule)"},
		"more addresses, and a network that has the nodes": {
			two + "\naccess: [10.9.0.0/16, 10.0.0.21, 10.0.0.0/24, 10.7.*]",
			"auth.allow=10.0.0.*,10.0.0.21,10.7.*,10.9.* (access rule), cluster.granular-entry-heal=off (heal rule)",
		},
		"an owner of the root": {
			two + "\nowner: 33:33\nmode: \"2770\"",
			"auth.allow=10.0.0.1,10.0.0.2 (access rule), cluster.granular-entry-heal=off (heal rule), storage.owner-gid=33 (owner of the root), storage.owner-uid=33 (owner of the root)",
		},
	} {
		t.Run(name, func(t *testing.T) {
			var got []string
			for _, o := range volumeFile(t, k.keys).EffectiveOptions("v") {
				got = append(got, fmt.Sprintf("%s=%s (%s)", o.Name, o.Value, o.Origin))
				if !strings.HasSuffix(o.Reason, ".") {
					t.Errorf("%s: reason %q is no sentence", o.Name, o.Reason)
				}
			}
			if diff := cmp.Diff(k.want, strings.Join(got, ", ")); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
	if volumeFile(t, two).EffectiveOptions("w") != nil {
		t.Error("options of an unknown volume")
	}
}

func TestProfilesPassTheChecksOfTheFilesOwnOptions(t *testing.T) {
	for _, profile := range Profiles() {
		options, mounts := Profile(profile)
		for _, o := range options {
			if message, _ := optionNameProblem(o.Name); message != "" {
				t.Error(message)
			}
			if message, _ := optionValueProblem(o.Name, o.Value); message != "" {
				t.Error(message)
			}
		}
		for _, o := range mounts {
			if message, _ := mountOptionProblem(o); message != "" {
				t.Error(message)
			}
		}
	}
}

func TestMountOptionsAreThoseOfTheProfileAndTheMount(t *testing.T) {
	c := volumeFile(t, two+"\nprofile: cache")
	for own, want := range map[string][]string{
		"noatime":              {"auto-invalidation=yes", "nosuid", "nodev", "noatime"},
		"auto-invalidation=no": {"nosuid", "nodev", "auto-invalidation=no"},
		"suid":                 {"auto-invalidation=yes", "nodev", "suid"},
		"dev":                  {"auto-invalidation=yes", "nosuid", "dev"},
		"nosuid":               {"auto-invalidation=yes", "nodev", "nosuid"},
	} {
		if diff := cmp.Diff(want, c.MountOptions(Mount{Volume: "v", Options: []string{own}})); diff != "" {
			t.Error(diff)
		}
	}
}

func TestWarningsSayWhatCanBeLost(t *testing.T) {
	const splitBrain = "volume v keeps two copies without quorum: while the two nodes of a replica set cannot reach each other, both sides may change the same file, " +
		"and the file is unreadable afterwards (split-brain). A third node with `replica: 3` and `arbiter: 1`, written before the volume is made, removes this."
	disk := strings.Replace(three, "directory: /m", "disk: {mount: /m, device: %s}", 1)
	for name, k := range map[string]struct {
		keys string
		want []string
	}{
		"three copies with quorum":                      {three, nil},
		"two copies without quorum":                     {two, []string{splitBrain}},
		"two copies with quorum none, in so many words": {two + "\noptions: {cluster.quorum-type: none}", []string{splitBrain}},
		"two copies with quorum": {two + "\noptions: {cluster.quorum-type: auto}", []string{
			"volume v keeps two copies with quorum auto: when the first node of a replica set is down, its files cannot be written, and with it neither copy helps. " +
				"A third node with `replica: 3` and `arbiter: 1`, written before the volume is made, keeps the volume writable.",
		}},
		"three copies without quorum": {three + "\noptions: {cluster.quorum-type: none}", []string{
			"volume v has three copies but cluster.quorum-type none: split-brain is possible.",
		}},
		"three copies with a quorum of one": {three + "\noptions: {cluster.quorum-type: fixed, cluster.quorum-count: 1}", []string{
			"volume v has three copies but may be written with one of them: split-brain is possible.",
		}},
		"granular entry heal": {three + "\noptions: {cluster.granular-entry-heal: on}", []string{
			"volume v may have granular entry heal: a removed file stays on a brick for good when that brick goes away again while its removal is being healed, and nothing says so; " +
				"have `check` look regularly. Where it is off, `gluster volume heal v granular-entry-heal enable` switches it on.",
		}},
		"everybody": {three + "\naccess: any", []string{
			"volume v lets in every machine that reaches its bricks (auth.allow *): root there reads and changes all of it. Name the addresses under `access:`, or have a firewall name them.",
		}},
		"everybody, in GlusterFS's words": {three + "\noptions: {auth.allow: '*'}", []string{
			"volume v lets in every machine that reaches its bricks (auth.allow *): root there reads and changes all of it. Name the addresses under `access:`, or have a firewall name them.",
		}},
		"a node is left out": {three + "\noptions: {auth.allow: '10.0.0.1,10.0.0.2'}", []string{
			"volume v: auth.allow under options leaves out node c (10.0.0.3), which serves or mounts it; names in it are asked of each brick's resolver. Write the others under `access:` instead.",
		}},
		"root squash": {three + "\noptions: {server.root-squash: on}", []string{
			"volume v has root squash: root of a client is nobody there, so its mounts are not probed, `verify` cannot write and `mode` is set only on new bricks; " +
				"a client that mounts with no-root-squash is root again, so it helps against mistakes only.",
		}},
		"no self-heal daemon": {three + "\noptions: {cluster.self-heal-daemon: off}", []string{
			"volume v has its self-heal daemon switched off: a brick that was away stays behind.",
		}},
		"no ping": {three + "\noptions: {network.ping-timeout: 0}", []string{
			"volume v has network.ping-timeout 0: when a server dies without a word, clients hang until the connection breaks, which can take many minutes.",
		}},
		"old attributes": {three + "\noptions: {performance.md-cache-timeout: 60}", []string{
			"volume v lets clients keep attributes for 60 s: they show changes of other clients that much later.",
		}},
		"old attributes after heals": {three + "\noptions: {performance.md-cache-timeout: 60, features.cache-invalidation: on, performance.cache-invalidation: on}", []string{
			"volume v lets clients keep attributes for 60 s: bricks tell them of changes, but not of those that a heal makes, which they show that much later.",
		}},
		"an option of another GlusterFS": {three + "\noptions: {performance.time-travel: on, user.note: x}", []string{
			"volume v has the option performance.time-travel, which GlusterFS 10 does not know; other versions may.",
		}},
		"tmpfs that must not forget": {strings.Replace(three, "directory: /m", "tmpfs: {mount: /m, size: 16m}", 1) + "\nephemeral: false", []string{
			"volume v is on tmpfs but not ephemeral: if all nodes of a replica set are off at the same time its files are lost, and it stays down until a person decides.",
		}},
		"an asynchronous disk": {fmt.Sprintf(disk, "/dev/vdb, durability: async"), []string{
			"volume v has durability async: a node that loses power loses files that were acknowledged, without GlusterFS knowing.",
		}},
		"a loop device by number": {fmt.Sprintf(disk, "/dev/loop3"), []string{
			"volume v is on /dev/loop3, which is gone or another one after a reboot; name the image file instead.",
		}},
		"an image that a boot removes": {fmt.Sprintf(disk, "/tmp/v.img"), []string{
			"volume v is in the image file /tmp/v.img, below /tmp, which is emptied at boot.",
		}},
		"a directory that a boot empties": {strings.Replace(three, "/m", "/run/m", 1), []string{
			"volume v has its bricks in /run/m, below /run, which is emptied at boot.",
		}},
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(k.want, Warnings(volumeFile(t, k.keys))); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}
