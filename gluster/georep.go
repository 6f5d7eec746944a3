package gluster

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// Secondary is where a geo-replication session of a volume copies it to.
type Secondary struct {
	// User is whom gsyncd logs in as; "" is root.
	User string
	// Host is the node of the other pool that the session was made with.
	Host string
	// Volume and VolumeID are the volume there. VolumeID is "" where the session does not name it.
	Volume, VolumeID string
}

// String is the secondary as the gluster command line takes it, without the user.
func (s Secondary) String() string { return s.Host + "::" + s.Volume }

// ParseSecondary reads what glusterd stores of a session in a volume's info file, NODE:ssh://[USER@]HOST::VOLUME[:VOLUMEID]
// (xlators/mgmt/glusterd/src/glusterd-store.c; recorded on 10.3).
func ParseSecondary(text string) (Secondary, error) {
	_, address, ok := strings.Cut(text, ":ssh://")
	at := strings.LastIndex(address, "::")
	if !ok || at < 0 {
		return Secondary{}, fmt.Errorf("%q is not NODE:ssh://HOST::VOLUME:ID", text)
	}
	var s Secondary
	s.Host = address[:at]
	if at := strings.LastIndex(s.Host, "@"); at >= 0 {
		s.User, s.Host = s.Host[:at], s.Host[at+1:]
	}
	s.Volume, s.VolumeID, _ = strings.Cut(address[at+len("::"):], ":")
	if s.Host == "" || s.Volume == "" || strings.Contains(s.Host+s.Volume, "/") {
		return Secondary{}, fmt.Errorf("%q names no host and volume", text)
	}
	return s, nil
}

// Secondaries are those of a volume's geo-replication sessions, as glusterd stored them, in order.
func (s Store) Secondaries(volume string) ([]Secondary, error) {
	path := s.volume(volume, "info")
	pairs, err := readPairs(path)
	if err != nil {
		return nil, err
	}
	byNumber := map[int]Secondary{}
	for key, value := range pairs {
		// GlusterFS 10 and later call it secondary, those before slave.
		digits, ok := strings.CutPrefix(key, "secondary")
		if !ok {
			digits, ok = strings.CutPrefix(key, "slave")
		}
		number, err := strconv.Atoi(digits)
		if !ok || err != nil {
			continue
		}
		if byNumber[number], err = ParseSecondary(value); err != nil {
			return nil, malformed("read", path, fmt.Errorf("%s: %w", key, err))
		}
	}
	var out []Secondary
	for _, number := range slices.Sorted(maps.Keys(byNumber)) {
		if !slices.ContainsFunc(out, func(o Secondary) bool { return o.String() == byNumber[number].String() }) {
			out = append(out, byNumber[number])
		}
	}
	return out, nil
}

// What gsyncd's monitor notes of a session (MONITOR_STATUS, gsyncdstatus.py, 10.3). "" is before the first.
const (
	GeorepCreated = "Created"
	GeorepStarted = "Started"
	GeorepPaused  = "Paused"
	GeorepStopped = "Stopped"
)

// What gsyncd notes of a worker (STATUS_VALUES, gsyncdstatus.py, and Monitor in monitor.py, 10.3).
const (
	WorkerUnknown      = "N/A"
	WorkerInitializing = "Initializing..."
	WorkerActive       = "Active"
	WorkerPassive      = "Passive"
	WorkerFaulty       = "Faulty"
	workerInconsistent = "inconsistent"
)

// GeorepSession is what gsyncd keeps on this node about a session.
type GeorepSession struct {
	// Status is one of the words above. It stays as it is when gsyncd's monitor is killed, and when it ends before it has noted its start.
	Status string
	// Checkpoint is the time that is waited for, in seconds since 1970; 0 where none is set.
	Checkpoint int64
}

// GeorepWorker is what gsyncd notes about its worker for one brick. It stays as it was when the worker ends with its monitor.
type GeorepWorker struct {
	// Status is one of the words above; Crawl says how the worker looks for changes.
	Status string `json:"worker_status"`
	Crawl  string `json:"crawl_status"`
	// LastSynced is the time up to which all changes are on the secondary, in seconds since 1970; 0 where nothing was synced yet. It stands still while nothing changes.
	LastSynced int64 `json:"last_synced"`
	// Entry, Data and Meta are what is under way of the batch that the worker syncs: names, files' contents, attributes.
	Entry uint64 `json:"entry"`
	Data  uint64 `json:"data"`
	Meta  uint64 `json:"meta"`
	// Failures are what could not be synced since the session was made. Only its deletion resets it.
	Failures uint64 `json:"failures"`
	// CheckpointTime is the last checkpoint that was reached, and CheckpointCompleted when that was noticed, both in seconds since 1970, or 0.
	CheckpointTime      int64 `json:"checkpoint_time"`
	CheckpointCompleted int64 `json:"checkpoint_completion_time"`
}

// GeorepSession reads what gsyncd keeps of a session, of which nothing need be there. What cannot be understood is left out, with an error that names the file.
func (s Store) GeorepSession(volume string, to Secondary) (GeorepSession, error) {
	dir := s.session(volume, to)
	var out GeorepSession
	path := filepath.Join(dir, "monitor.status")
	text, err := readSmall(path)
	errs := []error{err}
	if err == nil {
		if out.Status, err = ParseGeorepStatus(text); err != nil {
			errs = append(errs, malformed("read", path, err))
		}
	}
	path = filepath.Join(dir, "gsyncd.conf")
	text, err = readSmall(path)
	errs = append(errs, err)
	if err == nil {
		if out.Checkpoint, err = ParseGeorepConfig(text); err != nil {
			errs = append(errs, malformed("read", path, err))
		}
	}
	return out, errors.Join(errs...)
}

