package dashboards

const (
	uidOverview = "brickyard-overview"
	uidVolumes  = "brickyard-volumes"
	uidHeal     = "brickyard-heal"
	uidLatency  = "brickyard-latency"
	uidNodes    = "brickyard-nodes"
)

// What several dashboards ask.
const (
	notWritable = `sum(1 - min by (cluster, volume) (cluster_volume_subvolume:gluster_writable:max{` + inVolume + `}))`
	tolerated   = `min(cluster_volume_subvolume:gluster_failures_tolerated:min{` + inVolume + `})`
	missing     = `sum(cluster_volume_subvolume:gluster_data_bricks:max{` + inVolume + `} - cluster_volume_subvolume:gluster_data_bricks_online:max{` + inVolume + `})`
	pending     = `sum(cluster_volume:gluster_heal_pending_entries:sum{` + inVolume + `})`
	// As the rule: where nothing waits any more, what the latest crawl found is over.
	splitBrain  = `sum(max by (cluster, volume, brick) (gluster_heal_crawl_split_brain_entries{` + inVolume + `}) * on (cluster, volume) group_left () (cluster_volume:gluster_heal_pending_entries:sum{` + inVolume + `} > bool 0))`
	needsPerson = `sum(gluster_recovery_needs_person{` + inBoth + `})`
	// Mounts by what the prober finds; those that nobody probes by whether they are there.
	mountServes = `(gluster_probe_success{` + inBoth + `} or (1 - gluster_mount_expected{` + inBoth + `} * (1 - gluster_mount_mounted{` + inBoth + `})))`
	// The mean time to create, write, sync and close a file, by its size.
	saving = `sum by (cluster, instance, volume, mountpoint, size) (rate(gluster_probe_operation_duration_seconds_sum{operation=~"create|write|fsync|close", ` + inBoth + `}[5m]))` +
		` / (sum by (cluster, instance, volume, mountpoint, size) (rate(gluster_probe_operation_duration_seconds_count{operation="create", ` + inBoth + `}[5m])) > 0)`
	// Alerts that fire, with the seconds since their condition began: the labels that say where become one.
	where  = `volume, subvolume, brick, mountpoint, instance, peer`
	firing = `sort_desc(max by (cluster, severity, alertname, runbook, where) (label_join(label_replace(label_replace(` +
		`(time() - ALERTS_FOR_STATE{alertname=~"Gluster.*", ` + inCluster + `}) and on (cluster, severity, alertname, ` + where + `) ALERTS{alertname=~"Gluster.*", alertstate="firing", ` + inCluster + `}, ` +
		`"runbook", "$1", "alertname", "(.+?)(Soon)?"), "peer", "about $1", "peer", "(.+)"), "where", " ", "volume", "subvolume", "brick", "mountpoint", "instance", "peer")))`
	roomLeft   = `cluster_volume:gluster_available_bytes:sum{` + inVolume + `} / cluster_volume:gluster_size_bytes:sum{` + inVolume + `}`
	setsHealth = `min by (cluster, volume) (cluster_volume_subvolume:gluster_writable:max{` + inVolume + `} * (1 + (cluster_volume_subvolume:gluster_data_bricks_online:max{` + inVolume +
		`} >= bool cluster_volume_subvolume:gluster_data_bricks:max{` + inVolume + `})))`
	nodeHealth = `max by (cluster, instance) ((up{` + jobs + `, ` + onNode + `} == 0) or 2 - gluster_server{` + onNode + `} * (1 - gluster_up{` + onNode + `}))`
)

// What nobody tells any more must not look as if it were not there: the last hour's series of nodes that do not answer are the first state.
const (
	silent      = "!node silent"
	silentMeans = "Node silent: Prometheus does not reach its exporter; shown for an hour."
)

func orSilent(states, lastHour string) string {
	return `1 + ` + states + ` or 0 * ` + lastHour + ` and on (cluster, instance) (up{` + jobs + `, ` + onNode + `} == 0)`
}

