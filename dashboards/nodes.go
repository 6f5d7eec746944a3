package dashboards

func nodes() page {
	const noTLS = "No certificates of GlusterFS"
	process := `{{instance}} {{daemon}} {{name}}`
	return page{
		uid: uidNodes, title: "GlusterFS: nodes and processes",
		description: "Nodes of the trusted pool, processes of GlusterFS, and the exporter itself.",
		rows: []row{
			{"Nodes", []panel{
				{
					kind: timeline, title: "Nodes", unit: "none", width: 12, height: 8,
					states:      []string{"!silent", "?glusterd down", "up"},
					description: "Silent: Prometheus cannot reach the exporter. Machines that only mount volumes need no glusterd.",
					queries:     []query{{nodeHealth, "{{instance}}"}},
				},
				{
					kind: timeline, title: "Peers, as each node sees them", unit: "none", width: 12, height: 8,
					states:      []string{silent, "!disconnected", "!rejected", "connected"},
					description: "Rejected: connected, and not a full member: the two know volumes differently. One-sided views show as one red line. " + silentMeans,
					queries: []query{{
						orSilent(`gluster_peer_connected{`+onNode+`} * (1 + gluster_peer_in_cluster{`+onNode+`})`, `last_over_time(gluster_peer_connected{`+onNode+`}[1h])`),
						"{{instance}} sees {{peer}}",
					}},
				},
				{
					kind: list, title: "Versions", unit: "none", width: 6, height: 6, steps: plain,
					description: "The version of GlusterFS that each server's glusterd runs.",
					queries:     []query{{`count by (cluster, instance, version) (gluster_info{` + onNode + `})`, ""}},
				},
				{
					kind: list, title: "Exporters", unit: "none", width: 6, height: 6, steps: plain,
					description: "The version of the exporter on each node.",
					queries:     []query{{`count by (cluster, instance, version) (gluster_exporter_build_info{` + onNode + `})`, ""}},
				},
				{
					kind: list, title: "Cluster files", unit: "none", width: 6, height: 6, steps: plain,
					description: "The cluster file that each node applied last, by its digest, and the version of gluster-setup that did. Nodes with another digest have another file.",
					queries:     []query{{`count by (cluster, instance, file, version) (gluster_cluster_file_info{` + onNode + `})`, ""}},
				},
				{
					kind: number, title: "Certificates expire", unit: "s", width: 6, height: 6, steps: []step{{0, "red"}, {2 * 86400, "orange"}, {21 * 86400, "green"}}, empty: noTLS,
					description: "Time until the first certificate of GlusterFS on any node expires; then nodes and clients refuse each other.",
					queries:     []query{{`min(gluster_tls_certificate_expiry_timestamp_seconds{` + onNode + `}) - time()`, ""}},
				},
			}},
			{"Processes of GlusterFS", []panel{
				{
					kind: graph, title: "Processor time", unit: "percentunit", width: 12, height: 8, steps: plain, aside: true,
					description: "Of each process, as a part of one processor: glusterd, bricks, self-heal daemons, mounts.",
					queries:     []query{{`rate(gluster_process_cpu_seconds_total{` + onNode + `}[$__rate_interval])`, process}},
				},
				{
					kind: graph, title: "Memory", unit: "bytes", width: 12, height: 8, steps: plain, aside: true,
					description: "In RAM, of each process. What only ever grows over days is a leak.",
					queries:     []query{{`gluster_process_resident_memory_bytes{` + onNode + `}`, process}},
				},
				{
					kind: graph, title: "File descriptors in use", unit: "percentunit", width: 12, height: 8, steps: plain, aside: true, most: 1,
					description: "As a part of what the process may have open. At the limit it refuses clients and files.",
					queries:     []query{{`gluster_process_open_fds{` + onNode + `} / gluster_process_max_fds{` + onNode + `}`, process}},
				},
				{
					kind: graph, title: "Threads", unit: "none", width: 12, height: 8, steps: plain, aside: true,
					description: "Of each process. Bricks start more under load.",
					queries:     []query{{`gluster_process_threads{` + onNode + `}`, process}},
				},
				{
					kind: graph, title: "Restarts", unit: "none", width: 12, height: 7, steps: plain, aside: true,
					description: "How often each process was started anew in the last half hour. More than three times: GlusterProcessRestarts.",
					queries:     []query{{`changes(gluster_process_start_time_seconds{` + onNode + `}[30m])`, process}},
				},
				{
					kind: graph, title: "Age of processes", unit: "s", width: 12, height: 7, steps: plain, aside: true,
					description: "Since when each process runs. A line that falls to the bottom is a restart.",
					queries:     []query{{`time() - gluster_process_start_time_seconds{` + onNode + `}`, process}},
				},
			}},
			{"The exporter", []panel{
				{
					kind: timeline, title: "Collectors that fail", unit: "none", width: 12, height: 7, empty: "All collectors find what they look for",
					states:      []string{"!fails", "works"},
					description: "Collectors that did not find everything in the time shown. The exporter's log says why.",
					queries: []query{{`gluster_exporter_collector_success{` + onNode + `} and on (cluster, instance, collector) (min_over_time(gluster_exporter_collector_success{` + onNode +
						`}[$__range]) == 0)`, "{{instance}} {{collector}}"}},
				},
				{
					kind: graph, title: "Errors of collectors", unit: "none", width: 12, height: 7, steps: plain, empty: "No collector met an error",
					description: "Scrapes with an error in five minutes, by the class of the first.",
					queries: []query{{`sum by (cluster, instance, collector, class) (increase(gluster_exporter_collector_errors_total{` + onNode +
						`}[5m])) > 0`, "{{instance}} {{collector}} {{class}}"}},
				},
				{
					kind: graph, title: "Duration of scrapes", unit: "s", width: 12, height: 7, steps: plain,
					description: "As Prometheus measures it. Near the timeout of the scrape, data is about to be lost.",
					queries:     []query{{`scrape_duration_seconds{` + jobs + `, ` + onNode + `}`, "{{instance}}"}},
				},
				{
					kind: graph, title: "Slowest collectors", unit: "s", width: 12, height: 7, steps: plain,
					description: "The ten that take longest, on the node where they do.",
					queries:     []query{{`topk(10, max by (cluster, collector) (gluster_exporter_collector_duration_seconds{` + onNode + `}))`, "{{collector}}"}},
				},
				{
					kind: graph, title: "Processor time of the exporter", unit: "percentunit", width: 12, height: 7, steps: plain,
					description: "As a part of one processor, without the children that probe mounts.",
					queries:     []query{{`rate(process_cpu_seconds_total{` + jobs + `, ` + onNode + `}[$__rate_interval])`, "{{instance}}"}},
				},
				{
					kind: graph, title: "Memory of the exporter", unit: "bytes", width: 12, height: 7, steps: plain,
					description: "In RAM. What only ever grows over days is a leak.",
					queries:     []query{{`process_resident_memory_bytes{` + jobs + `, ` + onNode + `}`, "{{instance}}"}},
				},
			}},
		},
	}
}
