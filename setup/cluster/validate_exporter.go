package cluster

import (
	"fmt"
	"net"
	"net/netip"
	"path"
	"regexp"
	"strconv"
	"strings"
)

// exporterFlag is one flag that needs no quoting in a unit of systemd.
var exporterFlag = regexp.MustCompile(`^--[a-z][a-z0-9.-]*(=[A-Za-z0-9_./:,@+-]+)?$`)

// ownFlags are those that other keys of the cluster file, or apply itself, set.
var ownFlags = map[string]string{ //nolint:gochecknoglobals // a constant table
	"--web.listen-address": "listen", "--web.config.file": "web_config", "--probe.interval": "probe_interval_seconds", "--probe.mount": "mounts",
}

// exporter checks how gluster_exporter is to run. No file is looked at: the file is the same on every node.
func (v validator) exporter(e Exporter, n *node) {
	if f := n.get("listen"); f != nil && !f.bad {
		v.listen(e.Listen, f)
	}
	if f := n.get("probe_interval_seconds"); f != nil && !f.bad && (*e.ProbeInterval < 0 || *e.ProbeInterval > maxProbeInterval) {
		v.r.at(f, fmt.Sprintf("exporter.probe_interval_seconds %d is out of range", *e.ProbeInterval), fmt.Sprintf("write seconds from 0, which never probes, to %d", maxProbeInterval))
	}
	if f := n.get("web_config"); f != nil && !f.bad && (!path.IsAbs(e.WebConfig) || path.Clean(e.WebConfig) != e.WebConfig || !exporterFlag.MatchString("--a="+e.WebConfig)) {
		v.r.at(f, fmt.Sprintf("exporter.web_config %q is no plain absolute path", e.WebConfig), "write a path such as /etc/brickyard/web.yaml")
	}
	flags := n.get("flags")
	if flags == nil || flags.kind != kindList {
		return
	}
	for i, item := range flags.items {
		if item.bad {
			continue
		}
		flag := e.Flags[i]
		name, _, _ := strings.Cut(flag, "=")
		switch key, ours := ownFlags[name]; {
		case !exporterFlag.MatchString(flag):
			v.r.at(item, fmt.Sprintf("%q is no flag of gluster_exporter", flag), "write --NAME or --NAME=VALUE without spaces, such as --collector.heal-info")
		case ours && key == "mounts":
			v.r.at(item, name+" is set by apply: every client mount of the node is probed", "remove it")
		case ours:
			v.r.at(item, name+" has a key of its own", "write exporter."+key+" instead")
		}
	}
}

func (v validator) listen(address string, n *node) {
	const hint = "write :9189 for all addresses of a node, address:9189 for the one that it has under nodes, or an IP address that every node has, such as 127.0.0.1:9189"
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		v.r.at(n, fmt.Sprintf("exporter.listen %q is no address with a port", address), hint)
		return
	}
	if number, err := strconv.Atoi(port); err != nil || number < 1 || number > 65535 {
		v.r.at(n, fmt.Sprintf("exporter.listen %q: port %q is not from 1 to 65535", address, port), hint)
	}
	if _, err := netip.ParseAddr(host); err != nil && host != "" && host != OwnAddress {
		v.r.at(n, fmt.Sprintf("exporter.listen %q: %q is no IP address", address, host), hint)
	}
}