// GeorepWorker reads what gsyncd notes about its worker for a brick, all unknown where there was none yet.
func (s Store) GeorepWorker(volume string, to Secondary, brick string) (GeorepWorker, error) {
	path := filepath.Join(s.session(volume, to), "brick_"+url.QueryEscape(brick)+".status")
	text, err := readSmall(path)
	if err != nil {
		return GeorepWorker{Status: WorkerUnknown, Crawl: WorkerUnknown}, err
	}
	w, err := ParseGeorepWorker(text)
	if err != nil {
		return w, malformed("read", path, err)
	}
	return w, nil
}

// session is gsyncd's directory of a session (georep-session-working-dir, gsyncd.conf, 10.3). The user is not in its name.
func (s Store) session(volume string, to Secondary) string {
	return filepath.Join(s.Dir, "geo-replication", volume+"_"+to.Host+"_"+to.Volume)
}

// ParseGeorepStatus reads monitor.status: one word, or nothing just after the file was made.
func ParseGeorepStatus(text []byte) (string, error) {
	word := string(bytes.TrimSpace(text))
	switch word {
	case "", GeorepCreated, GeorepStarted, GeorepPaused, GeorepStopped:
		return word, nil
	}
	return "", fmt.Errorf("%.40q is no status of a session", word)
}

// ParseGeorepConfig reads the checkpoint from a session's gsyncd.conf, whose other settings are nobody's business here.
func ParseGeorepConfig(text []byte) (checkpoint int64, err error) {
	for line := range strings.Lines(string(text)) {
		key, value, ok := strings.Cut(line, "=")
		if !ok || strings.TrimSpace(key) != "checkpoint" {
			continue
		}
		value = strings.TrimSpace(value)
		if value == "" {
			checkpoint = 0
		} else if checkpoint, err = strconv.ParseInt(value, 10, 64); err != nil || checkpoint < 0 {
			return 0, fmt.Errorf("checkpoint %.40q is no time", value)
		}
	}
	return checkpoint, nil
}

// ParseGeorepWorker reads a brick's status file: JSON, or nothing just after the file was made.
func ParseGeorepWorker(text []byte) (GeorepWorker, error) {
	unknown := GeorepWorker{Status: WorkerUnknown, Crawl: WorkerUnknown}
	w := unknown
	if len(bytes.TrimSpace(text)) == 0 {
		return w, nil
	}
	if err := json.Unmarshal(text, &w); err != nil {
		return unknown, err
	}
	switch w.Status {
	case WorkerUnknown, WorkerInitializing, WorkerActive, WorkerPassive, WorkerFaulty, workerInconsistent:
	default:
		return unknown, fmt.Errorf("%.40q is no status of a worker", w.Status)
	}
	switch w.Crawl {
	case WorkerUnknown, "Hybrid Crawl", "History Crawl", "Changelog Crawl":
	default:
		return unknown, fmt.Errorf("%.40q is no crawl", w.Crawl)
	}
	if w.LastSynced < 0 || w.CheckpointTime < 0 || w.CheckpointCompleted < 0 {
		return unknown, errors.New("a time before 1970")
	}
	return w, nil
}

// GeorepMonitor reports whether gsyncd's monitor of a session runs on this node: it holds a lock on the file with its identifier for as long as it
// lives (grabpidfile, syncdutils.py, 10.3). noted says that there is such a file: a session that was stopped has none, one whose monitor was killed,
// or ended by itself, has. The lock is only looked at, never taken.
func GeorepMonitor(rundir, volume string, to Secondary) (running, noted bool, err error) {
	f, err := os.Open(filepath.Join(rundir, "gsyncd-"+volume+"-"+to.Host+"-"+to.Volume+".pid")) //nolint:gosec // glusterd's own directories
	if errors.Is(err, fs.ErrNotExist) {
		return false, false, nil
	}
	if err != nil {
		return false, false, err
	}
	defer f.Close() //nolint:errcheck // read only
	lock := unix.Flock_t{Type: unix.F_WRLCK, Whence: io.SeekStart}
	if err := unix.FcntlFlock(f.Fd(), unix.F_GETLK, &lock); err != nil {
		return false, true, fmt.Errorf("look for a lock on %s: %w", f.Name(), err)
	}
	return lock.Type != unix.F_UNLCK, true, nil
}

// maxSmall is far above what gsyncd writes into these files.
const maxSmall = 64 << 10

// readSmall reads a file of gsyncd's, which replaces them as a whole. A file that is not there, or not any more, is empty.
func readSmall(path string) ([]byte, error) {
	f, err := os.Open(path) //nolint:gosec // glusterd's own directories
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer f.Close() //nolint:errcheck // read only
	text, err := io.ReadAll(io.LimitReader(f, maxSmall+1))
	if err != nil {
		return nil, err
	}
	if len(text) > maxSmall {
		return nil, malformed("read", path, fmt.Errorf("longer than %d bytes", maxSmall))
	}
	return text, nil
}
