package lab

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// Programs is the environment variable with the directory of the module's programs where they are built already, as hack/build leaves
// them in bin. Without it every package that needs one builds it.
const Programs = "LAB_PROGRAMS"

// Program puts one of the module's programs, by its file name and its package, into dir, and returns its path. It is static, as it is
// delivered: nodes may have an older C library than this machine. A copy, since not everybody may enter the directory that it comes from.
func Program(dir, name, pkg string) (string, error) {
	path := filepath.Join(dir, name)
	cmd := exec.Command("go", "build", "-trimpath", "-o", path, pkg) //nolint:gosec // one of ours
	if built := os.Getenv(Programs); built != "" {
		cmd = exec.Command("cp", filepath.Join(built, name), path) //nolint:gosec // as above
	}
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("%s: %w: %s", cmd, err, out)
	}
	return path, nil
}
