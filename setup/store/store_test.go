package store

import (
	"maps"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// info is as glusterd 10.3 writes it, with fewer options.
const info = `type=2
count=3
status=1
sub_count=3
version=7
username=0f4b9c0e-0000-4000-8000-000000000001
transport.address-family=inet
brick-0=cache1.example.com:-cache_server-brick
brick-1=cache2.example.com:-cache_server-brick
brick-2=fd77::3:-cache_server-brick
`

// brick is a brick's file.
const brick = "uuid=0a1b2c3d-0000-4000-8000-000000000001\nhostname=cache1.example.com\npath=/cache_server/brick\n"

// healthy is a volume that glusterd reads.
func healthy() Volume {
	text := info
	return Volume{Name: "server", Info: &text, Bricks: map[string]string{
		"cache1.example.com:-cache_server-brick": brick, "cache2.example.com:-cache_server-brick": brick, "fd77::3:-cache_server-brick": brick,
	}}
}

// with is a healthy volume with another info.
func with(old, text string) Volume {
	v := healthy()
	changed := strings.Replace(*v.Info, old, text, 1)
	v.Info = &changed
	return v
}

// without is a healthy volume in which a brick's file has another text, or is missing.
func without(name string, text ...string) Volume {
	v := healthy()
	delete(v.Bricks, name)
	if len(text) > 0 {
		v.Bricks[name] = text[0]
	}
	return v
}

func TestDecide(t *testing.T) {
	t.Parallel()
	const first = "cache1.example.com:-cache_server-brick"
	more := healthy()
	maps.Copy(more.Bricks, map[string]string{"cache4.example.com:-new-brick": "", first + ".tmp": ""})
	noInfo := healthy()
	noInfo.Info = nil
	named := func(name string) Volume {
		v := noInfo
		v.Name = name
		return v
	}
	noBricks := healthy()
	noBricks.Bricks = map[string]string{}
	for name, c := range map[string]struct {
		volume Volume
		damage string
	}{
		"a healthy volume":                                    {volume: healthy()},
		"a brick's file is missing":                           {without(first), "bricks/" + first + " is missing"},
		"that of an IPv6 address is missing":                  {without("fd77::3:-cache_server-brick"), "bricks/fd77::3:-cache_server-brick is missing"},
		"all are missing":                                     {noBricks, "bricks/" + first + " is missing"},
		"a brick's file is empty":                             {without(first, ""), "bricks/" + first + " is empty"},
		"a brick's file is one of zeros":                      {without(first, strings.Repeat("\x00", 300)), "bricks/" + first + " is empty"},
		"a brick's file has empty lines":                      {without(first, "\n\n"), "bricks/" + first + " is empty"},
		"a brick's file has no end":                           {volume: without(first, "hostname=a\npa")},
		"info is missing":                                     {noInfo, "info is missing"},
		"info is empty":                                       {with(info, ""), "info is empty"},
		"info is one of zeros":                                {with(info, "\x00\x00\x00"), "info is empty"},
		"a brick is about to be added, and of another a copy": {volume: more},
		"info ends before its end":                            {volume: with("brick-2=fd77::3:-cache_server-brick\n", "brick-2=fd")},
		"info names fewer bricks than it counts":              {volume: with("count=3", "count=4")},
		"info counts fewer bricks than it names":              {volume: with("count=3", "count=2")},
		"info does not count":                                 {volume: with("count=3\n", "")},
		"info counts nonsense":                                {volume: with("count=3", "count=many")},
		"info counts without end":                             {volume: with("count=3", "count=2000000000")},
		"info counts nothing":                                 {volume: with("count=3", "count=0")},
		"info says something twice":                           {volume: with("version=7\n", "version=7\nversion=8\n")},
		"info names a brick by its path":                      {volume: with("cache1.example.com:-cache_server-brick", "cache1.example.com:/cache_server/brick")},
		"info names a brick without a host":                   {volume: with("cache1.example.com:-cache_server-brick", "-cache_server-brick")},
		"a directory that is no volume":                       {volume: named(".trash")},
		"another one":                                         {volume: named("lost+found")},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var want []Verdict
			if c.damage != "" {
				want = []Verdict{{Volume: "server", Damage: c.damage}}
			}
			if diff := cmp.Diff(want, Decide(Node{Peers: 1, Volumes: []Volume{c.volume}})); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestAVolumeStaysThatNobodyCouldGiveBack(t *testing.T) {
	t.Parallel()
	const first = "cache1.example.com:-cache_server-brick"
	damaged := []Volume{healthy(), without(first)}
	for name, c := range map[string]struct {
		node  Node
		stays string
	}{
		"without a peer":         {Node{Volumes: damaged}, "no peer could give it back"},
		"with snapshots":         {Node{Peers: 2, Snapshots: true, Volumes: damaged}, "glusterd would not start without the volumes of its snapshots either"},
		"with peers and no more": {Node{Peers: 2, Volumes: damaged}, ""},
	} {
		want := []Verdict{{Volume: "server", Damage: "bricks/" + first + " is missing", Stays: c.stays}}
		if diff := cmp.Diff(want, Decide(c.node)); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
	if got := Decide(Node{Running: true, Peers: 2, Volumes: damaged}); got != nil {
		t.Errorf("while glusterd is at it: %v", got)
	}
}
