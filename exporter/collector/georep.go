package collector

import (
	"context"
	"errors"
	"fmt"

	"brickyard/exporter/node"
	"brickyard/gluster"
)

type georepMetrics struct {
	info, started, paused, monitor, checkpoint *Metric
	worker, up, active, synced, changed        *Metric
	entry, data, meta, failures                *Metric
	reached, completed                         *Metric
}

func georep() Collector {
	session := []string{"volume", "secondary"}
	of := []string{"volume", "brick", "secondary"}
	m := georepMetrics{
		info:       gauge("georep_session_info", "A geo-replication session of a volume with a brick here. secondary is host::volume, user is whom gsyncd logs in as, status is what gsyncd noted last on this node: Created, Started, Paused or Stopped. Always 1.", "volume", "secondary", "user", "secondary_volume_id", "status"),
		started:    gauge("georep_session_started", "Whether the session should copy from this node: it was started, and neither stopped nor paused since. 1 also where gsyncd's monitor ended before it noted its start, which GlusterFS shows as Created or Stopped.", session...),
		paused:     gauge("georep_session_paused", "Whether somebody paused the session.", session...),
		monitor:    gauge("georep_monitor_up", "Whether gsyncd's monitor of the session runs on this node: it holds the lock on its file in /run/gluster. Without it nobody starts workers again.", session...),
		checkpoint: gauge("georep_checkpoint_timestamp_seconds", "The checkpoint of the session, in seconds since 1970: what was changed before that is waited for. Absent where none is set.", session...),
		worker:     gauge("georep_worker_info", "What gluster volume geo-replication status says of the brick's worker, from gsyncd's files: status (Active, Passive, Faulty, Initializing..., N/A or inconsistent; Created, Paused or Stopped without a worker) and crawl. Always 1.", "volume", "brick", "secondary", "subvolume", "status", "crawl"),
		up:         gauge("georep_worker_up", "Whether the brick's worker serves the session: its monitor runs, the session is not paused, and the worker is Active or Passive. A worker that cannot reach the secondary changes between Faulty and Initializing... every ten seconds or so, and is 0 in both.", of...),
		active:     gauge("georep_worker_active", "Whether the brick's worker is up and is the one that copies (Active). Each replica set needs one; others are Passive.", of...),
		synced:     gauge("georep_last_synced_timestamp_seconds", "The time up to which all changes of the brick are on the secondary, in seconds since 1970, from gsyncd's file, which may be two seconds short. It stands still while nothing changes. Absent where nothing was copied yet.", of...),
		changed:    gauge("georep_last_change_timestamp_seconds", "When a client last changed something on the brick, in seconds since 1970, from GlusterFS's marker on its directory (xtime). Some seconds more than gluster_georep_last_synced_timestamp_seconds: something waits. Absent where nothing was noted.", of...),
		entry:      gauge("georep_pending_entry_operations", "Creations, removals and renames of the batch that the worker copies at this moment (ENTRY of status detail). Absent while it is not up.", of...),
		data:       gauge("georep_pending_data_operations", "Files of that batch whose contents are still to be copied (DATA). Absent while the worker is not up.", of...),
		meta:       gauge("georep_pending_metadata_operations", "Changes of attributes of that batch (META). Absent while the worker is not up.", of...),
		failures:   counter("georep_failures_total", "What the worker gave up copying since the session was made, as gsyncd counts it.", of...),
		reached:    gauge("georep_checkpoint_reached", "Whether all changes of the brick before the checkpoint are on the secondary. Absent where none is set.", of...),
		completed:  gauge("georep_checkpoint_completion_timestamp_seconds", "When gsyncd saw that the checkpoint was reached, in seconds since 1970. Absent where it has not.", of...),
	}
	return Collector{
		Name: "georep", Help: "geo-replication sessions of volumes with a brick here, and their workers", Cost: "nothing without a session; three small files for each, one more for each brick of its volume here, and one system call on the brick's file system",
		Metrics: []*Metric{
			m.info, m.started, m.paused, m.monitor, m.checkpoint, m.worker, m.up, m.active, m.synced, m.changed,
			m.entry, m.data, m.meta, m.failures, m.reached, m.completed,
		},
		collect: m.collect,
	}
}

// georepSession is a session as this node has it.
type georepSession struct {
	gluster.GeorepSession
	running bool // its monitor does
}

