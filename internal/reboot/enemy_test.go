package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Where everybody may write, the enemy's trials work, and say so: otherwise their silence would say nothing.
func TestTrialsNoticeThatTheyWorked(t *testing.T) {
	t.Parallel()
	brick, mount := t.TempDir(), t.TempDir()
	if err := os.MkdirAll(filepath.Join(brick, "brick", "file"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(mount, trap), 0o755); err != nil {
		t.Fatal(err)
	}
	program := "#!/bin/sh\necho 0\n" // as id does for root
	for name, text := range map[string]string{"id": program, "device": ""} {
		if err := os.WriteFile(filepath.Join(mount, trap, name), []byte(text), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	worked := map[string]bool{}
	for _, trial := range (&enemyCmd{Bricks: []string{brick}, Mounts: map[string]string{"v": mount}}).trials() {
		if !strings.Contains(trial.what, brick) && !strings.Contains(trial.what, mount) || strings.HasPrefix(trial.what, "mounted over") {
			continue
		}
		worked[trial.what] = trial.do() == nil
	}
	for _, what := range []string{
		"forged " + brick + "/.gluster-setup-refill", "moved the brick in " + brick, "wrote to the root of " + mount,
		"made the probers' directory in " + mount, "became root by a program in " + mount, "opened a device in " + mount,
	} {
		if !worked[what] {
			t.Errorf("not noticed: %s", what)
		}
	}
	if worked["linked "+brick+"/.gluster-setup-refill"] {
		t.Error("a link where a file is counts as made")
	}
}
