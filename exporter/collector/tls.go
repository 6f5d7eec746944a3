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
	"time"

	"brickyard/exporter/node"
	"brickyard/gluster"
)

func tls(dir string) Collector {
	expires := gauge("tls_certificate_expiry_timestamp_seconds", "When the first of the certificates in the file expires, in seconds since 1970.", "file")
	management := gauge("tls_management", "Whether glusterd encrypts its own connections on this node (the file secure-access): nodes that differ cannot talk to each other.")
	return Collector{
		Name: "tls", Help: "when GlusterFS's certificates expire", Cost: "two small files, where they are",
		Metrics: []*Metric{expires, management},
		collect: func(_ context.Context, _ *node.Scrape, to sink) error {
			to.is(management, node.Exists(gluster.SecureAccess))
			var errs []error
			for _, name := range []string{"glusterfs.pem", "glusterfs.ca"} {
				path := filepath.Join(dir, name)
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

var errNoCertificate = errors.New("it holds no certificate")

// firstExpiry reads a file of certificates in PEM.
func firstExpiry(path string) (time.Time, error) {
	text, err := os.ReadFile(path)
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
