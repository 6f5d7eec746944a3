package gluster_test

import (
	"encoding/xml"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"

	"brickyard/gluster"
)

// What "gluster --xml" prints, as far as this package reads the same by socket.
type (
	xmlOutput struct {
		OpRet    int         `xml:"opRet"`
		OpErrstr string      `xml:"opErrstr"`
		Peers    []xmlPeer   `xml:"peerStatus>peer"`
		Names    []string    `xml:"volList>volume"`
		Volumes  []xmlVolume `xml:"volInfo>volumes>volume"`
		Status   []xmlStatus `xml:"volStatus>volumes>volume"`
	}
	xmlPeer struct {
		UUID      string   `xml:"uuid"`
		Hostname  string   `xml:"hostname"`
		Hostnames []string `xml:"hostnames>hostname"`
		Connected int      `xml:"connected"`
		State     int      `xml:"state"`
		StateStr  string   `xml:"stateStr"`
	}
	xmlVolume struct {
		Name       string      `xml:"name"`
		ID         string      `xml:"id"`
		Status     int         `xml:"status"`
		StatusStr  string      `xml:"statusStr"`
		Snapshots  int         `xml:"snapshotCount"`
		BrickCount int         `xml:"brickCount"`
		Distribute int         `xml:"distCount"`
		Replica    int         `xml:"replicaCount"`
		Arbiter    int         `xml:"arbiterCount"`
		Disperse   int         `xml:"disperseCount"`
		Redundancy int         `xml:"redundancyCount"`
		Type       int         `xml:"type"`
		TypeStr    string      `xml:"typeStr"`
		Transport  int         `xml:"transport"`
		Bricks     []xmlBrick  `xml:"bricks>brick"`
		OptCount   int         `xml:"optCount"`
		Options    []xmlOption `xml:"options>option"`
	}
	xmlBrick struct {
		Name      string `xml:"name"`
		HostUUID  string `xml:"hostUuid"`
		IsArbiter int    `xml:"isArbiter"`
	}
	xmlOption struct {
		Name  string `xml:"name"`
		Value string `xml:"value"`
	}
	xmlStatus struct {
		Name  string    `xml:"volName"`
		Count int       `xml:"nodeCount"`
		Nodes []xmlNode `xml:"node"`
	}
	xmlNode struct {
		Hostname    string  `xml:"hostname"`
		Path        string  `xml:"path"`
		PeerID      string  `xml:"peerid"`
		Status      int     `xml:"status"`
		Port        string  `xml:"port"`
		PID         int     `xml:"pid"`
		SizeTotal   *uint64 `xml:"sizeTotal"`
		SizeFree    uint64  `xml:"sizeFree"`
		Device      string  `xml:"device"`
		BlockSize   uint64  `xml:"blockSize"`
		MntOptions  string  `xml:"mntOptions"`
		FSName      string  `xml:"fsName"`
		InodeSize   uint64  `xml:"inodeSize"`
		InodesTotal uint64  `xml:"inodesTotal"`
		InodesFree  uint64  `xml:"inodesFree"`
	}
)

// parseXML reads a document of the gluster program that tells of success.
func parseXML(t testing.TB, doc string) xmlOutput {
	t.Helper()
	var out xmlOutput
	if err := xml.Unmarshal([]byte(doc), &out); err != nil {
		t.Fatalf("%v\n%s", err, doc)
	}
	if out.OpRet != 0 {
		t.Fatalf("gluster: %s", out.OpErrstr)
	}
	return out
}

func (p xmlPeer) peer(t testing.TB) gluster.Peer {
	t.Helper()
	peer := gluster.Peer{
		UUID: p.UUID, Names: []string{p.Hostname},
		Connected: p.Connected == 1, State: gluster.PeerState(p.State), Local: p.Hostname == "localhost",
	}
	for _, name := range p.Hostnames {
		if !slices.Contains(peer.Names, name) {
			peer.Names = append(peer.Names, name)
		}
	}
	if peer.Local {
		peer.State = gluster.PeerInCluster // not in the document
	} else if peer.State.String() != p.StateStr {
		t.Errorf("state %d is %q, the command line says %q", p.State, peer.State, p.StateStr)
	}
	return peer
}

