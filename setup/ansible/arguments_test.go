package ansible_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"brickyard/setup/ansible"
)

// sent is a file of arguments as Ansible writes it, with the user's keys in front.
func sent(user string) []byte {
	if user != "" {
		user += ", "
	}
	return []byte("{" + user + `"_ansible_check_mode": false, "_ansible_diff": true, "_ansible_version": "2.19.14", "_ansible_verbosity": 0}`)
}

func TestArguments(t *testing.T) {
	t.Parallel()
	all := []string{"host", "pool", "client"}
	for _, tc := range []struct {
		name, user string
		want       ansible.Arguments
	}{
		{"nothing is given", "", ansible.Arguments{Parts: all, Timeout: 5 * time.Minute, WaitForOthers: true}},
		{"a null is nothing", `"node": null, "parts": null, "cluster": null`, ansible.Arguments{Parts: all, Timeout: 5 * time.Minute, WaitForOthers: true}},
		{
			"everything, typed", `"config": "/srv/c.yaml", "node": "web1", "parts": ["client", "host"], "templates": "/srv/t", "timeout": 90, "wait_for_others": false`,
			ansible.Arguments{Config: "/srv/c.yaml", Node: "web1", Parts: []string{"host", "client"}, Templates: "/srv/t", Timeout: 90 * time.Second},
		},
		{
			"everything as text, as templates make it", `"parts": "pool, host", "timeout": "10m", "wait_for_others": "yes"`,
			ansible.Arguments{Parts: []string{"host", "pool"}, Timeout: 10 * time.Minute, WaitForOthers: true},
		},
		{"what is allowed", `"allow": ["older-file:web1", "older-file:web2"]`, ansible.Arguments{Parts: all, Timeout: ansible.DefaultTimeout, WaitForOthers: true, Allow: []string{"older-file:web1", "older-file:web2"}}},
		{"one thing that is allowed", `"allow": "older-file:web1"`, ansible.Arguments{Parts: all, Timeout: ansible.DefaultTimeout, WaitForOthers: true, Allow: []string{"older-file:web1"}}},
		{"seconds as text", `"timeout": "30", "wait_for_others": "False"`, ansible.Arguments{Parts: all, Timeout: 30 * time.Second}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			got, err := ansible.Parse(sent(tc.user))
			if err != nil {
				t.Fatal(err)
			}
			tc.want.Diff = true
			if diff := cmp.Diff(tc.want, got, cmpopts.IgnoreFields(ansible.Arguments{}, "Given")); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestWrongArgumentsAreNamedAllAtOnce(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ name, user, want string }{
		{"a misspelt parameter", `"clustr": {}`, "unknown parameter clustr: did you mean cluster?"},
		{"an unknown parameter", `"state": "present"`, "unknown parameter state: the parameters are allow, cluster, config, node, parts, templates, timeout, wait_for_others"},
		{"a path that is not absolute", `"config": "c.yaml"`, `config must be an absolute path on the node, not "c.yaml"`},
		{"a number as a name", `"node": 7`, "node must be a text, not 7"},
		{"a misspelt part", `"parts": ["hosts"]`, `parts: there is no part "hosts": did you mean host?`},
		{"an unknown part", `"parts": "everything"`, `parts: there is no part "everything": the parts are host, pool, client`},
		{"no part", `"parts": []`, "parts is empty: name some of host, pool, client, or leave it out"},
		{"parts of another type", `"parts": {"host": true}`, `parts must be a list of host, pool, client, not {"host":true}`},
		{"a timeout without a unit that is known", `"timeout": "5 minutes"`, `timeout must be a number of seconds or a time such as 10m, and not "5 minutes"`},
		{"no time", `"timeout": 0`, "timeout must be a number of seconds or a time such as 10m, and not 0"},
		{"what is allowed is no text", `"allow": [1]`, `allow must be a text, not 1`},
		{"neither yes nor no", `"wait_for_others": "perhaps"`, `wait_for_others must be true or false, not "perhaps"`},
		{"a list as a cluster file", `"cluster": [1]`, "cluster must be a mapping or the YAML text of a cluster file, not [1]"},
		{"two cluster files", `"cluster": {"nodes": {}}, "config": "/c.yaml"`, "config and cluster are both set: give the path of a cluster file on the node, or the cluster file itself"},
		{"two mistakes", `"timeout": "soon", "node": []`, `node must be a text, not []; timeout must be a number of seconds or a time such as 10m, and not "soon"`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			_, err := ansible.Parse(sent(tc.user))
			if err == nil || err.Error() != tc.want {
				t.Errorf("got  %v\nwant %s", err, tc.want)
			}
		})
	}
}

// What is no clear answer to the question whether anything may be changed must not be guessed.
func TestCheckModeIsNeverGuessed(t *testing.T) {
	t.Parallel()
	if a, err := ansible.Parse([]byte(`{"_ansible_check_mode": true}`)); err != nil || !a.Check {
		t.Errorf("check mode: %v, %v", a.Check, err)
	}
	if _, err := ansible.Parse([]byte(`{"_ansible_check_mode": "yes"}`)); err == nil || err.Error() != `_ansible_check_mode must be true or false, not "yes"` {
		t.Errorf("a text for check mode: %v", err)
	}
}

func TestIsArguments(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]bool{
		`{"_ansible_version": "2.14.18"}`: true, ` {"node": "a", "_ansible_check_mode": true}` + "\n": true,
		`{"nodes": {}}`: false, `[]`: false, `null`: false, ``: false, `nodes: {}`: false,
		`{"_ansible_version": "2.14.18"} x`: false, `{"_ansible_version": `: false,
	} {
		if got := ansible.IsArguments([]byte(text)); got != want {
			t.Errorf("%s: %v", text, got)
		}
	}
}

