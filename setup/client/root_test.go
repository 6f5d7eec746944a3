package client

import (
	"context"
	"strings"
	"testing"

	"github.com/moby/sys/mountinfo"

	"brickyard/setup/cluster"
	"brickyard/setup/desired"
)

// stateOf is a node that mounts one volume.
func stateOf(t *testing.T, volume string) *desired.State {
	t.Helper()
	c, err := cluster.Parse("cluster.yaml", []byte(`
nodes: {a: {address: 10.0.0.1}, b: {address: 10.0.0.2}, w: {address: 10.0.0.3}}
volumes: {v: {replica: 2, bricks: {nodes: [a, b], directory: /m}, `+volume+`}}
mounts: [{volume: v, path: /c, nodes: [w]}]
`))
	if err != nil {
		t.Fatal(err)
	}
	s, err := desired.For(c, "w")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestARemountKeepsTheOtherOptions(t *testing.T) {
	c := Client{State: stateOf(t, "profile: none")}
	m := c.State.ClientMounts[0]
	for have, want := range map[string]string{
		"rw,relatime":                     "mount -i -o remount,bind,rw,relatime,nosuid,nodev /c",
		"ro,nodev,noexec,noatime":         "mount -i -o remount,bind,ro,nodev,noexec,noatime,nosuid /c",
		"rw,nosuid,nodev,noexec,relatime": "",
	} {
		got := ""
		for _, ch := range c.flags(m, &mountinfo.Info{Mountpoint: "/c", Options: have}).Changes {
			got += strings.Join(ch.Commands, "; ")
		}
		if got != want {
			t.Errorf("%s: %q, want %q", have, got, want)
		}
	}
	m.Options = append(m.Options, "suid", "dev")
	for i, o := range m.Options {
		m.Options[i] = strings.TrimPrefix(o, "no")
	}
	if p := c.flags(m, &mountinfo.Info{Options: "rw,nosuid,nodev,noexec"}); len(p.Changes) != 1 || p.Changes[0].Commands[0] != "mount -i -o remount,bind,rw,noexec,suid,dev /c" {
		t.Errorf("allowed again: %+v", p.Changes)
	}
}

func TestTheModeOfTheRootIsSetWhereTheFileNamesIt(t *testing.T) {
	for name, tc := range map[string]struct{ volume, have, options, want string }{
		"another":                     {`mode: "0770"`, "755", "rw", "chmod 00770 /c"},
		"a setgid bit that should go": {`mode: "0770"`, "2770", "rw", "chmod 00770 /c"},
		"a setgid bit":                {`mode: "2770"`, "770", "rw", "chmod 02770 /c"},
		"the same":                    {`mode: "770"`, "770", "rw", ""},
		"none named":                  {"profile: none", "700", "rw", ""},
		"a mount to read from":        {`mode: "0770"`, "755", "ro", ""},
		"root is nobody there":        {`mode: "0770", options: {server.root-squash: on}`, "755", "rw", ""},
	} {
		c := Client{State: stateOf(t, tc.volume), Exec: func(context.Context, []string, ...string) ([]byte, error) { return []byte(tc.have + "\n"), nil }}
		p, err := c.mode(t.Context(), c.State.ClientMounts[0], &mountinfo.Info{Options: tc.options})
		if err != nil {
			t.Fatal(err)
		}
		got := ""
		for _, ch := range p.Changes {
			got += strings.Join(ch.Commands, "; ")
		}
		if got != tc.want {
			t.Errorf("%s: %q, want %q", name, got, tc.want)
		}
	}
}
