package dashboards

func latency() page {
	const (
		alone   = "No two nodes probe one volume"
		off     = "Profiling is off: gluster volume profile VOLUME start"
		slowest = `instance_volume_mountpoint_operation_size:gluster_probe_operation_duration_seconds:p90_5m{`
	)
	quantile := func(q, operation string) string {
		return `histogram_quantile(` + q + `, sum by (cluster, volume, size, le) (rate(gluster_probe_operation_duration_seconds_bucket{operation="` + operation + `", ` + inBoth + `}[5m])))`
	}
	quantiles := func(operation string) []query {
		return []query{
			{quantile("0.5", operation), "{{volume}} {{size}} bytes p50"},
			{quantile("0.9", operation), "{{volume}} {{size}} bytes p90"},
			{quantile("0.99", operation), "{{volume}} {{size}} bytes p99"},
		}
	}
	return page{
		uid: uidLatency, title: "GlusterFS: latency",
		description: "How long operations take: as applications feel it on their mounts, and as bricks measure it.",
		rows: []row{
			{"Now", []panel{
				{
					kind: number, title: "Saving a file takes", unit: "s", width: 6, height: 4, steps: []step{{0, "green"}, {0.5, "yellow"}, {2, "red"}},
					description: "Mean time to create, write, sync and close a file in the last five minutes, on the slowest mount and of the slowest size that is probed.",
					queries:     []query{{`max(` + saving + `)`, ""}},
				},
				{
					kind: number, title: "Slowest operation", unit: "s", width: 6, height: 4, steps: []step{{0, "green"}, {0.5, "yellow"}, {1, "red"}},
					description: "Nine of ten are faster, of the slowest of all operations on all mounts. GlusterProbeSlow fires above one second.",
					queries:     []query{{`max(` + slowest + inBoth + `})`, ""}},
				},
				{
					kind: number, title: "A write is seen elsewhere after", unit: "s", width: 6, height: 4, steps: []step{{0, "green"}, {0.5, "yellow"}, {1.5, "red"}}, empty: alone,
					description: "Half the round trip of a small change to another node's mount and back, in nine of ten cases, between the slowest two nodes.",
					queries:     []query{{`max(instance_volume_mountpoint_peer:gluster_probe_echo_seconds:p90_5m{` + inBoth + `}) / 2`, ""}},
				},
				{
					kind: number, title: "Longest unanswered", unit: "s", width: 6, height: 4, steps: bad(5),
					description: "For how long a mount has left an operation of the prober unanswered: it hangs.",
					queries:     []query{{`max(gluster_probe_stuck_seconds{` + inBoth + `})`, ""}},
				},
			}},
			{"As applications feel it", []panel{
				{
					kind: graph, title: "Time to save a file", unit: "s", width: 12, height: 8, steps: plain,
					description: "Mean time to create, write, sync and close a file, on each mount and of each size in bytes that is probed.",
					queries:     []query{{saving, "{{instance}} {{mountpoint}} {{size}} bytes"}},
				},
				{
					kind: graph, title: "Where the time goes", unit: "s", width: 12, height: 8, steps: plain,
					description: "Mean time of each operation over all mounts, of the largest files that are probed.",
					queries: []query{{`max by (cluster, volume, operation) (sum by (cluster, volume, operation, size) (rate(gluster_probe_operation_duration_seconds_sum{` + inBoth +
						`}[5m])) / (sum by (cluster, volume, operation, size) (rate(gluster_probe_operation_duration_seconds_count{` + inBoth + `}[5m])) > 0))`, "{{volume}} {{operation}}"}},
				},
				{
					kind: graph, title: "Writes", unit: "s", width: 8, height: 8, steps: plain,
					description: "Half, nine of ten and 99 of 100 writes are faster; without the sync, so that what is cached counts as written.",
					queries:     quantiles("write"),
				},
				{
					kind: graph, title: "Syncs", unit: "s", width: 8, height: 8, steps: plain,
					description: "fsync: until the bricks have what was written.",
					queries:     quantiles("fsync"),
				},
				{
					kind: graph, title: "Reads", unit: "s", width: 8, height: 8, steps: plain,
					description: "From the bricks, not from the page cache; opening the file included.",
					queries:     quantiles("read"),
				},
				{
					kind: graph, title: "Slowest tenth, by operation", unit: "s", width: 12, height: 8, steps: plain,
					description: "Nine of ten operations are faster, on the slowest mount and of the slowest size.",
					queries:     []query{{`max by (cluster, volume, operation) (` + slowest + inBoth + `})`, "{{volume}} {{operation}}"}},
				},
				{
					kind: graph, title: "Round trips between mounts", unit: "s", width: 12, height: 8, steps: plain, empty: alone,
					description: "A small change of a file until the other node has seen it and answered, by one clock: two replication delays. Nine of ten are faster.",
					queries:     []query{{`instance_volume_mountpoint_peer:gluster_probe_echo_seconds:p90_5m{` + inBoth + `}`, "{{instance}} to {{peer}}"}},
				},
				{
					kind: graph, title: "Failed probes", unit: "none", width: 12, height: 7, steps: plain, empty: "No probe failed",
					description: "In five minutes, by class: stuck, no_space, read_only, mismatch, io and so on.",
					queries:     []query{{`sum by (cluster, instance, volume, mountpoint, class) (increase(gluster_probe_errors_total{` + inBoth + `}[5m])) > 0`, "{{instance}} {{mountpoint}} {{class}}"}},
				},
				{
					kind: graph, title: "Answers that did not come", unit: "none", width: 12, height: 7, steps: plain, empty: alone,
					description: "In five minutes: changes that the other node had not answered when the next one was due, though it had answered before.",
					queries:     []query{{`increase(gluster_probe_echoes_lost_total{` + inBoth + `}[5m])`, "{{instance}} to {{peer}}"}},
				},
			}},
			{"As bricks measure it, while profiling is on", []panel{
				{
					kind: graph, title: "Mean time of file operations", unit: "s", width: 12, height: 8, steps: plain, empty: off,
					description: "The ten slowest of GlusterFS's file operations, as its bricks take for them: without network and client.",
					queries:     []query{{`topk(10, max by (cluster, volume, fop) (instance_volume_fop:gluster_brick_fop_seconds:mean_5m{` + inBoth + `}))`, "{{volume}} {{fop}}"}},
				},
				{
					kind: graph, title: "File operations", unit: "ops", width: 12, height: 8, steps: plain, empty: off,
					description: "The ten most frequent, on all bricks of the volume. Without profiling GlusterFS counts only a few kinds, which say nothing.",
					queries: []query{{`topk(10, sum by (cluster, volume, fop) (rate(gluster_brick_fops_total{` + inBoth + `}[$__rate_interval])) > 0 and on (cluster, volume) (max by (cluster, volume) (gluster_volume_profiling{` +
						inVolume + `}) == 1))`, "{{volume}} {{fop}}"}},
				},
				{
					kind: graph, title: "How busy bricks are", unit: "percentunit", width: 12, height: 7, steps: plain, empty: off,
					description: "Time in file operations for each second; more than 100 % where several run at once.",
					queries:     []query{{`sum by (cluster, volume, brick) (rate(gluster_brick_fop_seconds_total{` + inBoth + `}[$__rate_interval]))`, "{{brick}}"}},
				},
				{
					kind: timeline, title: "Profiling", unit: "none", width: 12, height: 7,
					states:      []string{"off", "on"},
					description: "Whether bricks count and time file operations. It costs some per cent of speed.",
					queries:     []query{{`max by (cluster, volume) (gluster_volume_profiling{` + inVolume + `})`, "{{volume}}"}},
				},
			}},
		},
	}
}
