package gluster

import (
	"net"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

func TestWhenTheServerOfASocketStarted(t *testing.T) {
	socket := filepath.Join(t.TempDir(), "socket")
	if _, err := StartedAfterBoot(t.Context(), "/proc", socket); err == nil {
		t.Error("a socket that nobody serves has a process")
	}
	l, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close() //nolint:errcheck // the test is over
	at, err := StartedAfterBoot(t.Context(), "/proc", socket)
	if err != nil {
		t.Fatal(err)
	}
	var now unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_BOOTTIME, &now); err != nil {
		t.Fatal(err)
	}
	if up := time.Duration(now.Nano()); at <= 0 || at > up {
		t.Errorf("this process started %s after the boot, and now it is %s after it", at, up)
	}
}