const mapping = `"cluster": {
  "nodes": {"web2": {"address": "10.0.0.2"}, "web1": {"address": "10.0.0.1", "aliases": ["yes", "w1"]}},
  "volumes": {"server": {"replica": 2, "bricks": {"nodes": ["web1", "web2"], "directory": "/srv/0x10"}, "options": {"network.ping-timeout": 10, "nfs.disable": true}}}
}`

func TestAMappingBecomesTheSameClusterFile(t *testing.T) {
	t.Parallel()
	a, err := ansible.Parse(sent(mapping))
	if err != nil {
		t.Fatal(err)
	}
	const want = `# Written by Ansible from the parameter cluster of gluster_setup: changes made here do not last.
nodes:
  web2:
    address: 10.0.0.2
  web1:
    address: 10.0.0.1
    aliases:
    - "yes"
    - w1
volumes:
  server:
    replica: 2
    bricks:
      nodes:
      - web1
      - web2
      directory: /srv/0x10
    options:
      network.ping-timeout: 10
      nfs.disable: true
`
	if diff := cmp.Diff(want, a.Cluster.Text); diff != "" {
		t.Fatalf("(-want +got):\n%s", diff)
	}
	c, err := a.Cluster.Parse("/etc/brickyard/cluster.yaml")
	if err != nil {
		t.Fatal(err)
	}
	v := c.Volumes["server"]
	if diff := cmp.Diff([]any{[]string{"web2", "web1"}, "/srv/0x10", "10", "on", "/etc/brickyard/cluster.yaml", []string{"yes", "w1"}},
		[]any{c.NodeOrder, v.Bricks.Directory, v.Options["network.ping-timeout"], v.Options["nfs.disable"], c.Source, c.Nodes["web1"].Aliases}); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestMistakesInAMappingNameTheField(t *testing.T) {
	t.Parallel()
	a, err := ansible.Parse(sent(strings.Replace(strings.Replace(mapping, `"replica"`, `"replcia"`, 1), `10.0.0.1"`, `10.0.0"`, 1)))
	if err != nil {
		t.Fatal(err)
	}
	_, err = a.Cluster.Parse("/x")
	if err == nil || !strings.Contains(err.Error(), `cluster.volumes.server.replcia: unknown key "replcia" in volumes.server (did you mean replica?)`) ||
		!strings.Contains(err.Error(), "cluster.nodes.web1.address: ") {
		t.Errorf("got %v", err)
	}
}

func TestMistakesInATextNameTheLine(t *testing.T) {
	t.Parallel()
	a, err := ansible.Parse(sent(`"cluster": "nodes:\n  a: {address: 10.0.0.1}\nvolums: {}"`))
	if err != nil {
		t.Fatal(err)
	}
	if want := "nodes:\n  a: {address: 10.0.0.1}\nvolums: {}\n"; a.Cluster.Text != want {
		t.Errorf("text %q", a.Cluster.Text)
	}
	if _, err = a.Cluster.Parse("/x"); err == nil || !strings.HasPrefix(err.Error(), `cluster:3:1: unknown key "volums" in the file`+"\n  hint: did you mean volumes?") {
		t.Errorf("got %v", err)
	}
}

// FuzzParse looks for arguments that make it panic.
func FuzzParse(f *testing.F) {
	f.Add(sent(mapping))
	f.Add(sent(`"parts": ["host", 1], "timeout": "1h", "cluster": "a: b"`))
	f.Add([]byte(`{"_ansible_diff": null, "timeout": -1e99, "cluster": {"": {"\n- x": [[], {}, 1e400]}}}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		a, err := ansible.Parse(data)
		if err != nil {
			return
		}
		if a.Timeout <= 0 || len(a.Parts) == 0 {
			t.Errorf("accepted without a time or parts: %+v", a)
		}
		if a.Cluster != nil {
			if _, err := a.Cluster.Parse("/x"); err != nil && err.Error() == "" {
				t.Error("an error without words")
			}
		}
	})
}
