package gluster

import (
	"context"
	"net"

	"brickyard/gluster/dict"
)

// DialForTest gives the Dialer of a unix socket.
func DialForTest(socket string) func(ctx context.Context) (net.Conn, error) {
	return func(ctx context.Context) (net.Conn, error) { return dial(ctx, "unix", socket) }
}

// DecodePeers decodes the body of a reply to LIST_FRIENDS.
func DecodePeers(body []byte) ([]Peer, error) {
	r, err := decodePeerList(body)
	if err != nil {
		return nil, err
	}
	return parsePeers(r.dict)
}

// DecodeVolume decodes the body of a reply to GET_VOLUME.
func DecodeVolume(body []byte) (Volume, error) {
	r, err := decodeCLIResult(body)
	if err != nil {
		return Volume{}, err
	}
	return parseVolume(r.dict)
}

// DecodeNames decodes the body of a reply to LIST_VOLUME.
func DecodeNames(body []byte) ([]string, error) {
	r, err := decodeCLIResult(body)
	if err != nil {
		return nil, err
	}
	return parseNames(r.dict)
}

// DecodeStatus decodes the body of a reply to STATUS_VOLUME.
func DecodeStatus(body []byte) (Status, error) {
	r, err := decodeCLIResult(body)
	if err != nil {
		return Status{}, err
	}
	return parseStatus(r.dict)
}

// DecodeClients decodes the body of a brick's reply.
func DecodeClients(body []byte) ([]BrickPeer, error) {
	_, pairs, err := decodeBrickResult(body)
	if err != nil {
		return nil, err
	}
	d, err := dict.Unmarshal(pairs)
	if err != nil {
		return nil, err
	}
	return parseClients(d)
}

// DecodeCrawls decodes the body of a self-heal daemon's reply.
func DecodeCrawls(body []byte, replicaSets int) (crawls []Crawl, served bool, err error) {
	_, pairs, err := decodeBrickResult(body)
	if err != nil {
		return nil, false, err
	}
	return parseCrawls(pairs, replicaSets)
}

// DecodeProfile decodes the body of a brick's reply.
func DecodeProfile(body []byte) (Profile, error) {
	_, pairs, err := decodeBrickResult(body)
	if err != nil {
		return Profile{}, err
	}
	return parseProfile(pairs)
}

// DecodePendingHeals decodes the body of a self-heal daemon's reply.
func DecodePendingHeals(body []byte, replicaSets int) ([]PendingHeal, error) {
	_, pairs, err := decodeBrickResult(body)
	if err != nil {
		return nil, err
	}
	d, err := dict.Unmarshal(pairs)
	if err != nil {
		return nil, err
	}
	return parsePendingHeals(d, replicaSets), nil
}

// DecodeSpec decodes the body of a reply to GETSPEC.
func DecodeSpec(body []byte) (text string, err error) {
	s, err := decodeSpec(body)
	return s.text, err
}

// SortProcess sorts a process by what /proc says are its arguments, as if it were proven to be GlusterFS's.
func SortProcess(cmdline []byte) (p Processes, ours bool) {
	args := parseArguments(cmdline)
	return p, args != nil && p.add(1, args)
}

// ParseHealSummary reads what the gluster program prints of "heal info summary".
func ParseHealSummary(doc []byte) ([]HealSummary, error) { return parseHealSummary(doc) }

// ParseCLI reads what the gluster program prints of a command.
func ParseCLI(cmd Command, doc []byte) error { return parseCLI(cmd, doc) }