func (m *georepMetrics) collect(ctx context.Context, s *node.Scrape, to sink) error {
	all, err := s.Bricks()
	errs := []error{err}
	sessions := map[string][]georepSession{} // by volume, in the order of its secondaries
	var bricks []node.Brick
	for _, b := range all {
		v := b.Volume
		if _, seen := sessions[v.Name]; !seen {
			sessions[v.Name] = nil
			errs = append(errs, v.Unread)
			for _, secondary := range v.Secondaries {
				one, err := m.session(s, v.Name, secondary, to)
				sessions[v.Name], errs = append(sessions[v.Name], one), append(errs, err)
			}
		}
		if len(v.Secondaries) > 0 {
			bricks = append(bricks, b)
		}
	}
	return errors.Join(append(errs, eachBrick(bricks, func(b node.Brick) error {
		changed, err := s.Changed(ctx, b)
		errs := []error{err}
		for i, secondary := range b.Volume.Secondaries {
			if changed > 0 {
				to.set(m.changed, changed, b.Volume.Name, b.Name(), secondary.String())
			}
			errs = append(errs, m.brick(s, b, secondary, sessions[b.Volume.Name][i], to))
		}
		return errors.Join(errs...)
	}))...)
}

func (m *georepMetrics) session(s *node.Scrape, volume string, secondary gluster.Secondary, to sink) (georepSession, error) {
	session, err := s.Store.GeorepSession(volume, secondary)
	running, noted, merr := s.GeorepMonitor(volume, secondary)
	name := secondary.String()
	user := secondary.User
	if user == "" {
		user = "root"
	}
	to.set(m.info, 1, volume, name, user, secondary.VolumeID, session.Status)
	// A stop removes the monitor's file; where it is there without a stop having been noted, somebody wants the session to run.
	to.is(m.started, session.Status == gluster.GeorepStarted || noted && session.Status != gluster.GeorepPaused, volume, name)
	to.is(m.paused, session.Status == gluster.GeorepPaused, volume, name)
	to.is(m.monitor, running, volume, name)
	if session.Checkpoint > 0 {
		to.set(m.checkpoint, float64(session.Checkpoint), volume, name)
	}
	if err = errors.Join(err, merr); err != nil {
		err = fmt.Errorf("session of volume %s with %s: %w", volume, name, err)
	}
	return georepSession{session, running}, err
}

func (m *georepMetrics) brick(s *node.Scrape, b node.Brick, secondary gluster.Secondary, session georepSession, to sink) error {
	volume, brick, name := b.Volume.Name, b.Name(), secondary.String()
	w, err := s.Store.GeorepWorker(volume, secondary, b.Path)
	serves := session.running && session.Status == gluster.GeorepStarted
	up := serves && (w.Status == gluster.WorkerActive || w.Status == gluster.WorkerPassive)
	status, crawl := w.Status, w.Crawl
	if !serves {
		// As gsyncd's own get_status has it (gsyncdstatus.py, 10.3): its file stays as it was when the worker ends.
		status, crawl = session.Status, gluster.WorkerUnknown
		if status == gluster.GeorepStarted || status == "" || status == gluster.GeorepPaused && !session.running {
			status = gluster.GeorepStopped
		}
	} else if w.Status != gluster.WorkerActive {
		crawl = gluster.WorkerUnknown
	}
	to.set(m.worker, 1, volume, brick, name, subvolume(b.Volume.Volume, b.Set), status, crawl)
	to.is(m.up, up, volume, brick, name)
	to.is(m.active, up && w.Status == gluster.WorkerActive, volume, brick, name)
	if err != nil {
		return err
	}
	if w.LastSynced > 0 {
		to.set(m.synced, float64(w.LastSynced), volume, brick, name)
	}
	if up {
		to.set(m.entry, float64(w.Entry), volume, brick, name)
		to.set(m.data, float64(w.Data), volume, brick, name)
		to.set(m.meta, float64(w.Meta), volume, brick, name)
	}
	to.set(m.failures, float64(w.Failures), volume, brick, name)
	if session.Checkpoint > 0 {
		noticed := w.CheckpointTime == session.Checkpoint && w.CheckpointCompleted > 0
		to.is(m.reached, noticed || w.LastSynced >= session.Checkpoint, volume, brick, name)
		if noticed {
			to.set(m.completed, float64(w.CheckpointCompleted), volume, brick, name)
		}
	}
	return nil
}
