package labtest_test

import (
	"os"
	"testing"

	"brickyard/internal/lab"
)

// from runs the program on a node with nothing in its environment but these variables.
func (s *site) from(environment []string, n *lab.Node, command string, args ...string) outcome {
	s.t.Helper()
	argv := append([]string{"env", "-i"}, environment...)
	argv = append(argv, os.Getenv(program), command, "-f", s.file)
	out, err := n.Command(s.t.Context(), append(argv, args...)...).CombinedOutput()
	return outcome{code: s.exit(err), out: string(out)}
}

// Cron's PATH has no /usr/sbin, and some tools that call the program give it no PATH at all.
func TestProgramsAreFoundWithoutAPath(t *testing.T) {
	t.Parallel()
	s := newSite(t, lab.Options{Nodes: 2, Names: names(2)}, cacheFile(2, 0, 2))
	first, second := s.Node(0), s.Node(1)
	other := s.start(second, "apply")
	s.from([]string{"PATH=/usr/bin:/bin"}, first, "apply").check(t, "apply from cron", 0, "create volume server")
	other.wait().check(t, "apply of the other", 0)
	s.waitFor("the first to be let go", func() bool { return s.try(first, "ok-to-stop", "--look").code == 0 })
	for _, environment := range [][]string{{"PATH=/usr/bin:/bin"}, {"PATH="}, nil} {
		for _, args := range [][]string{{"plan"}, {"apply"}, {"status"}, {"recover"}, {"check"}, {"ok-to-stop"}, {"ok-to-stop", "--release"}} {
			s.from(environment, first, args[0], args[1:]...).check(t, args[0]+" with nothing but "+environmentText(environment), 0)
		}
	}
}

func environmentText(environment []string) string {
	if len(environment) == 0 {
		return "an empty environment"
	}
	return environment[0]
}
