package probe

import (
	"context"
	"os"
	"os/signal"
	"syscall"
	"testing"

	"brickyard/internal/mountns"
)

// TestMain makes this program the child, as the exporter's main function does, and gives the tests mounts of their own.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == ChildArgument {
		ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
		code := ChildMain(ctx, os.Stdin, os.Stdout)
		stop()
		os.Exit(code)
	}
	os.Exit(mountns.Main(m))
}
