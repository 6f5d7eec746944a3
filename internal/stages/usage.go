package main

import (
	"github.com/prometheus/procfs"
)

// userHZ is the unit of processor time in /proc: hundredths of a second on every architecture of Linux.
const userHZ = 100

// processorSeconds is what process pid, its descendants and those of them that have been waited for have used so far.
func processorSeconds(pid int) float64 {
	all, err := procfs.AllProcs()
	if err != nil {
		return 0
	}
	stats := make(map[int]procfs.ProcStat, len(all))
	below := map[int][]int{}
	for _, p := range all {
		s, err := p.Stat()
		if err != nil {
			continue // it has ended
		}
		stats[s.PID] = s
		below[s.PPID] = append(below[s.PPID], s.PID)
	}
	ticks := 0.0
	for queue := []int{pid}; len(queue) > 0; queue = queue[1:] {
		s := stats[queue[0]]
		ticks += float64(s.UTime) + float64(s.STime) + float64(s.CUTime) + float64(s.CSTime)
		queue = append(queue, below[queue[0]]...)
	}
	return ticks / userHZ
}
