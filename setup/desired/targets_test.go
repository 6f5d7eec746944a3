package desired_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"brickyard/setup/cluster"
	"brickyard/setup/desired"
)

const scraped = `
nodes:
  b1: {address: 10.0.0.1}
  b2: {address: 10.0.0.2}
  idle: {address: 10.0.0.3}
  web: {address: 10.0.0.4}
volumes:
  v: {replica: 2, bricks: {nodes: [b1, b2], tmpfs: {mount: /b, size: 64m}}}
mounts:
  - {volume: v, path: /c, nodes: [web]}
`

func parsed(t *testing.T, text string) *cluster.Cluster {
	t.Helper()
	c, err := cluster.Parse("cluster.yaml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestScrapeTargets(t *testing.T) {
	t.Parallel()
	group := func(target, labels string) string {
		return "    {\n        \"targets\": [\n            \"" + target + "\"\n        ],\n        \"labels\": {\n" + labels + "\n        }\n    }"
	}
	instance := func(name string) string { return `            "instance": "` + name + `"` }
	for name, test := range map[string]struct {
		exporter  string
		byAddress bool
		labels    map[string]string
		want      []string
	}{
		"nodes with bricks or mounts, by name": {
			"exporter: {}", false, nil,
			[]string{group("b1:9189", instance("b1")), group("b2:9189", instance("b2")), group("web:9189", instance("web"))},
		},
		"by address": {
			"exporter: {listen: 'address:9000'}", true, nil,
			[]string{group("10.0.0.1:9000", instance("b1")), group("10.0.0.2:9000", instance("b2")), group("10.0.0.4:9000", instance("web"))},
		},
		"labels of the reader": {
			"", false, map[string]string{"cluster": "a<b"},
			[]string{
				group("b1:9189", `            "cluster": "a<b",`+"\n"+instance("b1")), group("b2:9189", `            "cluster": "a<b",`+"\n"+instance("b2")),
				group("web:9189", `            "cluster": "a<b",`+"\n"+instance("web")),
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			have, err := desired.ScrapeTargets(parsed(t, scraped+test.exporter), test.byAddress, test.labels)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff("[\n"+strings.Join(test.want, ",\n")+"\n]\n", have); diff != "" {
				t.Errorf("-want +have:\n%s", diff)
			}
		})
	}
}

func TestScrapeTargetsWithIPv6Addresses(t *testing.T) {
	t.Parallel()
	have, err := desired.ScrapeTargets(parsed(t, strings.ReplaceAll(scraped, "10.0.0.", "2001:db8::")), true, nil)
	if err != nil || !strings.Contains(have, `"[2001:db8::2]:9189"`) {
		t.Errorf("%v, want addresses in brackets:\n%s", err, have)
	}
}

func TestScrapeTargetsThatNobodyCouldUse(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		text   string
		labels map[string]string
		want   string
	}{
		"loopback": {
			scraped + "exporter: {listen: '127.0.0.1:9189'}", nil,
			"cluster.yaml: exporter.listen 127.0.0.1:9189 answers nobody but its own node: write :9189 or address:9189",
		},
		"no bricks": {"nodes: {a: {address: 10.0.0.1}}", nil, "cluster.yaml: no node has bricks or mounts, so there is nobody to ask: add volumes"},
		"label":     {scraped, map[string]string{"a-b": "c"}, `"a-b" cannot be the name of a label: write letters, digits and _, such as cluster; instance is the node's name`},
		"instance":  {scraped, map[string]string{"instance": "c"}, `"instance" cannot be the name of a label: write letters, digits and _, such as cluster; instance is the node's name`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := desired.ScrapeTargets(parsed(t, test.text), false, test.labels)
			if err == nil || err.Error() != test.want {
				t.Errorf("error %v\nwant  %s", err, test.want)
			}
		})
	}
}
