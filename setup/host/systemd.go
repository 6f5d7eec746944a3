package host

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	systemd "github.com/coreos/go-systemd/v22/dbus"
	"github.com/godbus/dbus/v5"

	"brickyard/setup/change"
)

// DBus talks to the systemd that manages this machine over its private socket,
// so that it works on machines without a message bus.
type DBus struct{}

// Running reports whether systemd is this machine's service manager, the way
// sd_booted(3) does.
func (DBus) Running() bool {
	st, err := os.Lstat("/run/systemd/system")
	return err == nil && st.IsDir()
}

func (DBus) with(ctx context.Context, what string, f func(*systemd.Conn) error) error {
	conn, err := systemd.NewSystemdConnectionContext(ctx)
	if err != nil {
		return fmt.Errorf("%s: connect to systemd: %w", what, err)
	}
	defer conn.Close()
	if err := f(conn); err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	return nil
}

// Stopping reports whether the machine is being shut down or rebooted.
func (d DBus) Stopping(ctx context.Context) (stopping bool, err error) {
	err = d.with(ctx, "ask for the state of the machine", func(c *systemd.Conn) error {
		p, err := c.SystemStateContext(ctx)
		if err != nil {
			return err
		}
		state, _ := p.Value.Value().(string)
		stopping = state == "stopping"
		return nil
	})
	return stopping, err
}

// Reload is systemctl daemon-reload.
func (d DBus) Reload(ctx context.Context) error {
	return change.Command(ctx, "systemctl daemon-reload", func() error {
		return d.with(ctx, "reload systemd", func(c *systemd.Conn) error { return c.ReloadContext(ctx) })
	})
}

// State reads ActiveState and UnitFileState.
func (d DBus) State(ctx context.Context, unit string) (active, enabled string, err error) {
	err = d.with(ctx, "look at "+unit, func(c *systemd.Conn) error {
		props, err := c.GetUnitPropertiesContext(ctx, unit)
		if err != nil {
			return err
		}
		if load, _ := props["LoadState"].(string); load == "not-found" {
			return nil
		}
		active, _ = props["ActiveState"].(string)
		enabled, _ = props["UnitFileState"].(string)
		return nil
	})
	return active, enabled, err
}

// Enable is systemctl enable --no-reload.
func (d DBus) Enable(ctx context.Context, unit string) error {
	return change.Command(ctx, "systemctl enable --no-reload "+unit, func() error {
		return d.with(ctx, "enable "+unit, func(c *systemd.Conn) error {
			_, _, err := c.EnableUnitFilesContext(ctx, []string{unit}, false, false)
			return err
		})
	})
}

// Start is systemctl start; it waits for the job to end.
func (d DBus) Start(ctx context.Context, unit string) error {
	return d.job(ctx, "start", unit, (*systemd.Conn).StartUnitContext)
}

// Restart is systemctl restart; it waits for the job to end.
func (d DBus) Restart(ctx context.Context, unit string) error {
	return d.job(ctx, "restart", unit, (*systemd.Conn).RestartUnitContext)
}

// Stop is systemctl stop and reset-failed.
func (d DBus) Stop(ctx context.Context, unit string) error {
	if err := d.job(ctx, "stop", unit, (*systemd.Conn).StopUnitContext); err != nil {
		return err
	}
	return d.with(ctx, "reset "+unit, func(c *systemd.Conn) error {
		err := c.ResetFailedUnitContext(ctx, unit)
		var e dbus.Error
		if errors.As(err, &e) && strings.HasSuffix(e.Name, "NoSuchUnit") {
			return nil // systemd has forgotten it by itself
		}
		return err
	})
}

// Disable is systemctl disable.
func (d DBus) Disable(ctx context.Context, unit string) error {
	return change.Command(ctx, "systemctl disable "+unit, func() error {
		return d.with(ctx, "disable "+unit, func(c *systemd.Conn) error {
			if _, err := c.DisableUnitFilesContext(ctx, []string{unit}, false); err != nil {
				return err
			}
			return c.ReloadContext(ctx)
		})
	})
}

// Since reads ActiveEnterTimestamp: microseconds since the epoch.
func (d DBus) Since(ctx context.Context, unit string) (t time.Time, err error) {
	err = d.with(ctx, "look at "+unit, func(c *systemd.Conn) error {
		p, err := c.GetUnitPropertyContext(ctx, unit, "ActiveEnterTimestamp")
		if err != nil {
			return err
		}
		if usec, ok := p.Value.Value().(uint64); ok {
			t = time.UnixMicro(int64(usec)) //nolint:gosec // until the year 294000
		}
		return nil
	})
	return t, err
}

type enqueue func(*systemd.Conn, context.Context, string, string, chan<- string) (int, error)

func (d DBus) job(ctx context.Context, verb, unit string, do enqueue) error {
	return change.Lent(ctx, "systemctl "+verb+" "+unit, func() error { return d.runJob(ctx, verb, unit, do) })
}

func (d DBus) runJob(ctx context.Context, verb, unit string, do enqueue) error {
	return d.with(ctx, verb+" "+unit, func(c *systemd.Conn) error {
		result := make(chan string, 1)
		if _, err := do(c, ctx, unit, "replace", result); err != nil {
			var e dbus.Error
			if errors.As(err, &e) && strings.HasSuffix(e.Name, "UnitMasked") {
				return fmt.Errorf("somebody masked it: run \"systemctl unmask %s\" if that is no longer wanted", unit)
			}
			return err
		}
		select {
		case r := <-result:
			switch r {
			case "done":
			case "dependency":
				return errors.New(`a unit that it needs has failed: "systemctl --failed" names it, and "journalctl -u" with that name says why; mend that and run apply again`)
			default:
				return fmt.Errorf("the job ended with %q: see \"journalctl -u %s\", mend what it says, then \"systemctl reset-failed %s\" and run apply again", r, unit, unit)
			}
			return nil
		case <-ctx.Done():
			return fmt.Errorf("it is still under way (see systemctl list-jobs and journalctl -u %s): %w", unit, context.Cause(ctx))
		}
	})
}

// Starts reports whether systemd is starting a unit at this moment.
func Starts(ctx context.Context, unit string) bool {
	manager := DBus{}
	if !manager.Running() {
		return false
	}
	active, _, err := manager.State(ctx, unit)
	return err == nil && active == "activating"
}
