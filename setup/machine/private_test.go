package machine

import (
	"os"
	"testing"

	"brickyard/internal/mountns"
)

func TestMain(m *testing.M) { os.Exit(mountns.Main(m)) }

// dir is a tmpfs of the test's own.
func dir(t *testing.T) string {
	t.Helper()
	d := t.TempDir()
	mountns.Mount(t, "tmpfs", d, "tmpfs", 0, "size=64m")
	return d
}
