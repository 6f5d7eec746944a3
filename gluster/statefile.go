package gluster

import (
	"fmt"
	"strconv"
	"strings"
)

// State is what one glusterd knows, as it writes it for get-state.
type State struct {
	// UUID identifies the node.
	UUID string
	// OpVersion is the level of features that the pool uses, such as 100000 for GlusterFS 10.
	OpVersion int
	// Options are those of the pool (volume name "all").
	Options map[string]string
	// Peers are the other nodes.
	Peers []Peer
	// Volumes are all volumes of the pool.
	Volumes []VolumeState
}

// VolumeState is a volume as one node sees it.
type VolumeState struct {
	Name, ID string
	// Type is as VolumeType.String gives it.
	Type   string
	Status VolumeStatus
	// Profiling says whether bricks count and time file operations.
	Profiling bool
	// ServerQuorum is "not_applicable", "meets" or "does_not_meet".
	ServerQuorum string
	// SelfHealOnline says whether this node's self-heal daemon serves the volume. False before GlusterFS 7,
	// which does not tell for each volume.
	SelfHealOnline bool
	// Rebalance is GlusterFS's own word, such as "not_started".
	Rebalance string
	Bricks    []BrickState
	// Options are those that were set.
	Options map[string]string
}

// BrickState is a brick as one node sees it. All but Brick is known of its own bricks only.
type BrickState struct {
	// Brick lacks PeerUUID, which the state does not tell.
	Brick
	// Local is true for a brick of the asked node.
	Local bool
	// Online says that glusterd has started the brick's process and the process has not ended.
	Online bool
	// Registered says that the process has told glusterd its port: clients can connect.
	Registered bool
	// Port is the TCP port, 0 where there is none.
	Port int
	// FreeBytes and TotalBytes are of the file system below the brick.
	FreeBytes, TotalBytes uint64
}

// section holds the lines of one [section].
type section map[string]string

// ParseState reads a file that glusterd_get_state wrote (glusterd-handler.c, 10.3). Keys that it does not know
// are skipped, missing ones are zero.
func ParseState(b []byte) (State, error) {
	if len(b) > maxState {
		return State{}, fmt.Errorf("state is longer than %d bytes", maxState)
	}
	sections, err := parseSections(string(b))
	if err != nil {
		return State{}, err
	}
	global, ok := sections["Global"]
	if !ok || global["MYUUID"] == "" {
		return State{}, errNoKey("MYUUID")
	}
	s := State{UUID: global["MYUUID"], Options: sections["Global options"]}
	if s.OpVersion, err = strconv.Atoi(global["op-version"]); err != nil {
		return State{}, fmt.Errorf("op-version: %w", notNumber(err))
	}
	peers := sections["Peers"]
	for i := 1; ; i++ {
		key := fmt.Sprintf("Peer%d.", i)
		if _, ok := peers[key+"uuid"]; !ok {
			break
		}
		s.Peers = append(s.Peers, peers.peer(key))
	}
	volumes := sections["Volumes"]
	for i := 1; ; i++ {
		key := fmt.Sprintf("Volume%d.", i)
		if _, ok := volumes[key+"name"]; !ok {
			break
		}
		v, err := volumes.volume(key)
		if err != nil {
			return State{}, err
		}
		s.Volumes = append(s.Volumes, v)
	}
	// Options of volumes have their number in the key: one pass for all.
	for k, value := range volumes {
		number, rest, ok := strings.Cut(strings.TrimPrefix(k, "Volume"), ".")
		name, isOption := strings.CutPrefix(rest, "options.")
		i, err := strconv.Atoi(number)
		if ok && isOption && err == nil && i >= 1 && i <= len(s.Volumes) {
			s.Volumes[i-1].Options[name] = value
		}
	}
	return s, nil
}

// parseSections splits the text into sections of key: value.
func parseSections(text string) (map[string]section, error) {
	sections := map[string]section{}
	var current section
	number := 0
	for line := range strings.Lines(text) {
		number++
		line = strings.TrimRight(line, "\n")
		if line == "" {
			continue
		}
		if name, ok := strings.CutPrefix(line, "["); ok && strings.HasSuffix(name, "]") {
			name = strings.TrimSuffix(name, "]")
			if sections[name] == nil {
				sections[name] = section{}
			}
			current = sections[name]
			continue
		}
		key, value, ok := strings.Cut(line, ":")
		if !ok || current == nil {
			return nil, fmt.Errorf("line %d is neither a section nor key: value", number)
		}
		current[key] = strings.TrimPrefix(value, " ")
	}
	return sections, nil
}

func (s section) peer(key string) Peer {
	p := Peer{
		UUID: s[key+"uuid"], Names: []string{s[key+"primary_hostname"]},
		Connected: s[key+"connected"] == "Connected", State: peerStateNamed(s[key+"state"]),
	}
	for name := range strings.SplitSeq(s[key+"othernames"], ",") {
		if name = strings.TrimSpace(name); name != "" {
			p.Names = append(p.Names, name)
		}
	}
	return p
}

// peerStateNamed is the inverse of PeerState.String; PeerInvalid for other words.
func peerStateNamed(name string) PeerState {
	for s := range PeerInvalid {
		if s.String() == name {
			return s
		}
	}
	return PeerInvalid
}

func (s section) volume(key string) (VolumeState, error) {
	v := VolumeState{
		Name: s[key+"name"], ID: s[key+"id"], Type: s[key+"type"],
		Profiling: s[key+"profile_enabled"] == "1", ServerQuorum: s[key+"quorum_status"],
		SelfHealOnline: s[key+"shd_svc.online_status"] == "Online",
		Rebalance:      s[key+"rebalance.status"], Options: map[string]string{},
	}
	switch s[key+"status"] {
	case Started.String():
		v.Status = Started
	case Stopped.String():
		v.Status = Stopped
	}
	for i := 1; ; i++ {
		key := fmt.Sprintf("%sBrick%d.", key, i)
		path, ok := s[key+"path"]
		if !ok {
			return v, nil
		}
		b, err := s.brick(key, path)
		if err != nil {
			return v, err
		}
		v.Bricks = append(v.Bricks, b)
	}
}

func (s section) brick(key, path string) (BrickState, error) {
	brick, err := ParseBrick(path)
	if err != nil {
		return BrickState{}, err
	}
	b := BrickState{Brick: brick}
	b.Arbiter = s[key+"is_arbiter"] == "1"
	status, ok := s[key+"status"]
	if !ok {
		return b, nil
	}
	b.Local, b.Online, b.Registered = true, status == "Started", s[key+"port_registered"] == "1"
	for name, parse := range map[string]func(string) error{
		"port": func(text string) (err error) {
			b.Port, err = strconv.Atoi(text)
			return err
		},
		"spacefree":  func(text string) error { return parseBytes(text, &b.FreeBytes) },
		"spacetotal": func(text string) error { return parseBytes(text, &b.TotalBytes) },
	} {
		text, ok := s[key+name]
		if !ok {
			continue
		}
		if err := parse(text); err != nil {
			return BrickState{}, fmt.Errorf("%s%s: %w", bounded(key), name, notNumber(err))
		}
	}
	return b, nil
}

// parseBytes reads a size such as 4096Bytes.
func parseBytes(text string, to *uint64) (err error) {
	*to, err = strconv.ParseUint(strings.TrimSuffix(text, "Bytes"), 10, 64)
	return err
}
