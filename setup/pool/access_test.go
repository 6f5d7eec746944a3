package pool

import (
	"net/netip"
	"testing"

	"brickyard/setup/cluster"
	"brickyard/setup/desired"
)

// letsIn is the option that the cluster file makes of its nodes and of access.
func letsIn(list string) func(*desired.Pool) {
	return func(p *desired.Pool) {
		p.Volumes[0].Options = append(p.Volumes[0].Options, cluster.Option{Name: cluster.OptionAllow, Value: list, Origin: cluster.OriginAccess})
	}
}

func connected(addresses ...string) func(*Observed) {
	return func(o *Observed) {
		for _, a := range addresses {
			if o.Clients == nil {
				o.Clients = map[string][]netip.Addr{}
			}
			o.Clients["server"] = append(o.Clients["server"], netip.MustParseAddr(a))
		}
	}
}

func TestWhomAVolumeLetsIn(t *testing.T) {
	const list, both = "10.0.0.1,10.0.0.2,10.0.0.3,10.0.0.11", "auth.allow,cluster.quorum-type"
	setThem := []string{"gluster --mode=script volume set server auth.allow " + list + " user.brickyard-options " + both}
	for _, c := range []decideCase{
		{
			name: "a volume that everybody may use", want: wanted(letsIn(list)), see: seen(n1, connected("10.0.0.11", "10.0.0.2", "127.0.0.1", "::1")),
			steps: []string{"set options of volume server"}, commands: setThem,
		},
		{
			name: "a volume that everybody may use, in so many words", want: wanted(letsIn(list)), see: seen(n1, set("auth.allow", "*")),
			steps: []string{"set options of volume server"}, commands: setThem,
		},
		{
			name: "a client that nobody knows is a person's to decide about", want: wanted(letsIn(list)), see: seen(n1, connected("10.0.0.11", "10.0.0.99")),
			steps: []string{"set options of volume server"},
			conflicts: []string{"unknown-client volume server: a client with the address 10.0.0.99 is connected, which no node of the cluster file has: " +
				"it would lose the volume at once, since from now on only the nodes of the file are let in (auth.allow)"},
		},
		{
			name: "a server that has none of the addresses is known", want: wanted(letsIn("10.0.0.11")), see: seen(n1, connected("10.0.0.2")),
			steps: []string{"set options of volume server"},
		},
		{
			name: "what somebody else set stays", want: wanted(letsIn(list)), see: seen(n1, set("auth.allow", "10.0.*"), connected("10.0.0.99")),
			warnings: []string{"volume server has auth.allow=10.0.*, which somebody else set: left alone. " +
				"To have the nodes of the cluster file in it, and those under volumes.server.access: gluster volume reset server auth.allow, and run apply again"},
		},
		{
			name: "what somebody else set to our value becomes ours", want: wanted(letsIn(list)), see: seen(n1, set("auth.allow", list)),
			steps: []string{"set options of volume server"}, commands: []string{"gluster --mode=script volume set server user.brickyard-options " + both},
		},
		{
			name: "nodes come and go", want: wanted(letsIn(list)),
			see:   seen(n1, set("auth.allow", "10.0.0.1,10.0.0.2,10.0.0.3,10.0.0.99"), set(OwnOptions, both), connected("10.0.0.99")),
			steps: []string{"set options of volume server"}, commands: []string{"gluster --mode=script volume set server auth.allow " + list},
			warnings: []string{"volume server: a client with the address 10.0.0.99 is connected and is let in no more: its mount ends"},
		},
		{
			name: "access any takes back what a former run set", want: wanted(), see: seen(n1, set("auth.allow", list), set(OwnOptions, both)),
			steps:    []string{"reset option of volume server", "set options of volume server"},
			commands: []string{"gluster --mode=script volume reset server auth.allow", "gluster --mode=script volume set server user.brickyard-options cluster.quorum-type"},
		},
	} {
		t.Run(c.name, c.check)
	}
}

func TestWhyAccessChanges(t *testing.T) {
	for is, want := range map[string]string{
		"":        "every machine that reaches the bricks is let in; only the nodes of the cluster file should be",
		"*":       "every machine that reaches the bricks is let in; only the nodes of the cluster file should be",
		"a,b":     "let in c",
		"a,b,c,d": "let in no more d",
		"a,b,d":   "let in c, let in no more d",
		"c,b,a":   "auth.allow is in another order",
	} {
		if got := whyAccess(is, "a,b,c"); got != want {
			t.Errorf("%s: %q, want %q", is, got, want)
		}
	}
}
