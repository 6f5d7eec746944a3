// Package secureaccess refuses what would ask the other glusterds of a pool that
// encrypts its management connections: no answer comes over these, and "no
// answer" must not be taken for "offline".
package secureaccess

import (
	"errors"

	"brickyard/gluster"
	"brickyard/setup/change"
)

// Problem is why nobody is asked there.
const Problem = "glusterd of this pool encrypts its management connections (" + gluster.SecureAccess + "), " +
	"which gluster-setup does not manage yet"

const remedy = "manage the pool with GlusterFS's own commands, or switch that encryption off on all nodes: " +
	"docs/security.md, \"Encrypted management connections\""

// Err has the problem and its remedy.
var Err = errors.New(Problem + "; " + remedy) //nolint:gochecknoglobals // a constant

// Refuse is a refusal where this node's glusterd encrypts its management connections.
func Refuse() error {
	if gluster.EncryptsManagement() {
		return change.Refused(Err)
	}
	return nil
}

// Conflicts are those that stop plan and apply there.
func Conflicts() []change.Conflict {
	if !gluster.EncryptsManagement() {
		return nil
	}
	return []change.Conflict{{Code: "management-tls", Object: gluster.SecureAccess, Problem: Problem, Remedy: remedy}}
}