func (v xmlVolume) volume(t testing.TB) gluster.Volume {
	t.Helper()
	volume := gluster.Volume{
		Name: v.Name, ID: v.ID, Type: gluster.VolumeType(v.Type), Status: gluster.VolumeStatus(v.Status),
		Transport: []string{"tcp", "rdma", "tcp,rdma"}[v.Transport],
		Replica:   v.Replica, Arbiter: v.Arbiter, Disperse: v.Disperse, Redundancy: v.Redundancy,
		Distribute: v.Distribute, Snapshots: v.Snapshots, Options: map[string]string{},
	}
	for _, b := range v.Bricks {
		brick, err := gluster.ParseBrick(b.Name)
		if err != nil {
			t.Error(err)
		}
		brick.PeerUUID, brick.Arbiter = b.HostUUID, b.IsArbiter == 1
		volume.Bricks = append(volume.Bricks, brick)
	}
	for _, o := range v.Options {
		volume.Options[o.Name] = o.Value
	}
	if got := volume.Type.String(); got != v.TypeStr {
		t.Errorf("%s: type %d is %q, the command line says %q", v.Name, v.Type, got, v.TypeStr)
	}
	if got := volume.Status.String(); got != v.StatusStr {
		t.Errorf("%s: status %d is %q, the command line says %q", v.Name, v.Status, got, v.StatusStr)
	}
	if len(v.Bricks) != v.BrickCount || len(v.Options) != v.OptCount {
		t.Errorf("%s: %d of %d bricks, %d of %d options", v.Name, len(v.Bricks), v.BrickCount, len(v.Options), v.OptCount)
	}
	return volume
}

func (s xmlStatus) status(t testing.TB) gluster.Status {
	t.Helper()
	status := gluster.Status{Volume: s.Name}
	if len(s.Nodes) != s.Count {
		t.Errorf("%s: %d of %d nodes", s.Name, len(s.Nodes), s.Count)
	}
	for _, n := range s.Nodes {
		port := 0
		if n.Port != "N/A" {
			var err error
			if port, err = strconv.Atoi(n.Port); err != nil {
				t.Error(err)
			}
		}
		if n.Hostname == "Self-heal Daemon" {
			status.Services = append(status.Services, gluster.ServiceStatus{
				Name: n.Hostname, Host: n.Path, PeerUUID: n.PeerID, Online: n.Status == 1, Port: port, PID: n.PID,
			})
			continue
		}
		b := gluster.BrickStatus{
			Host: n.Hostname, Path: n.Path, PeerUUID: n.PeerID, Online: n.Status == 1, Port: port, PID: n.PID,
		}
		if n.SizeTotal != nil {
			b.Detail = &gluster.BrickDetail{
				TotalBytes: *n.SizeTotal, FreeBytes: n.SizeFree, TotalInodes: n.InodesTotal, FreeInodes: n.InodesFree,
				BlockSize: n.BlockSize, InodeSize: n.InodeSize,
				Device: n.Device, Filesystem: n.FSName, MountOptions: n.MntOptions,
			}
		}
		status.Bricks = append(status.Bricks, b)
	}
	slices.SortFunc(status.Services, func(a, b gluster.ServiceStatus) int { return strings.Compare(a.PeerUUID, b.PeerUUID) })
	return status
}

// fields counts the values that a comparison of v covers.
func fields(v any) int {
	switch v := v.(type) {
	case []gluster.Peer:
		n := 0
		for _, p := range v {
			n += 4 + len(p.Names)
		}
		return n
	case []gluster.Volume:
		n := 0
		for _, v := range v {
			n += 11 + 4*len(v.Bricks) + len(v.Options)
		}
		return n
	case gluster.Status:
		n := 6*len(v.Bricks) + 6*len(v.Services)
		for _, b := range v.Bricks {
			if b.Detail != nil {
				n += 9
			}
		}
		return n
	default:
		panic(fmt.Sprintf("%T", v))
	}
}
