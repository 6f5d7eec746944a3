package gluster

import (
	"bufio"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// DefaultWorkdir is where glusterd keeps what it must not forget (GLUSTERD_DEFAULT_WORKDIR).
const DefaultWorkdir = "/var/lib/glusterd"

// Store reads glusterd's own files, which are replaced as a whole (xlators/mgmt/glusterd/src/glusterd-store.c, 3.12 to 11.1). It
// works where glusterd does not run, and takes no lock. Needs root or CAP_DAC_READ_SEARCH.
type Store struct {
	// Dir is glusterd's working directory, DefaultWorkdir on most machines.
	Dir string
}

// Node returns the identity of this node and the level of features that the pool uses ("operating-version"). os.ErrNotExist says that glusterd never ran here.
func (s Store) Node() (uuid string, opVersion int, err error) {
	pairs, err := readPairs(filepath.Join(s.Dir, "glusterd.info"))
	if err != nil {
		return "", 0, err
	}
	opVersion, err = strconv.Atoi(pairs["operating-version"])
	if err != nil {
		return "", 0, fmt.Errorf("%s/glusterd.info: operating-version: %w", s.Dir, notNumber(err))
	}
	return pairs["UUID"], opVersion, nil
}

// VolumeStamps are the numbers by which nodes compare what they know of a volume: two connected nodes with the same version and other
// checksums reject each other.
type VolumeStamps struct {
	// Version counts the changes of the volume.
	Version uint64
	// Checksum is of the volume's info file.
	Checksum uint32
}

// VolumeStamps reads those of one volume.
func (s Store) VolumeStamps(volume string) (VolumeStamps, error) {
	var v VolumeStamps
	info, err := readPairs(s.volume(volume, "info"))
	if err != nil {
		return v, err
	}
	sum, err := readPairs(s.volume(volume, "cksum"))
	if err != nil {
		return v, err
	}
	if v.Version, err = strconv.ParseUint(info["version"], 10, 64); err != nil {
		return v, fmt.Errorf("%s: version: %w", s.volume(volume, "info"), notNumber(err))
	}
	n, err := strconv.ParseUint(sum["info"], 10, 32)
	if err != nil {
		return v, fmt.Errorf("%s: info: %w", s.volume(volume, "cksum"), notNumber(err))
	}
	v.Checksum = uint32(n)
	return v, nil
}

// ParseVolumeVersion reads the version of a volume from the text of its info file.
func ParseVolumeVersion(info string) (uint64, error) {
	pairs, err := parsePairs(strings.NewReader(info))
	if err != nil {
		return 0, err
	}
	n, err := strconv.ParseUint(pairs["version"], 10, 64)
	if err != nil {
		return 0, fmt.Errorf("version: %w", notNumber(err))
	}
	return n, nil
}

// RebalanceState is the word for what rebalance did last (gf_defrag_status_t, rpc/xdr/src/cli1-xdr.x, 10.3).
type RebalanceState int

// Those of the states that need a name here; others are as in GlusterFS.
const (
	RebalanceNotStarted RebalanceState = 0
	RebalanceRunning    RebalanceState = 1
	RebalanceStopped    RebalanceState = 2
	RebalanceCompleted  RebalanceState = 3
	RebalanceFailed     RebalanceState = 4
)

// Rebalance is what this node's part of the last rebalance, or removal of bricks, came to.
type Rebalance struct {
	State RebalanceState
	// Files and Bytes were moved, Scanned were looked at; Failures and Skipped were not moved. glusterd stores them when the
	// process ends or glusterd is asked for the status.
	Files, Bytes, Scanned, Failures, Skipped uint64
	// Seconds is how long it ran.
	Seconds float64
}

// Rebalance reads what glusterd stored of a volume's last rebalance on this node.
func (s Store) Rebalance(volume string) (Rebalance, error) {
	var r Rebalance
	path := s.volume(volume, "node_state.info")
	pairs, err := readPairs(path)
	if err != nil {
		return r, err
	}
	state, err := strconv.Atoi(pairs["rebalance_status"])
	if err != nil {
		return r, fmt.Errorf("%s: rebalance_status: %w", path, notNumber(err))
	}
	r.State = RebalanceState(state)
	for key, to := range map[string]*uint64{"rebalanced-files": &r.Files, "size": &r.Bytes, "scanned": &r.Scanned, "failures": &r.Failures, "skipped": &r.Skipped} {
		if text, ok := pairs[key]; ok {
			if *to, err = strconv.ParseUint(text, 10, 64); err != nil {
				return r, fmt.Errorf("%s: %s: %w", path, key, notNumber(err))
			}
		}
	}
	if text, ok := pairs["run-time"]; ok {
		if r.Seconds, err = strconv.ParseFloat(text, 64); err == nil && (!(r.Seconds >= 0) || math.IsInf(r.Seconds, 0)) {
			err = strconv.ErrRange
		}
		if err != nil {
			return r, fmt.Errorf("%s: run-time: %w", path, notNumber(err))
		}
	}
	return r, nil
}

func (s Store) volume(name, file string) string { return filepath.Join(s.Dir, "vols", name, file) }

// maxStoreFile bounds what is read of a file of glusterd's, in bytes: that of a volume of a thousand bricks has some
// hundred thousand.
const maxStoreFile = 16 << 20

// readPairs reads lines of key=value.
func readPairs(path string) (map[string]string, error) {
	f, err := os.Open(path) //nolint:gosec // glusterd's own directory
	if err != nil {
		return nil, err
	}
	defer f.Close() //nolint:errcheck // read only
	pairs, err := parsePairs(io.LimitReader(f, maxStoreFile))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return pairs, nil
}

// parsePairs takes the last of equal keys, and leaves lines without one out.
func parsePairs(r io.Reader) (map[string]string, error) {
	pairs := map[string]string{}
	lines := bufio.NewScanner(r)
	for lines.Scan() {
		if key, value, ok := strings.Cut(lines.Text(), "="); ok {
			pairs[key] = value
		}
	}
	return pairs, lines.Err()
}
