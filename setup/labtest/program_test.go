package labtest_test

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"brickyard/internal/impostor"
	"brickyard/internal/lab"
)

// program is the environment variable with the path of the program under test.
const program = "GLUSTER_SETUP_UNDER_TEST"

func TestMain(m *testing.M) {
	impostor.Main()
	if os.Getenv(posing) != "" {
		os.Exit(pose())
	}
	os.Exit(lab.Main(m, func(dir string) error {
		path, err := lab.Program(dir, "gluster-setup", "brickyard/setup")
		if err != nil {
			return err
		}
		return os.Setenv(program, path)
	}))
}

// outcome is how one run of the program ended.
type outcome struct {
	code int
	out  string // standard output, then standard error
}

// site is a lab with a cluster file that all its nodes see at the same path.
type site struct {
	*lab.Lab
	t    testing.TB
	file string
}

// newSite starts a lab whose nodes know nothing of each other, as new machines do.
func newSite(t testing.TB, options lab.Options, text string) *site {
	t.Helper()
	options.EmptyHosts = true
	dir := t.TempDir()
	for _, d := range []string{dir, filepath.Dir(dir)} { // readable for everybody, as below /etc
		if err := os.Chmod(d, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	s := &site{Lab: lab.Start(t, options), t: t, file: filepath.Join(dir, "cluster.yaml")}
	s.write(text)
	return s
}

func (s *site) write(text string) {
	s.t.Helper()
	if err := os.WriteFile(s.file, []byte(text), 0o644); err != nil { //nolint:gosec // the same file on all nodes
		s.t.Fatal(err)
	}
}

// command makes a run of the program on a node that has not begun.
func (s *site) command(ctx context.Context, n *lab.Node, command string, args ...string) (*exec.Cmd, *lab.Transcript) {
	cmd := n.Command(ctx, append([]string{os.Getenv(program), command, "-f", s.file}, args...)...)
	out := &lab.Transcript{}
	cmd.Stdout, cmd.Stderr = out, out
	return cmd, out
}

// patience bounds every run of the program in these tests, which gives up itself before that. Only what fails takes so long, on a busy machine too.
const patience = 12 * time.Minute

// running is a run of the program that goes on while the test does something else.
type running struct {
	s      *site
	what   string
	cmd    *exec.Cmd
	out    *lab.Transcript
	cancel context.CancelFunc
}

// start begins a run of the program on a node.
func (s *site) start(n *lab.Node, command string, args ...string) *running {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.t.Context(), patience)
	r := &running{s: s, what: n.Name + " " + command, cancel: cancel}
	r.cmd, r.out = s.command(ctx, n, command, args...)
	if err := r.cmd.Start(); err != nil {
		cancel()
		s.t.Fatal(err)
	}
	return r
}

// says waits until the run has said the words.
func (r *running) says(words string) {
	r.s.t.Helper()
	said := false
	defer func() {
		if !said {
			r.s.t.Logf("%s said:\n%s", r.what, r.out)
		}
	}()
	r.s.waitFor(r.what+" to say "+words, func() bool {
		said = strings.Contains(oneLine(r.out.String()), words)
		return said
	})
}

// wait waits until the run has ended.
func (r *running) wait() outcome {
	r.s.t.Helper()
	defer r.cancel()
	return outcome{code: r.s.exit(r.cmd.Wait()), out: r.out.String()}
}

// try runs the program on a node and returns how it ended.
func (s *site) try(n *lab.Node, command string, args ...string) outcome {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	cmd, out := s.command(ctx, n, command, args...)
	return outcome{code: s.exit(cmd.Run()), out: out.String()}
}

// allowance is what may take the usual time, and longer where the machine is so busy that the program needs more than the
// twentieth of a second, which is usual, to print its schema.
func (s *site) allowance(n *lab.Node, usual time.Duration) time.Duration {
	s.t.Helper()
	began := time.Now()
	n.Run(os.Getenv(program), "schema")
	return max(usual, time.Duration(float64(usual)*time.Since(began).Seconds()*20))
}

// deadline is a --timeout at which the program is to give up: an allowance for what it does before.
func (s *site) deadline(n *lab.Node, usual time.Duration) string {
	s.t.Helper()
	const most = 90 * time.Second // glusterd holds a lock for no longer than three minutes
	return min(s.allowance(n, usual), most).Round(time.Second).String()
}

func (s *site) exit(err error) int {
	s.t.Helper()
	var exit *exec.ExitError
	switch {
	case err == nil:
		return 0
	case errors.As(err, &exit) && exit.ExitCode() >= 0:
		return exit.ExitCode()
	default:
		s.t.Errorf("the program did not end by itself: %v", err)
		return -1
	}
}

// expect runs the program on a node and fails the test unless it ends with the
// code and says all the words.
func (s *site) expect(n *lab.Node, code int, words []string, command string, args ...string) outcome {
	s.t.Helper()
	if command == "status" && code == 0 { // it gives a server five seconds, which a busy machine may need, and where all is well nobody takes longer than he needs
		args = append(args, "--timeout", "5m")
	}
	o := s.try(n, command, args...)
	o.check(s.t, n.Name+" "+command, code, words...)
	return o
}

// oneLine is what the program said without the line breaks that it may put into long lines, and with "a while" for how
// long it waited before it gave up: that is less than its --timeout by what it had to do before.
func oneLine(out string) string {
	return regexp.MustCompile(`gave up after [0-9hms]+ `).ReplaceAllString(strings.Join(strings.Fields(out), " "), "gave up after a while ")
}

func (o outcome) check(t testing.TB, what string, code int, words ...string) {
	t.Helper()
	bad := o.code != code
	if bad {
		t.Errorf("%s: exit code %d, want %d", what, o.code, code)
	}
	said := oneLine(o.out)
	for _, w := range words {
		if !strings.Contains(said, w) {
			t.Errorf("%s: does not say %q", what, w)
			bad = true
		}
	}
	if bad {
		t.Logf("%s said:\n%s", what, o.out)
	}
}

// everywhere runs the program on nodes at the same moment.
func (s *site) everywhere(nodes []*lab.Node, command string, args ...string) []outcome {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	cmds, outs := make([]*exec.Cmd, len(nodes)), make([]*lab.Transcript, len(nodes))
	for i, n := range nodes {
		cmds[i], outs[i] = s.command(ctx, n, command, args...)
		if err := cmds[i].Start(); err != nil {
			s.t.Fatal(err)
		}
	}
	outcomes := make([]outcome, len(nodes))
	for i, cmd := range cmds {
		err := cmd.Wait()
		outcomes[i] = outcome{code: s.exit(err), out: outs[i].String()}
	}
	return outcomes
}

// converge applies the file on all nodes at the same moment, and then expects
// that none of them has anything left to do.
func (s *site) converge(args ...string) {
	s.t.Helper()
	for i, o := range s.everywhere(s.Nodes(), "apply", args...) {
		o.check(s.t, s.Node(i).Name+" apply", 0)
	}
	s.settled()
}

// settled expects that plan finds nothing to do on any node.
func (s *site) settled() {
	s.t.Helper()
	for i, o := range s.everywhere(s.Nodes(), "plan", "--timeout", "10m") {
		o.check(s.t, s.Node(i).Name+" plan", 0, "Nothing to do.")
	}
}
