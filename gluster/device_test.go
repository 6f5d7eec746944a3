package gluster_test

import (
	"reflect"
	"testing"

	"brickyard/gluster"
)

func TestDevices(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]gluster.Device{
		"n1:/server":             {Servers: []string{"n1"}, Volume: "server"},
		"n1:server":              {Servers: []string{"n1"}, Volume: "server"},
		"n1,n2:/server/a/b":      {Servers: []string{"n1", "n2"}, Volume: "server", Directory: "a/b"},
		"fd77::11:/server":       {Servers: []string{"fd77::11"}, Volume: "server"},
		"fd77::11:server":        {Servers: []string{"fd77::11"}, Volume: "server"},
		"n1:/server/a:/b":        {Servers: []string{"n1"}, Volume: "server", Directory: "a:/b"},
		"/dev/vdb":               {Volume: "dev", Directory: "vdb"},
		"server":                 {Volume: "server"},
		"":                       {},
		"10.0.0.1,[fd77::1]:/v/": {Servers: []string{"10.0.0.1", "[fd77::1]"}, Volume: "v"},
	} {
		if got := gluster.ParseDevice(text); !reflect.DeepEqual(got, want) {
			t.Errorf("%q: %+v, want %+v", text, got, want)
		}
	}
}
