package gluster

import (
	"context"
	"fmt"
	"net"
	"time"

	"github.com/prometheus/procfs"
)

// ticks is the unit of times in /proc/PID/stat, proc_pid_stat(5): hundredths of a second on every architecture of Linux.
const ticks = time.Second / 100

// StartedAfterBoot is when the process that serves a unix socket started, by the machine's own count since its boot
// (CLOCK_BOOTTIME): no wall clock is in it. It asks the kernel who listens (SO_PEERCRED, unix(7)); proc is where /proc is
// mounted. It fails when nobody serves the socket, or another user than root does.
func StartedAfterBoot(ctx context.Context, proc, socket string) (time.Duration, error) {
	conn, err := (&net.Dialer{}).DialContext(ctx, "unix", socket)
	if err != nil {
		return 0, err
	}
	defer conn.Close() //nolint:errcheck // nothing was sent
	pid, err := provePeer(conn)
	if err != nil {
		return 0, fmt.Errorf("%s: who serves it: %w", socket, err)
	}
	fs, err := procfs.NewFS(proc)
	if err != nil {
		return 0, err
	}
	process, err := fs.Proc(pid)
	if err != nil {
		return 0, fmt.Errorf("%s: its process: %w", socket, err)
	}
	stat, err := process.Stat()
	if err != nil {
		return 0, fmt.Errorf("%s: its process %d: %w", socket, pid, err)
	}
	return time.Duration(stat.Starttime) * ticks, nil //nolint:gosec // ages of the universe
}
