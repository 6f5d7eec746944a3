package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/moby/sys/mountinfo"
	"golang.org/x/sys/unix"

	"brickyard/gluster"
	"brickyard/setup/actual"
	"brickyard/setup/check"
	"brickyard/setup/desired"
	"brickyard/setup/host"
	"brickyard/setup/machine"
	"brickyard/setup/powerloss"
	"brickyard/setup/recovery"
	"brickyard/setup/resync"
	"brickyard/setup/store"
	"brickyard/setup/writer"
)

// GuardCmd looks at this node's bricks, at glusterd's store and at the names in
// /etc/hosts before glusterd starts, and at the bricks after it has stopped; the
// units that apply installs call it.
type GuardCmd struct {
	fileFlags
	Stopped   bool              `xor:"part" help:"glusterd has stopped: leave the marker of a clean stop beside each brick."`
	Store     bool              `xor:"part" help:"Look at glusterd's store only: move volumes aside that glusterd could not read. Needs no cluster file."`
	Hosts     bool              `xor:"part" help:"Put the nodes' lines back into /etc/hosts where something has taken them out, and look at nothing else."`
	Disk      map[string]string `placeholder:"VOLUME=PATH" help:"Look at the brick of VOLUME on the disk mounted at PATH. Needs no cluster file, so that no mistake in it keeps a brick that lost power from being seen."`
	Directory map[string]string `placeholder:"VOLUME=PATH" help:"The same of a brick in the directory PATH."`
}

// node is what the flags or the cluster file say of this node's lasting bricks.
func (c *GuardCmd) node() (*desired.State, error) {
	if len(c.Disk)+len(c.Directory) > 0 {
		return desired.Lasting(c.Disk, c.Directory), nil
	}
	cl, err := c.load()
	if err != nil {
		return nil, err
	}
	return c.self(cl)
}

// guardWait is how long glusterd's start waits for a program that changes this node. Its units call guard up to three times.
const guardWait = 5 * time.Second

// Run withholds bricks that may have lost something, and leaves word of it.
func (c *GuardCmd) Run(ctx context.Context, streams IO) error {
	log := journalLogger(streams.Err)
	var s *desired.State
	if !c.Store {
		var err error
		if s, err = c.node(); err != nil {
			return err
		}
	}
	if err := root("guard"); err != nil {
		return err
	}
	does := writer.New(host.RunDir, "guard").GuardExecutor(log, guardWait)
	return does.Turn(ctx, nil, func() error { return c.look(does.Logging(ctx), s, log) })
}

// look does the part that the flags name.
func (c *GuardCmd) look(ctx context.Context, s *desired.State, log *slog.Logger) error {
	g := &powerloss.Guard{Proc: "/proc", Now: time.Now}
	switch {
	case c.Store && !storeInSight(log):
		return nil
	case c.Store:
		return readableStore(gluster.DefaultWorkdir, g.Proc, g.Now(), log)
	case c.Hosts:
		return restoreHosts(s, log)
	case c.Stopped:
		return stopped(ctx, g, s)
	}
	w := newWatch(g, s, log)
	err := errors.Join(w.look(lastingBricks(s)), w.noteAbsent())
	if storeInSight(log) {
		err = errors.Join(err, readableStore(gluster.DefaultWorkdir, g.Proc, g.Now(), log))
	}
	return err
}

// readableStore moves volumes aside that keep glusterd from starting: it gets
// them from its peers. dir is glusterd's working directory.
func readableStore(dir, proc string, now time.Time, log *slog.Logger) error {
	node, err := store.Look(dir, proc)
	if err != nil {
		return fmt.Errorf("look at glusterd's store: %w", err)
	}
	if node.Running {
		log.Warn("a volume in glusterd's store cannot be read, but a glusterd runs: it is left alone", "directory", filepath.Join(dir, "vols"))
	}
	var errs []error
	for _, v := range store.Decide(node) {
		path := filepath.Join(dir, "vols", v.Volume)
		if v.Stays != "" {
			log.Error("glusterd cannot read a volume and will not start: write the file that is missing or empty after the model of the others beside it, or take the directory from a backup",
				"volume", v.Volume, "directory", path, "damage", v.Damage, "not_moved_aside", v.Stays)
			continue
		}
		aside, err := store.MoveAside(dir, v.Volume, now)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		log.Warn("glusterd could not have read a volume, and would not have started: it is moved aside, and glusterd gets it from its peers", "volume", v.Volume, "damage", v.Damage, "aside", aside)
	}
	return errors.Join(errs...)
}

