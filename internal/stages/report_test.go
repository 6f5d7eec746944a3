package main

import (
	"slices"
	"strings"
	"testing"
)

// What a playbook says of the task that failed is shown, not how often it was tried.
func TestAFailedTaskOfAPlaybookIsShownWithWhatItSaid(t *testing.T) {
	log := strings.Split(`TASK [One thing] *****
ok: [web1]

TASK [Another thing] *****
FAILED - RETRYING: [web2]: Another thing (2 retries left).
FAILED - RETRYING: [web2]: Another thing (1 retries left).
fatal: [web2]: FAILED! =>
    changed: false
    msg: this is missing

PLAY RECAP *****
web1 : ok=1
web > verify: Executed: Failed
level=error msg="of something else"
level=info msg="of nothing"`, "\n")
	want := []string{
		"TASK [Another thing] *****", "fatal: [web2]: FAILED! =>", "    changed: false", "    msg: this is missing",
		`level=error msg="of something else"`,
	}
	if got := failures(log); !slices.Equal(got, want) {
		t.Errorf("got:\n%s", strings.Join(got, "\n"))
	}
}
