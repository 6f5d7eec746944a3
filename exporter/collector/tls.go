package collector

import (
	"context"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"brickyard/exporter/node"
	"brickyard/gluster"
)

func tls(dirs []string) Collector {
	expires := gauge("tls_certificate_expiry_timestamp_seconds", "When the first of the certificates in the file expires, in seconds since 1970.", "file")
	management := gauge("tls_management", "Whether glusterd encrypts its own connections on this node (the file secure-access): nodes that differ cannot talk to each other.")
	return Collector{
		Name: "tls", Help: "when GlusterFS's certificates expire", Cost: "a few small files, where they are",
		Metrics: []*Metric{expires, management},
		collect: func(_ context.Context, s *node.Scrape, to sink) error {
			to.is(management, node.Exists(gluster.SecureAccess))
			// Where glusterd does not answer, what volumes name is as it last was.
			volumes, _ := s.Volumes() //nolint:errcheck // the collector of volumes says it
			var errs []error
			for _, path := range distinct(certificateFiles(dirs, volumes)) {
				at, err := firstExpiry(path)
				if errors.Is(err, fs.ErrNotExist) {
					continue
				}
				if err != nil {
					errs = append(errs, err)
					continue
				}
				to.set(expires, float64(at.Unix()), path)
			}
			return errors.Join(errs...)
		},
	}
}

// certificateFiles are where GlusterFS may read certificates: those of the builds, in order, and what volumes name (options of
// rpc/rpc-transport/socket, 9 to 11).
func certificateFiles(dirs []string, volumes []node.Volume) []string {
	var paths []string
	for _, dir := range dirs {
		paths = append(paths, filepath.Join(dir, "glusterfs.pem"), filepath.Join(dir, "glusterfs.ca"))
	}
	for _, v := range volumes {
		for _, option := range []string{"ssl.own-cert", "ssl.ca-list"} {
			if path := v.Options[option]; filepath.IsAbs(path) {
				paths = append(paths, filepath.Clean(path))
			}
		}
	}
	return paths
}

// distinct leaves out files that are one with a former one, by a link or by name, and keeps those that are not there.
func distinct(paths []string) []string {
	var out []string
	var seen []fs.FileInfo
	for _, path := range paths {
		st, err := os.Stat(path)
		if err == nil && slices.ContainsFunc(seen, func(other fs.FileInfo) bool { return os.SameFile(st, other) }) || slices.Contains(out, path) {
			continue
		}
		if err == nil {
			seen = append(seen, st)
		}
		out = append(out, path)
	}
	return out
}

var errNoCertificate = errors.New("it holds no certificate")

// firstExpiry reads a file of certificates in PEM.
func firstExpiry(path string) (time.Time, error) {
	text, err := os.ReadFile(path) //nolint:gosec // where the administrator keeps certificates
	if err != nil {
		return time.Time{}, err
	}
	var first time.Time
	for block, rest := pem.Decode(text); block != nil; block, rest = pem.Decode(rest) {
		if block.Type != "CERTIFICATE" {
			continue
		}
		cert, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return time.Time{}, fmt.Errorf("%s: %w", path, err)
		}
		if first.IsZero() || cert.NotAfter.Before(first) {
			first = cert.NotAfter
		}
	}
	if first.IsZero() {
		return first, fmt.Errorf("%s: %w", path, errNoCertificate)
	}
	return first, nil
}
