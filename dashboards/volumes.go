package dashboards

// noSession is what panels of geo-replication show without any.
const noSession = "No volume is geo-replicated"

func volumes() page {
	return page{
		uid: uidVolumes, title: "GlusterFS: volumes and bricks",
		description: "Replica sets, bricks, room and traffic of each volume.",
		rows: []row{
			{"Volumes", []panel{
				{
					kind: number, title: "Not writable", unit: "none", width: 4, height: 4, steps: bad(1),
					description: "Volumes of which a part cannot be written by anybody: too few bricks of a replica set are online for its quorum.",
					queries:     []query{{notWritable, ""}},
				},
				{
					kind: number, title: "Volumes known differently", unit: "none", width: 4, height: 4, steps: bad(1),
					description: "Volumes of which servers hold different configurations. They reject each other at the next restart of glusterd. Right after a change it may show for a scrape.",
					queries: []query{{`count(max by (cluster, volume) (gluster_volume_config_checksum{` + inVolume + `}) != min by (cluster, volume) (gluster_volume_config_checksum{` +
						inVolume + `})) or 0 * count(gluster_volume_config_checksum{` + inVolume + `})`, ""}},
				},
				{
					kind: list, title: "What the volumes are", unit: "none", width: 16, height: 4, steps: plain,
					description: "Type, transport and status of each volume, as servers know them: two rows of one volume are two opinions.",
					queries:     []query{{`count by (cluster, volume, type, transport, status) (gluster_volume_info{` + inVolume + `})`, ""}},
				},
				{
					kind: timeline, title: "Replica sets", unit: "none", width: 12, height: 7,
					states:      []string{"!not writable", "?copies missing", "complete"},
					description: "Each replica set, as log files and heal info name it: whether it can be written, and whether all its data bricks are online.",
					queries: []query{{`cluster_volume_subvolume:gluster_writable:max{` + inVolume + `} * (1 + (cluster_volume_subvolume:gluster_data_bricks_online:max{` + inVolume +
						`} >= bool cluster_volume_subvolume:gluster_data_bricks:max{` + inVolume + `}))`, "{{subvolume}}"}},
				},
				{
					kind: timeline, title: "Bricks that may still fail", unit: "none", width: 12, height: 7,
					states:      []string{"!none", "one", "two", "three"},
					description: "How many more bricks of the set may fail, whichever they are, before it cannot be written.",
					queries:     []query{{`cluster_volume_subvolume:gluster_failures_tolerated:min{` + inVolume + `}`, "{{subvolume}}"}},
				},
				{
					kind: graph, title: "Room left", unit: "bytes", width: 12, height: 7, steps: plain,
					description: "Bytes that can still be written to the volume: the fullest data brick of each replica set decides.",
					queries: []query{
						{`cluster_volume:gluster_available_bytes:sum{` + inVolume + `}`, "{{volume}} left"},
						{`cluster_volume:gluster_size_bytes:sum{` + inVolume + `}`, "{{volume}} size"},
					},
				},
				{
					kind: graph, title: "Room left in a day", unit: "percentunit", width: 12, height: 7, steps: plain, most: 1, empty: "Nothing is foretold from less than an hour",
					description: "Room left of each volume in 24 hours, if the last six go on; at the bottom it is full. Of at least an hour: what is foretold from less frightens for nothing.",
					queries: []query{{`clamp_min(predict_linear(cluster_volume:gluster_available_bytes:sum{` + inVolume + `}[6h], 86400), 0) / cluster_volume:gluster_size_bytes:sum{` + inVolume +
						`} and cluster_volume:gluster_available_bytes:sum{` + inVolume + `} offset 1h`, "{{volume}}"}},
				},
			}},
			{"Bricks", []panel{
				{
					kind: timeline, title: "Bricks", unit: "none", width: 12, height: 8,
					states:      []string{silent, "!down", "!empty or foreign", "?read-only", "up"},
					description: "Down: no process answers for the brick. Empty or foreign: its directory does not belong to the volume. Read-only: the file system below it. " + silentMeans,
					queries: []query{{orSilent(`gluster_brick_up{`+inBoth+`} * (1 + gluster_brick_volume_id_matches{`+inBoth+`}) + gluster_brick_up{`+inBoth+
						`} * gluster_brick_volume_id_matches{`+inBoth+`} * (1 - gluster_brick_read_only{`+inBoth+`})`, `last_over_time(gluster_brick_up{`+inBoth+`}[1h])`), "{{volume}} {{brick}}"}},
				},
				{
					kind: graph, title: "Room on bricks", unit: "percentunit", width: 12, height: 8, steps: plain, most: 1,
					description: "Bytes that can still be written to the file system below each brick, as a part of its size. Arbiters hold no contents and are left out.",
					queries:     []query{{`gluster_brick_available_bytes{` + inBoth + `} / gluster_brick_size_bytes{` + inBoth + `}`, "{{brick}}"}},
				},
				{
					kind: graph, title: "Inodes left on bricks", unit: "percentunit", width: 12, height: 7, steps: plain, most: 1, empty: "No brick has a fixed number of inodes",
					description: "Free inodes of the file system below each brick, as a part of all. Without any, new files fail while there is room.",
					queries:     []query{{`gluster_brick_inodes_free{` + inBoth + `} / (gluster_brick_inodes{` + inBoth + `} > 0)`, "{{brick}}"}},
				},
				{
					kind: graph, title: "File systems that do not answer", unit: "s", width: 12, height: 7, steps: plain,
					description: "For how long the file system below a brick has left a question unanswered: a disk that hangs. Clients wait for such a brick as well.",
					queries:     []query{{`gluster_brick_filesystem_stuck_seconds{` + inBoth + `}`, "{{brick}}"}},
				},
				{
					kind: graph, title: "Clients of bricks", unit: "none", width: 12, height: 7, steps: plain,
					description: "Processes connected to each brick: mounts, and every node's self-heal daemon. Bricks of one set with different numbers: a client misses one.",
					queries:     []query{{`gluster_brick_clients{` + inBoth + `}`, "{{brick}}"}},
				},
				{
					kind: graph, title: "Mean size of writes and reads", unit: "bytes", width: 12, height: 7, steps: plain, empty: "Nothing is written or read",
					description: "Bytes of one write to, and one read from, the bricks of a volume. Many small ones are slow.",
					queries: []query{
						{`sum by (cluster, volume) (rate(gluster_brick_written_bytes_total{` + inBoth + `}[$__rate_interval])) / (sum by (cluster, volume) (rate(gluster_brick_write_size_bytes_count{` +
							inBoth + `}[$__rate_interval])) > 0)`, "{{volume}} write"},
						{`sum by (cluster, volume) (rate(gluster_brick_read_bytes_total{` + inBoth + `}[$__rate_interval])) / (sum by (cluster, volume) (rate(gluster_brick_read_size_bytes_count{` +
							inBoth + `}[$__rate_interval])) > 0)`, "{{volume}} read"},
					},
				},
				{
					kind: graph, title: "Written to bricks", unit: "Bps", width: 12, height: 7, steps: plain,
					description: "Bytes a second. Data bricks of one replica set write the same, unless one is being refilled.",
					queries:     []query{{`rate(gluster_brick_written_bytes_total{` + inBoth + `}[$__rate_interval])`, "{{brick}}"}},
				},
				{
					kind: graph, title: "Read from bricks", unit: "Bps", width: 12, height: 7, steps: plain,
					description: "Bytes a second. Clients choose a brick of the set for each file; a heal reads from the complete one.",
					queries:     []query{{`rate(gluster_brick_read_bytes_total{` + inBoth + `}[$__rate_interval])`, "{{brick}}"}},
				},
			}},
			{"Rebalance and removal of bricks", []panel{
				{
					kind: timeline, title: "Rebalance", unit: "none", width: 12, height: 6, empty: "No volume has several replica sets, or none was rebalanced",
					states:      []string{"at rest", "?running", "!failed"},
					description: "Each node's part of a rebalance, or of a removal of bricks.",
					queries:     []query{{`gluster_rebalance_running{` + inBoth + `} + 2 * gluster_rebalance_failed{` + inBoth + `}`, "{{volume}} {{instance}}"}},
				},
				{
					kind: graph, title: "Files that rebalance could not move", unit: "none", width: 12, height: 6, steps: plain, empty: "No volume has several replica sets, or none was rebalanced",
					description: "Of the last rebalance of each node: failures, and files left where they are, as for want of room.",
					queries: []query{
						{`gluster_rebalance_failures{` + inBoth + `}`, "{{volume}} {{instance}} failed"},
						{`gluster_rebalance_skipped_files{` + inBoth + `}`, "{{volume}} {{instance}} skipped"},
					},
				},
			}},
			{"Geo-replication", []panel{
				{
					kind: timeline, title: "Workers of geo-replication", unit: "none", width: 24, height: 7, empty: noSession,
					states:      []string{"!not up", "passive", "copies", "?stopped or paused"},
					description: "One for each brick and session. Each replica set needs one that copies; one that is not up may be tried again every few seconds.",
					queries: []query{{`gluster_georep_worker_up{` + inBoth + `} + gluster_georep_worker_active{` + inBoth +
						`} + on (cluster, instance, volume, secondary) group_left () 3 * (gluster_georep_session_started{` + inBoth + `} == bool 0)`, "{{brick}} {{secondary}}"}},
				},
				{
					kind: graph, title: "Changes that wait for geo-replication", unit: "s", width: 12, height: 7, steps: plain, empty: noSession,
					description: "How old the copy on the secondary is, where the brick has changed since; 0 where it has not. A line that only rises: nothing is copied, whatever the status says.",
					queries: []query{{`(time() - gluster_georep_last_synced_timestamp_seconds{` + inBoth + `}) * (gluster_georep_last_change_timestamp_seconds{` + inBoth +
						`} - gluster_georep_last_synced_timestamp_seconds{` + inBoth + `} > bool 5)`, "{{brick}} {{secondary}}"}},
				},
				{
					kind: graph, title: "What geo-replication gave up", unit: "none", width: 12, height: 7, steps: plain, empty: noSession,
					description: "Names and files in an hour that are not on the secondary and that nobody tries again. gsyncd.log has each.",
					queries:     []query{{`increase(gluster_georep_failures_total{` + inBoth + `}[1h])`, "{{brick}} {{secondary}}"}},
				},
			}},
		},
	}
}
