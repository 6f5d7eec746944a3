package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// passed remembers which stages went well with which sources, so that a long run can be resumed.
type passed struct {
	dir     string
	sources string
}

func (p passed) file(name string) string {
	return filepath.Join(p.dir, p.sources, strings.ReplaceAll(name, ":", "-")+".json")
}

func (p passed) get(s stage) (outcome, bool) {
	var o outcome
	text, err := os.ReadFile(p.file(s.name))
	if err != nil || json.Unmarshal(text, &o) != nil {
		return outcome{}, false
	}
	return o, o.OK
}

// put keeps what is known of these sources alone.
func (p passed) put(o outcome) error {
	text, err := json.MarshalIndent(o, "", "  ")
	if err != nil {
		return err
	}
	others, err := os.ReadDir(p.dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	for _, other := range others {
		if other.Name() != p.sources {
			if err := os.RemoveAll(filepath.Join(p.dir, other.Name())); err != nil {
				return err
			}
		}
	}
	if err := os.MkdirAll(filepath.Join(p.dir, p.sources), 0o755); err != nil {
		return err
	}
	return os.WriteFile(p.file(o.Name), append(text, '\n'), 0o644)
}

// sources identifies the files of the checkout as they are now, but for the page that runs write themselves.
func sources() (string, error) {
	index, err := os.CreateTemp("", "brickyard-index")
	if err != nil {
		return "", err
	}
	defer os.Remove(index.Name()) //nolint:errcheck // a small temporary file
	if err := errors.Join(index.Close(), os.Remove(index.Name())); err != nil {
		return "", err
	}
	git := func(args ...string) (string, error) {
		cmd := exec.Command("git", args...)
		cmd.Env = append(os.Environ(), "GIT_INDEX_FILE="+index.Name())
		cmd.Stderr = os.Stderr
		out, err := cmd.Output()
		if err != nil {
			return "", fmt.Errorf("git %s: %w", args[0], err)
		}
		return strings.TrimSpace(string(out)), nil
	}
	for _, args := range [][]string{{"add", "-A"}, {"rm", "-q", "--cached", "--ignore-unmatch", "docs/testing.md"}} {
		if _, err := git(args...); err != nil {
			return "", err
		}
	}
	return git("write-tree")
}