// watch is the guard with the places where it leaves word.
type watch struct {
	guard   *powerloss.Guard
	state   *desired.State
	mounted func(path string) (bool, error)
	mount   func(desired.BrickMount) (tried bool, err error) // of a disk that may be there by now
	absent  string                                           // directory of notes that go with the boot
	journal string
	log     *slog.Logger
}

func newWatch(g *powerloss.Guard, s *desired.State, log *slog.Logger) *watch {
	return &watch{guard: g, state: s, mounted: mountinfo.Mounted, mount: mountLate, absent: filepath.Join(host.RunDir, "absent"), journal: journalPath(), log: log}
}

// look looks at bricks whose processes have not been started since the machine
// was, and leaves word of those that lost power.
func (w *watch) look(bricks []powerloss.Brick) error {
	var found []powerloss.Unclean
	var errs []error
	for _, b := range bricks {
		u, unclean, err := w.guard.Start(b)
		if err != nil {
			errs = append(errs, err)
		}
		if !unclean {
			continue
		}
		found = append(found, u)
		w.log.Warn("this node was not stopped cleanly", "volume", u.Volume, "brick", u.Brick, "withheld", u.Withheld, "taken_out", len(u.TakenOut), "undecided", u.Undecided, "aside", u.Aside)
		if u.Doubt != "" {
			w.log.Warn("not everything could be found out about a brick", "volume", u.Volume, "brick", u.Brick, "doubt", u.Doubt)
		}
	}
	if len(found) > 0 {
		j, err := recovery.ReadJournal(w.journal)
		if err != nil {
			w.log.Warn("the record of former recoveries is lost", "error", err)
		}
		j.Unclean = append(j.Unclean, found...)
		if err := j.Write(w.journal); err != nil { // the bricks are withheld, which is what counts
			w.log.Warn("word of it cannot be left: status and the exporter know less", "error", err)
		}
	}
	return errors.Join(errs...)
}