func overview() page {
	return page{
		uid: uidOverview, title: "GlusterFS: overview",
		description: "Is anything wrong, where, and since when.",
		rows: []row{
			{"Now", []panel{
				{
					kind: number, title: "Not writable", unit: "none", width: 4, height: 4, steps: bad(1), details: uidVolumes,
					description: "Volumes of which a part cannot be written by anybody: too few bricks of a replica set are online for its quorum.",
					queries:     []query{{notWritable, ""}},
				},
				{
					kind: number, title: "Failures left", unit: "none", width: 4, height: 4, steps: lacking(1, 1), details: uidVolumes,
					description: "How many more bricks may fail, whichever they are, before a part of a volume cannot be written, in the weakest replica set. 0: the next failure may be an outage.",
					queries:     []query{{tolerated, ""}},
				},
				{
					kind: number, title: "Copies missing", unit: "none", width: 4, height: 4, steps: []step{{0, "green"}, {1, "orange"}}, details: uidVolumes,
					description: "Data bricks that are configured and that no server can reach, over all replica sets.",
					queries:     []query{{missing, ""}},
				},
				{
					kind: number, title: "Waiting to heal", unit: "none", width: 4, height: 4, steps: []step{{0, "green"}, {1, "yellow"}, {1000, "orange"}}, details: uidHeal,
					description: "Files and directories that a brick knows to be stale on another one. Some are usual for a while after a node was away; what does not shrink needs a look.",
					queries:     []query{{pending, ""}},
				},
				{
					kind: number, title: "Mounts that fail", unit: "none", width: 4, height: 4, steps: bad(1), details: uidLatency,
					description: "Mounts on which writing and reading back fails or hangs; mounts that nobody probes count when they are missing.",
					queries:     []query{{`sum(1 - ` + mountServes + `)`, ""}},
				},
				{
					kind: number, title: "Saving a file takes", unit: "s", width: 4, height: 4, steps: []step{{0, "green"}, {0.5, "yellow"}, {2, "red"}}, details: uidLatency,
					description: "Mean time to create, write, sync and close a file in the last five minutes, on the slowest mount and of the slowest size that is probed.",
					queries:     []query{{`max(` + saving + `)`, ""}},
				},
				{
					kind: number, title: "Alerts that page", unit: "none", width: 4, height: 3, steps: bad(1),
					description: "Alerts of the severity page that fire now. No data: the rules are not loaded, and nothing would fire.",
					queries:     []query{{`count(ALERTS{alertname=~"Gluster.*", alertstate="firing", severity="page", ` + inCluster + `}) or 0 * count(cluster_volume_subvolume:gluster_writable:max{` + inCluster + `})`, ""}},
				},
				{
					kind: number, title: "Bricks down", unit: "none", width: 4, height: 3, steps: bad(1), details: uidVolumes,
					description: "Bricks of started volumes that are not known to be up: their process does not answer, or their node is silent.",
					queries: []query{{`sum(max by (cluster, volume) (gluster_volume_bricks{` + inVolume + `}) * on (cluster, volume) max by (cluster, volume) (gluster_volume_started{` + inVolume +
						`}) - on (cluster, volume) sum by (cluster, volume) (gluster_brick_up{` + inVolume + `}))`, ""}},
				},
				{
					kind: number, title: "Nodes silent", unit: "none", width: 4, height: 3, steps: bad(1), details: uidNodes,
					description: "Exporters that Prometheus cannot reach: the node, its exporter or the way to it is down.",
					queries:     []query{{`sum(1 - up{` + jobs + `, ` + onNode + `})`, ""}},
				},
				{
					kind: number, title: "Split-brain", unit: "none", width: 4, height: 3, steps: bad(1), details: uidHeal,
					description: "Entries that the latest crawls found in split-brain, at least: copies differ and neither side is right, so reading fails.",
					queries:     []query{{splitBrain, ""}},
				},
				{
					kind: number, title: "Needs a person", unit: "none", width: 4, height: 3, steps: bad(1), details: uidHeal, empty: "0",
					description: "Bricks that gluster-setup recover cannot bring back until somebody decides. gluster-setup status on the node says what.",
					queries:     []query{{needsPerson, ""}},
				},
				{
					kind: number, title: "Room left", unit: "percentunit", width: 4, height: 3, steps: lacking(0.05, 0.2), details: uidVolumes,
					description: "What can still be written, as a part of the volume's size, in the fullest volume.",
					queries:     []query{{`min(` + roomLeft + `)`, ""}},
				},
			}},
			{"Since when", []panel{
				{
					kind: list, title: "Alerts that fire", unit: "s", width: 24, height: 6, steps: plain, empty: "No alert fires",
					description: "What is wrong, where, and since when. Runbook leads to what to do about it; the variable Runbooks says where they are to be read.",
					columns: []column{
						{field: "severity", title: "severity", pixels: 90, states: map[string]string{"page": "red", "ticket": "orange", "info": "blue"}},
						{field: "alertname", title: "alert", pixels: 250},
						{field: "where", title: "where"},
						{field: "Value", title: "for", pixels: 110},
						{field: "cluster", title: "cluster", pixels: 140},
						{field: "runbook", title: "runbook", pixels: 250, link: "${runbooks}/${__data.fields.runbook}.md"},
					},
					queries: []query{{firing, ""}},
				},
				{
					kind: timeline, title: "Volumes", unit: "none", width: 8, height: 7, details: uidVolumes,
					states:      []string{"!not writable", "?copies missing", "complete"},
					description: "Each volume by its worst replica set.",
					queries:     []query{{setsHealth, "{{volume}}"}},
				},
				{
					kind: timeline, title: "Nodes", unit: "none", width: 8, height: 7, details: uidNodes,
					states:      []string{"!silent", "?glusterd down", "up"},
					description: "Silent: Prometheus cannot reach the exporter. Machines that only mount volumes need no glusterd.",
					queries:     []query{{nodeHealth, "{{instance}}"}},
				},
				{
					kind: timeline, title: "Mounts", unit: "none", width: 8, height: 7, details: uidLatency,
					states:      []string{silent, "!fails", "works"},
					description: "Whether the latest probe could write, read back and remove files. Mounts that nobody probes: whether they are there. " + silentMeans,
					queries: []query{{orSilent(`max by (cluster, instance, volume, mountpoint) `+mountServes, `max by (cluster, instance, volume, mountpoint) (last_over_time(gluster_probe_success{`+
						inBoth+`}[1h]) or last_over_time(gluster_mount_mounted{`+inBoth+`}[1h]))`), "{{instance}} {{mountpoint}}"}},
				},
			}},
			{"Trends", []panel{
				{
					kind: graph, title: "Time to save a file", unit: "s", width: 12, height: 7, steps: plain, details: uidLatency,
					description: "Mean time to create, write, sync and close a file, on each mount and of each size in bytes that is probed.",
					queries:     []query{{saving, "{{instance}} {{mountpoint}} {{size}} bytes"}},
				},
				{
					kind: graph, title: "Heal backlog", unit: "none", width: 12, height: 7, steps: plain, details: uidHeal,
					description: "Files and directories that wait to be healed, by volume, as the bricks know them.",
					queries:     []query{{`cluster_volume:gluster_heal_pending_entries:sum{` + inVolume + `}`, "{{volume}}"}},
				},
				{
					kind: graph, title: "Traffic of bricks", unit: "Bps", width: 12, height: 7, steps: plain, details: uidVolumes,
					description: "Bytes written to and read from all bricks of a volume: a write counts once for each copy.",
					queries: []query{
						{`sum by (cluster, volume) (rate(gluster_brick_written_bytes_total{` + inVolume + `}[$__rate_interval]))`, "{{volume}} written"},
						{`sum by (cluster, volume) (rate(gluster_brick_read_bytes_total{` + inVolume + `}[$__rate_interval]))`, "{{volume}} read"},
					},
				},
				{
					kind: graph, title: "Room left, by volume", unit: "percentunit", width: 12, height: 7, steps: plain, most: 1, details: uidVolumes,
					description: "What can still be written, as a part of the volume's size: the fullest data brick of each replica set decides.",
					queries:     []query{{roomLeft, "{{volume}}"}},
				},
			}},
		},
	}
}
