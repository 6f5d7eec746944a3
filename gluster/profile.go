package gluster

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"

	"brickyard/gluster/dict"
)

// Profile is what a brick's process counted since it started, or since somebody cleared it ("volume profile V info clear").
type Profile struct {
	// Seconds is the time it has counted for.
	Seconds uint64
	// BytesRead and BytesWritten passed through the brick. Counted whether profiling is on or not.
	BytesRead, BytesWritten uint64
	// ReadSizes and WriteSizes are the numbers of reads and writes by size in bytes, rounded down to a power of two. Counted always.
	ReadSizes, WriteSizes map[uint64]uint64
	// FOPs are the file operations that were counted, in the order of GlusterFS's numbers. Without profiling there are a
	// few, without latencies.
	FOPs []FOP
}

// FOP is one kind of file operation on a brick.
type FOP struct {
	// Name is GlusterFS's own in capitals, such as LOOKUP.
	Name string
	// Hits is how often it was called.
	Hits uint64
	// AverageLatency is the mean time of a call: microseconds up to GlusterFS 9, nanoseconds from 10 on
	// (commit 6e5fc27563): see LatencyUnit. 0 where latencies are not measured.
	AverageLatency float64
}

// LatencyUnit returns the length in seconds of the unit of FOP.AverageLatency, from the version of the
// brick's program such as "10.3".
func LatencyUnit(version string) (seconds float64, err error) {
	major, _, _ := strings.Cut(version, ".")
	n, err := strconv.Atoi(major)
	if err != nil {
		return 0, fmt.Errorf("version %q of GlusterFS: %w", version, err)
	}
	if n < 10 {
		return 1e-6, nil
	}
	return 1e-9, nil
}

// Infos that io-stats gives (gf1_cli_info_op and gf1_cli_stats_op, rpc/xdr/src/cli1-xdr.x).
const (
	statsInfo           = 3 // GF_CLI_STATS_INFO
	infoCumulative      = 3 // GF_CLI_INFO_CUMULATIVE
	cumulative          = "-1-"
	maxBlockSizeBuckets = 64
)

// Profile returns the cumulative counters of the brick at brickPath. It leaves the counters of the current interval, which
// "volume profile V info" shows, as they are.
func (c *BrickClient) Profile(ctx context.Context, brickPath string) (Profile, error) {
	const op = "brick profile"
	input := dict.Dict{}
	input.SetInt("op", statsInfo)
	input.SetInt("info-op", infoCumulative)
	input.SetInt("peek", 1)
	pairs, err := c.pairs(ctx, op, brickPath, procBrickXlatorInfo, brickRequest(brickPath, 0, input))
	if err != nil {
		return Profile{}, err
	}
	p, err := parseProfile(pairs)
	if err != nil {
		return Profile{}, malformed(op, brickPath, err)
	}
	return p, nil
}

// parseProfile reads the answer of io_stats_dump_stats_to_dict (xlators/debug/io-stats/src/io-stats.c, 10.3).
func parseProfile(pairs []byte) (Profile, error) {
	p := Profile{ReadSizes: map[uint64]uint64{}, WriteSizes: map[uint64]uint64{}}
	var fops [maxFOP]FOP // by number; one without a name was not counted
	totals := map[string]*uint64{"total-read": &p.BytesRead, "total-write": &p.BytesWritten, "duration": &p.Seconds}
	// The first mistake is enough, and not much of it: a reply may have a million of them.
	var wrong error
	failed := func(key, text []byte) {
		if wrong == nil {
			wrong = fmt.Errorf("dict: key %.64q: %.64q is no number", key, text)
		}
	}
	number := func(key, text []byte) (n uint64) {
		n, err := strconv.ParseUint(string(text), 10, 64)
		if err != nil {
			failed(key, text)
		}
		return n
	}
	err := dict.Each(pairs, func(key, text []byte) {
		rest, ok := bytes.CutPrefix(key, []byte(cumulative))
		if !ok {
			return
		}
		if to := totals[string(rest)]; to != nil {
			*to = number(key, text)
			delete(totals, string(rest))
			return
		}
		kind, what, ok := bytes.Cut(rest, []byte("-"))
		if !ok {
			return
		}
		sizes := p.ReadSizes
		switch string(kind) {
		case "write":
			sizes = p.WriteSizes
			fallthrough
		case "read":
			if size := number(key, what); len(sizes) < maxBlockSizeBuckets {
				sizes[size] = number(key, text)
			}
			return
		}
		n := atoi(kind)
		if n < 1 || n >= maxFOP {
			return
		}
		switch string(what) {
		case "hits":
			fops[n].Name, fops[n].Hits = fopName(n), number(key, text)
		case "avglatency":
			mean, err := strconv.ParseFloat(string(text), 64)
			if err != nil || !(mean >= 0) || math.IsInf(mean, 0) {
				failed(key, text)
			}
			fops[n].AverageLatency = mean
		}
	})
	for _, missing := range slices.Sorted(maps.Keys(totals)) {
		wrong = cmp.Or[error](wrong, errNoKey(cumulative+missing))
	}
	if err := cmp.Or(err, wrong); err != nil {
		return Profile{}, err
	}
	for _, f := range fops {
		if f.Name != "" {
			p.FOPs = append(p.FOPs, f)
		}
	}
	return p, nil
}

// maxFOP is above every number of a file operation.
const maxFOP = 128

// fopNames are in the order of glusterfs_fop_t (libglusterfs/src/glusterfs/glusterfs-fops.h, 10.3), to which versions only append.
const fopNames = "NULL STAT READLINK MKNOD MKDIR UNLINK RMDIR SYMLINK RENAME LINK TRUNCATE OPEN READ WRITE STATFS FLUSH FSYNC " +
	"SETXATTR GETXATTR REMOVEXATTR OPENDIR FSYNCDIR ACCESS CREATE FTRUNCATE FSTAT LK LOOKUP READDIR INODELK FINODELK ENTRYLK FENTRYLK " +
	"XATTROP FXATTROP FGETXATTR FSETXATTR RCHECKSUM SETATTR FSETATTR READDIRP FORGET RELEASE RELEASEDIR GETSPEC FREMOVEXATTR FALLOCATE " +
	"DISCARD ZEROFILL IPC SEEK LEASE COMPOUND GETACTIVELK SETACTIVELK PUT ICREATE NAMELINK COPY_FILE_RANGE"

func fopName(number int) string {
	rest := fopNames
	for range number {
		_, rest, _ = strings.Cut(rest, " ")
	}
	if name, _, _ := strings.Cut(rest, " "); name != "" {
		return name
	}
	return "FOP_" + strconv.Itoa(number)
}
