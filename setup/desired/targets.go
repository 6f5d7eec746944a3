package desired

import (
	"encoding/json"
	"fmt"
	"net"
	"net/netip"
	"regexp"
	"slices"
	"strings"

	"brickyard/setup/cluster"
)

// TargetsFile is the name of the file that ScrapeTargets is for.
const TargetsFile = "gluster.json"

// targetGroup is an entry of a file of Prometheus' file_sd_configs.
type targetGroup struct {
	Targets []string          `json:"targets"`
	Labels  map[string]string `json:"labels"`
}

// labelName is what Prometheus takes for the name of a label. Those that begin with two underscores are its own, and change how it asks.
var labelName = regexp.MustCompile(`^[a-zA-Z_][a-zA-Z0-9_]*$`)

// ScrapeTargets returns the exporters of a cluster as JSON for Prometheus' file_sd_configs: every node with bricks or mounts, in the order of
// the cluster file, with the labels given and the node's name as instance. Exporters that the cluster file does not ask for are taken to listen where they would by default.
func ScrapeTargets(c *cluster.Cluster, byAddress bool, labels map[string]string) (string, error) {
	listen := cluster.DefaultExporterListen
	if c.Exporter != nil {
		listen = c.Exporter.Listen
	}
	host, port, err := net.SplitHostPort(listen)
	if err != nil {
		return "", fmt.Errorf("%s: exporter.listen %q: %w", c.Source, listen, err)
	}
	if ip, err := netip.ParseAddr(host); err == nil && ip.IsLoopback() {
		return "", fmt.Errorf("%s: exporter.listen %s answers nobody but its own node: write :%s or %s:%s", c.Source, listen, port, cluster.OwnAddress, port)
	}
	for name := range labels {
		if !labelName.MatchString(name) || name == "instance" {
			return "", fmt.Errorf("%q cannot be the name of a label: write letters, digits and _, such as cluster; instance is the node's name", name)
		}
	}
	groups := []targetGroup{}
	for _, name := range c.NodeOrder {
		if !busy(c, name) {
			continue
		}
		target := name
		if byAddress {
			target = c.Nodes[name].Address
		}
		group := targetGroup{Targets: []string{net.JoinHostPort(target, port)}, Labels: map[string]string{"instance": name}}
		for label, value := range labels {
			group.Labels[label] = value
		}
		groups = append(groups, group)
	}
	if len(groups) == 0 {
		return "", fmt.Errorf("%s: no node has bricks or mounts, so there is nobody to ask: add volumes", c.Source)
	}
	var out strings.Builder
	e := json.NewEncoder(&out)
	e.SetEscapeHTML(false)
	e.SetIndent("", "    ")
	err = e.Encode(groups)
	return out.String(), err
}

// busy reports whether a node has bricks or mounts, and so an exporter.
func busy(c *cluster.Cluster, node string) bool {
	for _, v := range c.Volumes {
		if slices.Contains(v.Bricks.Nodes, node) {
			return true
		}
	}
	return slices.ContainsFunc(c.Mounts, func(m cluster.Mount) bool { return slices.Contains(m.Nodes, node) })
}