// noteAbsent notes the bricks whose file systems are not mounted, on disks that
// are slow to appear: nobody has looked at them yet.
func (w *watch) noteAbsent() error {
	var errs []error
	for _, m := range w.state.BrickMounts {
		if m.Fstype == "tmpfs" {
			continue
		}
		there, err := w.mounted(m.Path)
		if errors.Is(err, fs.ErrNotExist) {
			there, err = false, nil
		}
		if err == nil && !there {
			err = os.MkdirAll(w.absent, 0o755) //nolint:gosec // systemd asks for it, and it holds no secret
			if err == nil {
				err = os.WriteFile(filepath.Join(w.absent, m.Unit), nil, 0o644) //nolint:gosec // systemd asks for it, and it holds no secret
			}
		}
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

// late does for disks that appeared late what the guard did for all others. It
// comes before anything that starts their bricks.
func (w *watch) late() error {
	for _, m := range w.state.BrickMounts {
		note := filepath.Join(w.absent, m.Unit)
		if _, err := os.Stat(note); err != nil {
			continue // it was looked at
		}
		there, err := w.mounted(m.Path)
		if (err == nil || errors.Is(err, fs.ErrNotExist)) && !there {
			switch tried, err := w.mount(m); {
			case err != nil:
				w.log.Error("a disk that was not there at boot is there now, and cannot be mounted", "volume", m.Volume, "mount", m.Path, "error", err)
			case tried:
				w.log.Warn("a disk that was not there at boot is there now: it is mounted", "volume", m.Volume, "mount", m.Path)
			}
			there, err = w.mounted(m.Path)
		}
		if err != nil || !there {
			continue
		}
		if err := w.look([]powerloss.Brick{{Volume: m.Volume, Path: m.BrickPath}}); err != nil {
			return fmt.Errorf("look at a brick whose disk appeared late: %w", err)
		}
		if err := os.Remove(note); err != nil {
			return err
		}
	}
	return nil
}

// mountLate has systemd mount a disk for which it waited in vain at boot, once
// it is there: nothing else would. It does not wait for that, and leaves alone
// what a person or a program like fsck has opened for itself, and a mount that
// failed.
func mountLate(m desired.BrickMount) (tried bool, err error) {
	device := m.Spec
	for prefix, dir := range map[string]string{"UUID=": "/dev/disk/by-uuid/", "LABEL=": "/dev/disk/by-label/"} {
		if name, ok := strings.CutPrefix(m.Spec, prefix); ok {
			device = dir + name
		}
	}
	manager := host.DBus{}
	if _, err := os.Stat(device); err != nil || !manager.Running() {
		return false, nil //nolint:nilerr // not there yet
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if active, _, err := manager.State(ctx, m.Unit); err != nil || active != "inactive" {
		return false, err
	}
	f, err := os.OpenFile(device, os.O_RDONLY|unix.O_EXCL, 0) //nolint:gosec // the device that the cluster file names
	if err != nil {
		return false, nil //nolint:nilerr // in use
	}
	if err := f.Close(); err != nil {
		return false, err
	}
	_, err = machine.Run(ctx, nil, "systemctl", "start", "--no-block", m.Unit)
	return true, err
}

// stopped leaves the markers. Where the unit of glusterd leaves brick processes
// behind and the machine is going down, they are ended first: systemd would do
// so later, and then nobody could say any more that the stop was clean.
func stopped(ctx context.Context, g *powerloss.Guard, s *desired.State) error {
	var errs []error
	down := false
	if manager := (host.DBus{}); manager.Running() {
		var err error
		if down, err = manager.Stopping(ctx); err != nil {
			errs = append(errs, err) // whether bricks have ended can be seen all the same
		}
	}
	for _, b := range lastingBricks(s) {
		if down {
			errs = append(errs, end(ctx, g, b.Path))
		}
		errs = append(errs, g.Stop(b))
	}
	return errors.Join(errs...)
}

// end ends the processes of a brick, gently.
func end(ctx context.Context, g *powerloss.Guard, brick string) error {
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

// lastingBricks are the bricks of this node that outlive a reboot.
func lastingBricks(s *desired.State) []powerloss.Brick {
	var out []powerloss.Brick
	for _, b := range s.LastingBricks() {
		out = append(out, powerloss.Brick{Volume: b.Volume, Path: b.BrickPath})
	}
	return out
}

// keep flushes this node's bricks, so that little has to be read after a power
// cut, and removes what was taken out of them, and of glusterd's store, long ago.
func keep(s *desired.State, log *slog.Logger) {
	for _, b := range lastingBricks(s) {
		if err := powerloss.Flush(b.Path, time.Now()); err != nil {
			log.Warn("a brick cannot be flushed to its disk", "volume", b.Volume, "brick", b.Path, "error", err)
		}
		removed, err := powerloss.Prune(b.Path, time.Now(), powerloss.Synchronized())
		for _, dir := range removed {
			log.Info("what was taken out of a brick a month ago is removed", "volume", b.Volume, "directory", dir)
		}
		if err != nil {
			log.Warn("what was taken out of a brick long ago cannot be removed", "volume", b.Volume, "brick", b.Path, "error", err)
		}
	}
	removed, err := store.Prune(gluster.DefaultWorkdir, time.Now(), powerloss.Synchronized())
	for _, dir := range removed {
		log.Info("what was taken out of glusterd's store a month ago is removed", "directory", dir)
	}
	if err != nil {
		log.Warn("what was taken out of glusterd's store long ago cannot be removed", "error", err)
	}
}

// comparer compares a suspect brick of this node with those that serve.
func comparer(s *desired.State) func(context.Context, actual.Local, []int, func(int64)) (resync.Result, error) {
	return func(ctx context.Context, l actual.Local, sources []int, progress func(int64)) (resync.Result, error) {
		sets, err := setsOf(s, l.Set.Volume)
		if err != nil {
			return resync.Result{}, err
		}
		if l.Set.Index >= len(sets) || len(sets[l.Set.Index].Bricks) != len(l.Set.Bricks) {
			return resync.Result{}, fmt.Errorf("volume %s has other replica sets than the cluster file says", l.Set.Volume)
		}
		brick := l.Brick().Path
		flushed, err := powerloss.Flushed(brick, time.Now())
		if err != nil {
			return resync.Result{}, err
		}
		dir, _, err := powerloss.Withheld(brick)
		if err != nil || dir == "" {
			return resync.Result{}, errors.Join(fmt.Errorf("brick %s is not withheld any more", brick), err)
		}
		job := resync.Job{
			Set: sets[l.Set.Index], Own: l.Own, Sources: sources, Brick: dir,
			Unproven: slices.ContainsFunc(sources, func(i int) bool { return l.Set.Bricks[i].Published == actual.Unproven }),
			Flushed:  flushed, Dir: filepath.Join(host.RunDir, "resync", l.Set.Volume+"-"+fmt.Sprint(l.Brick().Number)), Now: time.Now, Progress: progress,
		}
		return job.Run(ctx)
	}
}

// setsOf reads the replica sets of a volume as its clients know them.
func setsOf(s *desired.State, volume string) ([]check.Set, error) {
	path := fmt.Sprintf("/var/lib/glusterd/vols/%s/trusted-%s.tcp-fuse.vol", volume, volume)
	text, err := os.ReadFile(path) //nolint:gosec // glusterd's own directory
	if err != nil {
		return nil, fmt.Errorf("volume %s is not known to this node's glusterd: %w: run \"gluster-setup apply\" first", volume, err)
	}
	sets, err := check.Sets(string(text), s.IPv6)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return sets, nil
}
