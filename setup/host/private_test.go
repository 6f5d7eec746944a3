package host

import (
	"os"
	"testing"

	"brickyard/internal/mountns"
)

func TestMain(m *testing.M) { os.Exit(mountns.Main(m)) }
