package gluster

import (
	"context"
	"time"
)

// SelfHealDaemon reports whether the volume's options let self-heal daemons work on it: cluster.self-heal-daemon,
// which is on where nobody set it.
func (v Volume) SelfHealDaemon() bool {
	switch v.Options["cluster.self-heal-daemon"] {
	case "off", "no", "disable", "false", "0":
		return false
	default:
		return true
	}
}

// LocalPendingHeals asks the self-heal daemons of this node, found in proc, for what waits to be healed in a volume, and
// returns the answer of the first that serves it: see BrickClient.PendingHeals. One question takes up to timeout.
// Where none serves the volume the error is that of the last one asked, and ErrNotRunning where no daemon runs.
func LocalPendingHeals(ctx context.Context, proc, volume string, replicaSets int, timeout time.Duration) ([]PendingHeal, error) {
	processes, err := SelfHealProcesses(proc)
	if err != nil {
		return nil, err
	}
	err = &Error{Op: "pending heals", Object: volume, Kind: ErrNotRunning, Text: "no self-heal daemon runs here"}
	for _, p := range processes {
		var pending []PendingHeal
		if pending, err = pendingOf(ctx, p.Socket, volume, replicaSets, timeout); err == nil {
			return pending, nil
		}
	}
	return nil, err
}

func pendingOf(ctx context.Context, socket, volume string, replicaSets int, timeout time.Duration) ([]PendingHeal, error) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	c := NewBrickClient(socket)
	defer c.Close() //nolint:errcheck // a connection for reading
	return c.PendingHeals(ctx, volume, replicaSets)
}
