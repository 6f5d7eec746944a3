package guard

import (
	"context"
	"errors"
	"fmt"
	"time"

	"golang.org/x/sys/unix"

	"brickyard/setup/host"
	"brickyard/setup/powerloss"
)

// Stopped leaves the markers. Where the unit of glusterd leaves brick processes
// behind and the machine is going down, they are ended first: systemd would do
// so later, and then nobody could say any more that the stop was clean.
func (b *Bricks) Stopped(ctx context.Context) error {
	var errs []error
	down := false
	if manager := (host.DBus{}); manager.Running() {
		var err error
		if down, err = manager.Stopping(ctx); err != nil {
			errs = append(errs, err) // whether bricks have ended can be seen all the same
		}
	}
	for _, brick := range Lasting(b.state) {
		if down {
			errs = append(errs, endProcesses(ctx, b.guard, brick.Path))
		}
		errs = append(errs, b.guard.Stop(brick))
	}
	return errors.Join(errs...)
}

// endProcesses ends the processes of a brick, gently.
func endProcesses(ctx context.Context, g *powerloss.Guard, brick string) error {
	for limit := time.Now().Add(10 * time.Second); ; {
		processes, err := g.Processes(brick)
		if err != nil || len(processes) == 0 {
			return err
		}
		for _, pid := range processes {
			if err := unix.Kill(pid, unix.SIGTERM); err != nil && !errors.Is(err, unix.ESRCH) {
				return fmt.Errorf("end the process of brick %s: %w", brick, err)
			}
		}
		if time.Now().After(limit) {
			return nil // then it was no clean stop
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-time.After(100 * time.Millisecond):
		}
	}
}
