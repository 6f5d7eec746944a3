package actual

import (
	"reflect"
	"strings"
	"time"

	"brickyard/gluster"
)

// version is one state of a volume, and what was seen of its changes.
type version struct {
	number  uint64
	volume  gluster.Volume
	starts  int
	changed time.Time // by persons; zero before the first time
}

// after is the version of a volume that had the one before. A change that changes nothing but the number of changes is a
// start of the bricks of a volume that is started, by whichever node (glusterd_op_start_volume, glusterd-volume-ops.c, 10.3).
func (v version) after(before version, now time.Time) version {
	v.starts, v.changed = before.starts, before.changed
	switch {
	case before.number == v.number:
	case before.number+1 == v.number && reflect.DeepEqual(before.volume, v.volume):
		v.starts++
	case !reflect.DeepEqual(withoutWords(before.volume), withoutWords(v.volume)):
		v.changed = now
	}
	return v
}

// withoutWords is a volume without what nodes tell each other in its options.
func withoutWords(v gluster.Volume) gluster.Volume {
	options := map[string]string{}
	for name, value := range v.Options {
		if !strings.HasPrefix(name, OwnWords) {
			options[name] = value
		}
	}
	v.Options = options
	return v
}

// compare looks which volumes changed since the last look.
func (o *Observer) compare(volumes []gluster.Volume) {
	if o.Version == nil {
		return
	}
	now := map[string]version{}
	for _, v := range volumes {
		number, err := o.Version(v.Name)
		if err != nil {
			continue // nothing is known of it, and nothing is concluded
		}
		state := version{number: number, volume: v}
		if before, ok := o.before[v.Name]; ok {
			state = state.after(before, o.Now())
		}
		now[v.Name] = state
	}
	o.before = now
}
