package labtest_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"maps"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"brickyard/internal/lab"
	"brickyard/setup/ansible"
	"brickyard/setup/pool"
	"brickyard/setup/report"
)

// module makes a run of the program as Ansible's module that has not begun.
func (s *site) module(ctx context.Context, n *lab.Node, arguments map[string]any) (*exec.Cmd, *bytes.Buffer) {
	s.t.Helper()
	all := map[string]any{"cluster": s.text(), "_ansible_check_mode": false, "_ansible_diff": true, "_ansible_version": "2.19.14"}
	maps.Copy(all, arguments)
	data, err := json.Marshal(all)
	if err != nil {
		s.t.Fatal(err)
	}
	file := filepath.Join(filepath.Dir(s.file), "args-"+n.Name)
	if err := os.WriteFile(file, data, 0o644); err != nil {
		s.t.Fatal(err)
	}
	cmd := n.Command(ctx, os.Getenv(program), file)
	var out bytes.Buffer
	cmd.Stdout = &out
	return cmd, &out
}

func (s *site) text() string {
	s.t.Helper()
	text, err := os.ReadFile(s.file)
	if err != nil {
		s.t.Fatal(err)
	}
	return string(text)
}

// result is the one object that a run of the module printed.
func result(t testing.TB, out *bytes.Buffer) (r ansible.Result) {
	t.Helper()
	d := json.NewDecoder(bytes.NewReader(out.Bytes()))
	if err := d.Decode(&r); err != nil {
		t.Fatalf("%v in %q", err, out.String())
	}
	if _, err := d.Token(); err != io.EOF { //nolint:errorlint // never wrapped
		t.Errorf("something stands behind the object: %v", err)
	}
	return r
}

// modules runs the module on nodes at the same moment.
func (s *site) modules(nodes []*lab.Node, arguments map[string]any) []ansible.Result {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	cmds, outs := make([]*exec.Cmd, len(nodes)), make([]*bytes.Buffer, len(nodes))
	for i, n := range nodes {
		cmds[i], outs[i] = s.module(ctx, n, arguments)
		if err := cmds[i].Start(); err != nil {
			s.t.Fatal(err)
		}
	}
	results := make([]ansible.Result, len(nodes))
	for i, cmd := range cmds {
		s.exit(cmd.Wait())
		results[i] = result(s.t, outs[i])
		if results[i].Failed {
			s.t.Errorf("%s: %s: %s", nodes[i].Name, results[i].Reason, results[i].Msg)
		}
	}
	return results
}

func steps(changes []report.Change) []string {
	words := make([]string, 0, len(changes))
	for _, c := range changes {
		words = append(words, c.Action+" "+c.Object)
	}
	return words
}

// byObject has what is done to each object, in its order. What is done to different objects, such as two peers, is in the order in
// which they are ready for it.
func byObject(changes []report.Change) map[string][]string {
	out := map[string][]string{}
	for _, c := range changes {
		out[c.Object] = append(out[c.Object], c.Action)
	}
	return out
}

