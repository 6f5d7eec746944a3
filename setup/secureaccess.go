package main

import (
	"errors"

	"brickyard/gluster"
	"brickyard/setup/change"
	"brickyard/setup/status"
)

// errEncrypted refuses what asks other glusterds: over a connection that they encrypt no answer comes, and "no answer" must
// not be taken for "offline".
var errEncrypted = errors.New(status.Encrypted + "; " + encryptedRemedy) //nolint:gochecknoglobals // a constant

const encryptedRemedy = "manage the pool with GlusterFS's own commands, or switch that encryption off on all nodes: docs/security.md, \"Encrypted management connections\""

// unencrypted is an error that ends with status 3 where this node's glusterd encrypts its management connections.
func unencrypted() error {
	if gluster.EncryptsManagement() {
		return refusedError{errEncrypted}
	}
	return nil
}

// encrypted is the conflict that stops plan and apply there.
func encrypted() []change.Conflict {
	if !gluster.EncryptsManagement() {
		return nil
	}
	return []change.Conflict{{Code: "management-tls", Object: gluster.SecureAccess, Problem: status.Encrypted, Remedy: encryptedRemedy}}
}
