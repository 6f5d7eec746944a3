package agree

import (
	"os"
	"regexp"
	"strings"
	"testing"
)

// What the program prints and what its runbook says must not lead to different places.
func TestTheRemedyForARejectedPeerIsThatOfTheRunbook(t *testing.T) {
	text, err := os.ReadFile("../../docs/runbooks/GlusterPeerRejected.md")
	if err != nil {
		t.Fatal(err)
	}
	block := regexp.MustCompile("(?s)```sh\n( +systemctl stop glusterd.*?)```").FindStringSubmatch(string(text))
	if block == nil {
		t.Fatal("the runbook stops no glusterd")
	}
	var commands []string
	for line := range strings.Lines(strings.TrimSpace(block[1])) {
		commands = append(commands, strings.TrimSpace(line))
	}
	want := `"` + strings.Join(commands, "; ") + `"`
	if got := Forget([]string{"server"}, []string{"s1", "s2"}); !strings.Contains(got, want) {
		t.Errorf("%s\nis without the runbook's %s", got, want)
	}
}
