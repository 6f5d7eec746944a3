package gluster_test

import (
	"os"
	"testing"

	"brickyard/internal/lab"
)

func TestMain(m *testing.M) {
	os.Exit(lab.Main(m, nil))
}
