package guard

import (
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/moby/sys/mountinfo"

	"brickyard/setup/desired"
	"brickyard/setup/host"
	"brickyard/setup/powerloss"
	"brickyard/setup/recovery"
)

// Bricks are the bricks of this node that outlive a reboot, with the places where word of them is left.
type Bricks struct {
	guard   *powerloss.Guard
	state   *desired.State
	mounted func(path string) (bool, error)
	mount   func(desired.BrickMount) (tried bool, err error) // mounts a disk that may be there by now
	absent  string                                           // directory of notes that go with the boot
	journal string
	log     *slog.Logger
}

// BricksOf returns the bricks of a node of the real machine.
func BricksOf(s *desired.State, log *slog.Logger) *Bricks {
	return &Bricks{
		guard: &powerloss.Guard{Proc: proc, Now: time.Now}, state: s, mounted: mountinfo.Mounted, mount: mountLate,
		absent: filepath.Join(host.RunDir, "absent"), journal: host.RecoveryRecord, log: log,
	}
}

// Start looks at every brick before glusterd starts, and notes those that are not there yet.
func (b *Bricks) Start() error {
	return errors.Join(b.look(Lasting(b.state)), b.noteAbsent())
}

// look looks at bricks whose processes have not been started since the machine
// was, and leaves word of those that lost power.
func (b *Bricks) look(bricks []powerloss.Brick) error {
	var found []powerloss.Unclean
	var errs []error
	for _, brick := range bricks {
		u, unclean, err := b.guard.Start(brick)
		if err != nil {
			errs = append(errs, err)
		}
		if !unclean {
			continue
		}
		found = append(found, u)
		b.log.Warn("this node was not stopped cleanly", "volume", u.Volume, "brick", u.Brick, "withheld", u.Withheld,
			"taken_out", len(u.TakenOut), "undecided", u.Undecided, "aside", u.Aside)
		if u.Doubt != "" {
			b.log.Warn("not everything could be found out about a brick",
				"volume", u.Volume, "brick", u.Brick, "doubt", u.Doubt)
		}
	}
	if len(found) > 0 {
		j, err := recovery.ReadJournal(b.journal)
		if err != nil {
			b.log.Warn("the record of former recoveries is lost", "error", err)
		}
		j.Unclean = append(j.Unclean, found...)
		if err := j.Write(b.journal); err != nil { // the bricks are withheld, which is what counts
			b.log.Warn("word of it cannot be left: status and the exporter know less", "error", err)
		}
	}
	return errors.Join(errs...)
}

// noteAbsent notes the bricks whose file systems are not mounted, on disks that
// are slow to appear: nobody has looked at them yet.
func (b *Bricks) noteAbsent() error {
	var errs []error
	for _, m := range b.state.BrickMounts {
		if m.Fstype == "tmpfs" {
			continue
		}
		there, err := b.mounted(m.Path)
		if errors.Is(err, fs.ErrNotExist) {
			there, err = false, nil
		}
		if err == nil && !there {
			err = os.MkdirAll(b.absent, 0o755) //nolint:gosec // systemd asks for it, and it holds no secret
			if err == nil {
				err = os.WriteFile(filepath.Join(b.absent, m.Unit), nil, 0o644) //nolint:gosec // systemd asks for it, and it holds no secret
			}
		}
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

// Lasting are the bricks of this node that outlive a reboot.
func Lasting(s *desired.State) []powerloss.Brick {
	var out []powerloss.Brick
	for _, b := range s.LastingBricks() {
		out = append(out, powerloss.Brick{Volume: b.Volume, Path: b.BrickPath})
	}
	return out
}
