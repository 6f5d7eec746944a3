package recovery

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"brickyard/gluster"
	"brickyard/setup/actual"
)

// actor records the commands that it would run.
func actor(commands *[]string) *Actor {
	return &Actor{Run: func(_ context.Context, c gluster.Command) error {
		*commands = append(*commands, c.String())
		return nil
	}}
}

func TestNoEmptyDirectoryIsLeftInThePlaceOfABrickThatIsAnnouncedAsEmpty(t *testing.T) {
	for name, prepare := range map[string]func(dir string) error{
		"missing": func(string) error { return nil },
		"empty":   func(dir string) error { return os.Mkdir(dir, 0o755) },
	} {
		t.Run(name, func(t *testing.T) {
			b := brick("n1", "wiped")
			b.Path = filepath.Join(t.TempDir(), "brick")
			if err := prepare(b.Path); err != nil {
				t.Fatal(err)
			}
			var commands []string
			if err := actor(&commands).Act(t.Context(), actual.Local{Set: set(b, brick("n2", "away"))}, Decision{TellWiped, ""}); err != nil {
				t.Fatal(err)
			}
			if _, err := os.Lstat(b.Path); !os.IsNotExist(err) {
				t.Errorf("%s is there: %v", b.Path, err)
			}
			if diff := cmp.Diff([]string{"gluster --mode=script volume set v user.brickyard-brick-0 wiped"}, commands); diff != "" {
				t.Error(diff)
			}
		})
	}
	full := brick("n1", "wiped")
	full.Path = t.TempDir()
	if err := os.WriteFile(filepath.Join(full.Path, "file"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	var commands []string
	if err := actor(&commands).Act(t.Context(), actual.Local{Set: set(full)}, Decision{TellWiped, ""}); err != nil || len(commands) != 1 {
		t.Errorf("a directory that is not empty any more: %v, %q", err, commands)
	}
	if _, err := os.Lstat(filepath.Join(full.Path, "file")); err != nil {
		t.Error(err)
	}
}

func TestTheLeaveToBeginAnewIsTakenBack(t *testing.T) {
	b := brick("n1")
	b.Path = filepath.Join(t.TempDir(), "brick")
	l := actual.Local{Set: set(b, brick("n2")), MarkPath: filepath.Join(t.TempDir(), "mark")}
	l.Set.Index, l.Set.Allowed = 3, true
	var commands []string
	if err := actor(&commands).Act(t.Context(), l, Decision{Finish, ""}); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"gluster --mode=script volume set v user.brickyard-brick-0 complete user.brickyard-rebuild-3 no"}, commands); diff != "" {
		t.Error(diff)
	}
}

// The words are those of glusterd 10.3 to which a peer told the volume while it ran.
func TestAGlusterdThatTakesItsOwnBrickForANewOneMustBeRestarted(t *testing.T) {
	program := filepath.Join(t.TempDir(), "gluster")
	script := "#!/bin/sh\ncase \"$*\" in *reset-brick*) r=-1 e='When destination brick is new, please use gluster volume replace-brick' ;; *) r=0 e= ;; esac\n" +
		"echo \"<?xml version='1.0'?><cliOutput><opRet>$r</opRet><opErrno>30800</opErrno><opErrstr>$e</opErrstr></cliOutput>\"\n"
	if err := os.WriteFile(program, []byte(script), 0o755); err != nil { //nolint:gosec // a program
		t.Fatal(err)
	}
	b := brick("n1", "wiped")
	b.Path = filepath.Join(t.TempDir(), "brick")
	a := &Actor{Run: gluster.CLI{Path: program}.Run, Now: time.Now}
	err := a.Act(t.Context(), actual.Local{Set: set(b, brick("n2")), MarkPath: filepath.Join(t.TempDir(), "mark")}, Decision{Refill, ""})
	if !errors.Is(err, gluster.ErrUntold) || !strings.Contains(err.Error(), "systemctl restart glusterd\" on this node: ") {
		t.Errorf("%v", err)
	}
}
