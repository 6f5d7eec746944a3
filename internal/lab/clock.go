package lab

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// Ahead is the environment variable with how many seconds the clock of a program that ProgramWithClock built is ahead; negative where it
// is behind.
const Ahead = "LAB_CLOCK_AHEAD"

// The wall clock of a machine is one for all namespaces, so a program of ours whose clock is wrong is another build: that of Go's package
// time in which Now is Ahead ahead. Nothing of it is in the programs that are delivered. Times of files are the kernel's, and right.
const (
	nowReads   = "sec, nsec, mono := runtimeNow()\n"
	aheadReads = nowReads + "\tsec += ahead\n"
	aheadFile  = `package time

import "syscall"

var ahead = func() (seconds int64) {
	text, _ := syscall.Getenv("` + Ahead + `")
	sign := int64(1)
	for _, c := range text {
		if c == '-' {
			sign = -1
			continue
		}
		seconds = 10*seconds + int64(c-'0')
	}
	return sign * seconds
}()
`
)

// ProgramWithClock builds one of the module's programs as Program does, with a clock that Ahead sets, into dir, and returns its path.
func ProgramWithClock(dir, name, pkg string) (string, error) {
	root, err := exec.Command("go", "env", "GOROOT").Output()
	if err != nil {
		return "", err
	}
	std := filepath.Join(strings.TrimSpace(string(root)), "src/time")
	text, err := os.ReadFile(filepath.Join(std, "time.go")) //nolint:gosec // Go's own
	if err != nil {
		return "", err
	}
	if bytes.Count(text, []byte(nowReads)) != 1 {
		return "", fmt.Errorf("time.Now of this Go does not read the clock by %q: adapt internal/lab/clock.go", nowReads)
	}
	text = bytes.Replace(text, []byte(nowReads), []byte(aheadReads), 1)
	replaced, added, list := filepath.Join(dir, "time.go"), filepath.Join(dir, "ahead.go"), filepath.Join(dir, "overlay.json")
	overlay, err := json.Marshal(map[string]map[string]string{"Replace": {filepath.Join(std, "time.go"): replaced, filepath.Join(std, "ahead.go"): added}})
	err = errors.Join(err, os.WriteFile(replaced, text, 0o600), os.WriteFile(added, []byte(aheadFile), 0o600), os.WriteFile(list, overlay, 0o600)) //nolint:gosec // in the test's own directory
	if err != nil {
		return "", err
	}
	path := filepath.Join(dir, name)
	cmd := exec.Command("go", "build", "-trimpath", "-overlay", list, "-o", path, pkg) //nolint:gosec // one of ours
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("%s: %w: %s", cmd, err, out)
	}
	return path, nil
}
