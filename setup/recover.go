package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/coreos/go-systemd/v22/daemon"

	"brickyard/gluster"
	"brickyard/setup/actual"
	"brickyard/setup/change"
	"brickyard/setup/cluster"
	"brickyard/setup/desired"
	"brickyard/setup/etchosts"
	"brickyard/setup/guard"
	"brickyard/setup/host"
	"brickyard/setup/machine"
	"brickyard/setup/pool"
	"brickyard/setup/recovery"
	"brickyard/setup/secureaccess"
	"brickyard/setup/stop"
	"brickyard/setup/volfilter"
)

// RecoverCmd brings this node's bricks back.
type RecoverCmd struct {
	fileFlags
	Timeout      time.Duration `help:"Give up waiting after this long. Default: wait as long as it takes."`
	GiveUp       string        `placeholder:"NODE" help:"Say that NODE will not come back with data: nobody waits for its bricks any longer, and it starts empty if it returns."`
	RebuildEmpty string        `placeholder:"VOLUME" help:"Allow VOLUME, which is not ephemeral, to begin anew empty where no complete copy is left."`
}

// Run recovers, after what a person allowed has been told to all nodes.
func (c *RecoverCmd) Run(ctx context.Context, streams IO) error {
	o, done, err := observer(c.fileFlags)
	if err != nil {
		return err
	}
	defer done()
	if err := root("recover"); err != nil {
		return err
	}
	if c.Timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = deadline(ctx, c.Timeout)
		defer cancel()
	}
	if !o.State.Server {
		return nil // no bricks, nothing to recover
	}
	if err := host.UsualPlace(); err != nil {
		return err
	}
	log := journalLogger(streams.Err)
	status := func(words string) {
		if _, err := daemon.SdNotify(false, "STATUS="+words); err != nil {
			log.Warn("cannot tell systemd what is being waited for", "error", err)
		}
	}
	if err := secureaccess.Refuse(); err != nil {
		status(err.Error())
		return err
	}
	does := executor("recover", log)
	run := commands(&does)
	say := sayOnce(log, status)
	if c.GiveUp != "" || c.RebuildEmpty != "" {
		if err := does.Turn(ctx, say, func() error { return c.allowed(ctx, streams, o, run) }); err != nil {
			return err
		}
	}
	unlock, err := lockRecover(ctx, host.RunDir, log, status)
	if err != nil {
		return err
	}
	defer unlock()
	if err := does.Turn(ctx, say, func() error {
		shutOut(does.Logging(ctx), o, log)
		keep(o.State, log)
		letStart(does.Logging(ctx), o.State, log)
		return nil
	}); err != nil {
		return err
	}
	late := guard.BricksOf(o.State, log)
	o.Version = func(volume string) (uint64, error) {
		stamps, err := gluster.Store{Dir: gluster.DefaultWorkdir}.VolumeStamps(volume)
		return stamps.Version, err
	}
	r := &recovery.Runner{
		Compare: comparer(o.State),
		Observe: func(ctx context.Context) ([]actual.Local, error) {
			if err := late.Late(); err != nil {
				return nil, err
			}
			return o.Observe(ctx)
		},
		EndSelfHeal: func(ctx context.Context) error { return recovery.EndSelfHeal(ctx, "/proc") },
		Executor:    &does, Held: say,
		Joining: o.Joining, Run: run, Waiting: gluster.CLI{}.HealInfo, Log: log, Journal: host.RecoveryRecord, Pause: time.Second, Now: time.Now,
		Status: status, Lost: func() string { return etchosts.Lost(o.State) }, Started: o.Started, Reason: recovery.Reason,
	}
	err = r.Recover(ctx)
	if errors.Is(err, recovery.ErrPerson) {
		return change.Refused(err)
	}
	if err != nil {
		return err
	}
	// It is whole. If it was stopped by leave of ok-to-stop it is back now, and
	// others may stop.
	started, err := gluster.StartedAfterBoot(ctx, "/proc", gluster.DefaultSocket)
	if err != nil {
		return fmt.Errorf("find out when glusterd started: %w", err)
	}
	return does.Turn(ctx, say, func() error { return gate(o, &does).Returned(ctx, started) })
}

