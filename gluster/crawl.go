package gluster

import (
	"bytes"
	"cmp"
	"context"
	"slices"
	"strconv"

	"brickyard/gluster/dict"
)

// Crawl is the latest look of a self-heal daemon through the backlog of one brick.
type Crawl struct {
	// Set and Brick are indices into Volume.ReplicaSets.
	Set, Brick int
	// Healed, SplitBrain and Failed are how many entries were healed, were found in split-brain, and could not be healed. SplitBrain is a lower bound:
	// of healers that race for an entry the loser counts it as failed.
	Healed, SplitBrain, Failed uint64
	// Running says that it has not ended.
	Running bool
}

// healStatistics is GF_SHD_OP_STATISTICS (gf_xl_afr_op_t, rpc/rpc-lib/src/protocol-common.h).
const healStatistics = 7

// Crawls returns the latest crawl of each brick that a self-heal daemon looked after, of a replicated volume; replicaSets is
// its number of sets. Crawls run every cluster.heal-timeout (ten minutes) and when a brick comes back. A daemon that does not serve that many sets of the volume is ErrRefused.
func (c *BrickClient) Crawls(ctx context.Context, volume string, replicaSets int) ([]Crawl, error) {
	const op = "heal statistics"
	pairs, err := c.healOp(ctx, op, volume, replicaSets, healStatistics)
	if err != nil {
		return nil, err
	}
	crawls, served, err := parseCrawls(pairs, replicaSets)
	if err != nil {
		return nil, malformed(op, volume, err)
	}
	if !served {
		return nil, notServed(op, volume, replicaSets)
	}
	return crawls, nil
}

// parseCrawls reads the answer of afr_xl_op: statistics-SET-BRICK-count crawls of a brick, and of each crawl N the keys
// statistics_..._cnt-SET-BRICK-N, the latest having the highest N (afr_add_shd_event, xlators/cluster/afr/src/afr-self-heald.c, 10.3).
// Bricks that this daemon does not look after have no count; where it serves none of the sets there is nothing at all, with success.
//
// A daemon remembers fifty crawls of each brick, so that of 350 pairs five are wanted: they are picked in passing.
func parseCrawls(pairs []byte, replicaSets int) (crawls []Crawl, served bool, err error) {
	type place struct{ set, brick int }
	type value struct {
		crawl int // the highest so far
		n     uint64
	}
	type brick struct {
		count                          int
		healed, split, failed, running value
	}
	found := map[place]*brick{}
	at := func(set, n []byte) *brick {
		p := place{atoi(set), atoi(n)}
		if p.set < 0 || p.set >= replicaSets || p.brick < 0 || p.brick >= maxSet {
			return nil
		}
		served = true
		if found[p] == nil {
			found[p] = &brick{healed: value{crawl: -1}, split: value{crawl: -1}, failed: value{crawl: -1}, running: value{crawl: -1}}
		}
		return found[p]
	}
	err = dict.Each(pairs, func(key, text []byte) {
		if rest, ok := bytes.CutSuffix(key, []byte("-status")); ok {
			if set, n, ok := bytes.Cut(rest, []byte("-")); ok {
				at(set, n)
			}
			return
		}
		// From the right: NAME-SET-BRICK-CRAWL, or statistics-SET-BRICK-count.
		name, last, ok := cutLast(key)
		name, n, ok2 := cutLast(name)
		name, set, ok3 := cutLast(name)
		if !ok || !ok2 || !ok3 {
			return
		}
		if string(name) == "statistics" && string(last) == "count" {
			if b := at(set, n); b != nil {
				b.count = atoi(text)
			}
			return
		}
		var pick func(b *brick) *value
		switch string(name) {
		case "statistics_healed_cnt":
			pick = func(b *brick) *value { return &b.healed }
		case "statistics_sb_cnt":
			pick = func(b *brick) *value { return &b.split }
		case "statistics_heal_failed_cnt":
			pick = func(b *brick) *value { return &b.failed }
		case "statistics_inprogress":
			pick = func(b *brick) *value { return &b.running }
		default:
			return
		}
		if b := at(set, n); b != nil {
			v, crawl := pick(b), atoi(last)
			if number, err := strconv.ParseUint(string(text), 10, 64); err == nil && crawl >= v.crawl {
				*v = value{crawl, number}
			}
		}
	})
	for p, b := range found {
		if b.count < 1 {
			continue
		}
		latest := func(v value) uint64 {
			if v.crawl != b.count-1 {
				return 0 // a count beyond what the daemon kept
			}
			return v.n
		}
		crawls = append(crawls, Crawl{
			Set: p.set, Brick: p.brick, Healed: latest(b.healed), SplitBrain: latest(b.split), Failed: latest(b.failed), Running: latest(b.running) != 0,
		})
	}
	slices.SortFunc(crawls, func(a, b Crawl) int { return cmp.Or(a.Set-b.Set, a.Brick-b.Brick) })
	return crawls, served, err
}

// cutLast cuts a key at its last dash.
func cutLast(key []byte) (before, after []byte, ok bool) {
	i := bytes.LastIndexByte(key, '-')
	if i < 0 {
		return key, nil, false
	}
	return key[:i], key[i+1:], true
}

// atoi reads a small number; what is none is -1.
func atoi(text []byte) int {
	n, err := strconv.Atoi(string(text))
	if err != nil {
		return -1
	}
	return n
}

// maxSet is above the number of bricks of any replica set.
const maxSet = 32