func TestModulePredictsWhatItThenDoes(t *testing.T) {
	t.Parallel()
	s := newSite(t, lab.Options{Nodes: 3, Clients: 1, Names: names(4)}, cacheFile(3, 1, 3, "profile: cache"))
	predicted := s.modules(s.Nodes(), map[string]any{"_ansible_check_mode": true})
	again := s.modules(s.Nodes(), map[string]any{"_ansible_check_mode": true})
	made := s.modules(s.Nodes(), nil)
	for i, n := range s.Nodes() {
		if diff := cmp.Diff(steps(predicted[i].Changes), steps(again[i].Changes)); diff != "" {
			t.Errorf("%s: check mode changed something:\n%s", n.Name, diff)
		}
		if diff := cmp.Diff(byObject(predicted[i].Changes), byObject(made[i].Changes)); diff != "" {
			t.Errorf("%s: predicted and made (-predicted +made):\n%s", n.Name, diff)
		}
		if !predicted[i].Changed || predicted[i].Settled || !made[i].Changed || !made[i].Settled || made[i].Gluster == nil {
			t.Errorf("%s: predicted %+v, made %+v", n.Name, predicted[i], made[i])
		}
		if !slices.ContainsFunc(made[i].Diff, func(d ansible.Diff) bool {
			return d.BeforeHeader == "/etc/brickyard/cluster.yaml" && d.After != nil && *d.After == s.text()
		}) {
			t.Errorf("%s: the cluster file is not in the diff", n.Name)
		}
	}
	for i, r := range s.modules(s.Nodes(), nil) {
		if r.Changed || len(r.Changes) > 0 || len(r.Diff) > 0 || !r.Settled {
			t.Errorf("%s: the second run has changes: %q", s.Node(i).Name, steps(r.Changes))
		}
	}
	for i, r := range s.modules(s.Nodes(), map[string]any{"_ansible_check_mode": true}) {
		if r.Changed || !r.Settled {
			t.Errorf("%s: check mode wants changes afterwards: %q", s.Node(i).Name, steps(r.Changes))
		}
	}
}

// As the role does where hosts take turns: the node that leads comes last, and nobody waits for its turn.
func TestModuleLeavesToOthersWhatIsTheirs(t *testing.T) {
	t.Parallel()
	s := newSite(t, lab.Options{Nodes: 3, Clients: 1, Names: names(4)}, cacheFile(3, 1, 3))
	nodes := s.Nodes()
	slices.Reverse(nodes)
	for _, arguments := range []map[string]any{{"parts": "host"}, {"parts": "pool", "wait_for_others": false}, {"timeout": 600}} {
		for _, n := range nodes {
			r := s.modules([]*lab.Node{n}, arguments)[0]
			if waits := arguments["wait_for_others"] == false; waits && n != nodes[len(nodes)-1] && n != nodes[0] && (r.Settled || r.Changed || len(r.Others) == 0) {
				t.Errorf("%s leaves nothing to the leader: %+v", n.Name, r)
			}
		}
	}
	s.settled()
}

// hangUp accepts connections where a node's glusterd would, hangs up, and counts them.
func hangUp(t *testing.T, n *lab.Node) *atomic.Int64 {
	t.Helper()
	var listener net.Listener
	var err error
	n.Network(func() { listener, err = net.Listen("tcp", net.JoinHostPort(n.Address, pool.Port)) })
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() }) //nolint:errcheck // nobody waits for it
	var connections atomic.Int64
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			connections.Add(1)
			_ = conn.Close() //nolint:errcheck // nothing was written
		}
	}()
	return &connections
}

func TestModuleThatIsTerminatedSaysWhatItDid(t *testing.T) {
	t.Parallel()
	s := newSite(t, lab.Options{Nodes: 1, Clients: 1, Names: names(2)}, clusterFile(2, 0, 2))
	n := s.Node(0)
	looks := hangUp(t, s.Node(1))
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	cmd, out := s.module(ctx, n, nil)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	s.waitFor("the look before the first change", func() bool { return looks.Load() > 0 })
	s.waitFor("the first changes", func() bool {
		_, err := os.Stat(n.Path("/etc/brickyard/cluster.yaml"))
		return err == nil
	})
	// What follows are looks of the pool part. Before the second of them the module has begun to wait, and does so for minutes.
	before := looks.Load()
	s.waitFor("the module to wait for the other server", func() bool { return looks.Load() >= before+2 })
	signal(n, syscall.SIGTERM, strings.Fields(n.Run("pgrep", "-f", "args-"+n.Name))...)
	_ = cmd.Wait() //nolint:errcheck // the result counts
	r := result(t, out)
	if !r.Failed || !r.Changed || r.Reason != "interrupted" || !slices.ContainsFunc(r.Waits, func(w string) bool { return strings.Contains(w, "n2.example.com") }) {
		t.Errorf("failed %v, changed %v, reason %q, waits %q, msg %q", r.Failed, r.Changed, r.Reason, r.Waits, r.Msg)
	}
}