// shutOut closes brick file systems that a former version mounted open to
// everybody, and that the next apply would close: until then anybody could
// leave something beside a brick. What fails is logged: what others leave there is
// not believed.
func shutOut(ctx context.Context, o *actual.Observer, log *slog.Logger) {
	h, err := host.New(o.State, &desired.Rendered{}, "")
	if err == nil {
		var closed []string
		closed, err = h.ShutOut(ctx)
		for _, path := range closed {
			log.Warn("others could get at what lies beside a brick: its file system is root's alone now; run gluster-setup apply, which makes that last", "mount", path)
		}
	}
	if err != nil {
		log.Error("others may get at what lies beside a brick", "error", err)
	}
}

// letStart does again what apply did so that bricks start on a tmpfs without user
// attributes, where a new version of GlusterFS or another kernel undid it. What
// fails is logged: bricks that start without it are looked after all the same.
func letStart(ctx context.Context, s *desired.State, log *slog.Logger) {
	bricks := s.TmpfsBricks()
	if len(bricks) == 0 {
		return
	}
	n, err := volfilter.Look("/", bricks, volfilter.Keeps)
	if err == nil {
		acts := volfilter.Decide(n, volfilter.Still(n, bricks))
		for _, a := range acts {
			log.Info("bricks on a tmpfs without user attributes need it", "action", a.Action, "path", a.Path)
		}
		err = volfilter.Do(ctx, machine.Run, acts)
	}
	if err != nil {
		log.Error("bricks on tmpfs may not start", "error", err)
	}
}

// glusterdStarted is when this node's glusterd started, by the clock as it is now: what the clock said then may have been a
// year off. It is the zero time where that cannot be found out.
func glusterdStarted() time.Time {
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Second)
	defer cancel()
	began, err := gluster.StartedAfterBoot(ctx, "/proc", gluster.DefaultSocket)
	if err != nil {
		return time.Time{}
	}
	now, err := stop.ThisMoment()
	if err != nil {
		return time.Time{}
	}
	return time.Now().Add(began - now.Up)
}

// allowed leaves word of what a person allowed.
func (c *RecoverCmd) allowed(ctx context.Context, streams IO, o *actual.Observer, run func(context.Context, gluster.Command) error) error {
	var commands []gluster.Command
	if c.GiveUp != "" {
		cmds, err := recovery.GiveUp(ctx, o, c.GiveUp)
		if err != nil {
			return change.Refused(err)
		}
		commands = append(commands, cmds...)
	}
	if c.RebuildEmpty != "" {
		cmds, err := recovery.RebuildEmpty(ctx, o, c.RebuildEmpty)
		if err != nil {
			return change.Refused(err)
		}
		commands = append(commands, cmds...)
	}
	for _, cmd := range commands {
		fmt.Fprintln(streams.Err, cmd) //nolint:errcheck // a log line
		if err := run(ctx, cmd); err != nil {
			return err
		}
	}
	return nil
}

// observer gathers the facts about this node's replica sets.
func observer(f fileFlags) (*actual.Observer, func(), error) {
	cl, err := f.load()
	if err != nil {
		return nil, nil, err
	}
	s, err := f.self(cl)
	if err != nil {
		return nil, nil, err
	}
	return observerOf(cl, s)
}

func observerOf(cl *cluster.Cluster, s *desired.State) (*actual.Observer, func(), error) {
	h, err := host.New(s, &desired.Rendered{}, cl.Source)
	if err != nil {
		return nil, nil, err
	}
	local := gluster.NewClient("unix", "")
	o := &actual.Observer{
		State: s, Cluster: cl, Local: local, Dial: pool.DialTCP, Timeout: 3 * time.Second, Started: glusterdStarted, Now: time.Now,
		Mounted: func(m desired.BrickMount) (string, error) { return h.Mounted(context.Background(), m) },
	}
	return o, func() { local.Close() }, nil //nolint:errcheck,gosec // a connection for reading
}
