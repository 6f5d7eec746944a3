package gluster

import (
	"context"
	"fmt"

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
	d, err := c.healOp(ctx, op, volume, replicaSets, healStatistics)
	if err != nil {
		return nil, err
	}
	crawls, served := parseCrawls(d, replicaSets)
	if !served {
		return nil, notServed(op, volume, replicaSets)
	}
	return crawls, nil
}

// parseCrawls reads the answer of afr_xl_op: statistics-SET-BRICK-count crawls of a brick, and of each crawl N the keys
// statistics_..._cnt-SET-BRICK-N, the latest having the highest N (afr_add_shd_event, xlators/cluster/afr/src/afr-self-heald.c, 10.3).
// Bricks that this daemon does not look after have no count; where it serves none of the sets there is nothing at all, with success.
func parseCrawls(d dict.Dict, replicaSets int) (crawls []Crawl, served bool) {
	for set := range replicaSets {
		for brick := range maxSet {
			at := fmt.Sprintf("%d-%d", set, brick)
			if d.Has(at + "-status") {
				served = true
			}
			count, err := d.Int("statistics-" + at + "-count")
			if err != nil {
				continue
			}
			served = true
			if count < 1 {
				continue
			}
			latest := fmt.Sprintf("-%s-%d", at, count-1)
			number := func(key string) uint64 {
				n, err := d.Uint64(key + latest)
				if err != nil {
					return 0 // a count beyond what the daemon kept
				}
				return n
			}
			crawls = append(crawls, Crawl{
				Set: set, Brick: brick, Healed: number("statistics_healed_cnt"), SplitBrain: number("statistics_sb_cnt"),
				Failed: number("statistics_heal_failed_cnt"), Running: d.IntOr("statistics_inprogress"+latest, 0) != 0,
			})
		}
	}
	return crawls, served
}

// maxSet is above the number of bricks of any replica set.
const maxSet = 32
