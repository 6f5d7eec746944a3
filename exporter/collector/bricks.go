package collector

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"

	"brickyard/exporter/node"
	"brickyard/gluster"
)

// brickLabels name a brick as GlusterFS prints it: host:path.
var brickLabels = []string{"volume", "brick"} //nolint:gochecknoglobals // a constant list

type brickMetrics struct {
	info, up, clients, oldest                           *Metric
	size, free, available, reserved, inodes, inodesFree *Metric
	readOnly, onRoot, identity, stuck                   *Metric
}

func bricks() Collector {
	g := func(name, help string) *Metric { return gauge(name, help, brickLabels...) }
	m := brickMetrics{
		info:       gauge("brick_info", "What the brick is: its subvolume, as log files name it, its role (data or arbiter), and the version of GlusterFS that its process runs. Always 1.", "volume", "brick", "subvolume", "role", "version"),
		up:         g("brick_up", "Whether the brick's process answers for this brick, be anybody connected to it or not. 0 also for a brick that is configured and has no process."),
		clients:    g("brick_clients", "Processes that are connected to the brick, among them mounts and every node's self-heal daemon."),
		oldest:     g("brick_clients_op_version_min", "The lowest level of features that a connected client knows; absent without clients."),
		size:       g("brick_size_bytes", "Size of the file system below the brick. Absent for an arbiter, which holds no contents."),
		free:       g("brick_free_bytes", "Free bytes of the file system below the brick. Absent for an arbiter."),
		available:  g("brick_available_bytes", "Bytes that can still be written before the file system below the brick is full. Absent for an arbiter."),
		reserved:   g("brick_reserved_ratio", "Part of the file system at which GlusterFS refuses to write: storage.reserve, 0.01 unless set. Absent for an arbiter and where it is set in bytes."),
		inodes:     g("brick_inodes", "Inodes of the file system below the brick; 0 where it has no fixed number."),
		inodesFree: g("brick_inodes_free", "Free inodes of the file system below the brick."),
		readOnly:   g("brick_read_only", "Whether the file system below the brick is mounted read-only."),
		onRoot:     g("brick_on_root_filesystem", "Whether the brick lies on the root file system: its own is not mounted, or it has none."),
		identity:   g("brick_volume_id_matches", "Whether the brick's directory says that it belongs to the volume (trusted.glusterfs.volume-id). 0 for an emptied or foreign one, which does not start."),
		stuck:      g("brick_filesystem_stuck_seconds", "How long the file system below the brick has not answered a question; 0 where it answers."),
	}
	return Collector{
		Name: "bricks", Help: "the bricks of this node and the file systems below them", Cost: "one call of each brick's process, two where nobody is connected to it, four system calls on its file system",
		Metrics: []*Metric{
			m.info, m.up, m.clients, m.oldest, m.size, m.free, m.available, m.reserved, m.inodes, m.inodesFree,
			m.readOnly, m.onRoot, m.identity, m.stuck,
		},
		collect: m.collect,
	}
}

func (m *brickMetrics) collect(ctx context.Context, s *node.Scrape, to sink) error {
	all, err := s.Bricks()
	return errors.Join(err, eachBrick(all, func(b node.Brick) error {
		return errors.Join(m.process(ctx, s, b, to), m.disk(ctx, s, b, to))
	}))
}

// parallel is how many bricks are asked at once.
const parallel = 8

// eachBrick asks several bricks at once and says which gave an error.
func eachBrick(all []node.Brick, ask func(node.Brick) error) error {
	var wg sync.WaitGroup
	errs, turns := make([]error, len(all)), make(chan struct{}, parallel)
	for i, b := range all {
		turns <- struct{}{}
		wg.Go(func() {
			defer func() { <-turns }()
			if err := ask(b); err != nil {
				errs[i] = fmt.Errorf("brick %s of volume %s: %w", b.Name(), b.Volume.Name, err)
			}
		})
	}
	wg.Wait()
	return errors.Join(errs...)
}

// process asks the brick's process who is connected.
func (m *brickMetrics) process(ctx context.Context, s *node.Scrape, b node.Brick, to sink) error {
	role, version := "data", ""
	if b.Arbiter {
		role = "arbiter"
	}
	var clients []gluster.BrickPeer
	err := error(&gluster.Error{Kind: gluster.ErrBrickOffline})
	if b.Process != nil {
		version = s.Version(b.Process.PID)
		clients, err = clientsOf(ctx, s.Client(b.Process.Socket), b.Path)
	}
	v := b.Volume.Name
	to.set(m.info, 1, v, b.Name(), subvolume(b.Volume.Volume, b.Set), role, version)
	to.is(m.up, err == nil, v, b.Name())
	to.set(m.clients, float64(len(clients)), v, b.Name())
	oldest := 0
	for _, c := range clients {
		if oldest == 0 || c.OpVersion < oldest {
			oldest = c.OpVersion
		}
	}
	if oldest > 0 {
		to.set(m.oldest, float64(oldest), v, b.Name())
	}
	if errors.Is(err, gluster.ErrBrickOffline) || errors.Is(err, gluster.ErrNotRunning) || errors.Is(err, gluster.ErrRefused) {
		return nil // down is what was to be found out
	}
	return err
}

// clientsOf asks a brick that may serve who is connected; an answer shows that it does. A brick to which nobody is connected refuses
// (server_priv_to_dict, xlators/protocol/server/src/server.c, 10.3), as one does that the process does not serve: what it counted tells them apart.
func clientsOf(ctx context.Context, c *gluster.BrickClient, path string) ([]gluster.BrickPeer, error) {
	clients, err := c.Clients(ctx, path)
	if errors.Is(err, gluster.ErrRefused) {
		_, err = c.Profile(ctx, path)
	}
	return clients, err
}

func (m *brickMetrics) disk(ctx context.Context, s *node.Scrape, b node.Brick, to sink) error {
	v, name := b.Volume.Name, b.Name()
	d, err := s.Disk(ctx, b)
	to.set(m.stuck, s.StuckFor(b.Path).Seconds(), v, name)
	if err != nil {
		to.set(m.identity, 0, v, name)
		return err
	}
	to.is(m.identity, strings.EqualFold(d.VolumeID, b.Volume.ID), v, name)
	to.is(m.readOnly, d.ReadOnly, v, name)
	to.is(m.onRoot, d.OnRoot, v, name)
	to.set(m.inodes, float64(d.Inodes), v, name)
	to.set(m.inodesFree, float64(d.FreeInodes), v, name)
	if b.Arbiter {
		return nil
	}
	to.set(m.size, float64(d.Size), v, name)
	to.set(m.free, float64(d.Free), v, name)
	to.set(m.available, float64(d.Available), v, name)
	if r, ok := reserve(b.Volume.Options["storage.reserve"]); ok {
		to.set(m.reserved, r, v, name)
	}
	return nil
}

// reserve reads storage.reserve, a percentage (posix_options, xlators/storage/posix/src/posix-common.c, 10.3), or bytes.
func reserve(option string) (ratio float64, ok bool) {
	if option == "" {
		return 0.01, true
	}
	percent, err := strconv.ParseFloat(strings.TrimSuffix(option, "%"), 64)
	return percent / 100, err == nil && percent <= 100
}

// subvolume is the translator of a replica set, as log files and heal info name it.
func subvolume(v gluster.Volume, set int) string {
	kind := "client"
	switch {
	case v.Disperse > 0:
		kind = "disperse"
	case v.Replica > 1:
		kind = "replicate"
	}
	return fmt.Sprintf("%s-%s-%d", v.Name, kind, set)
}
