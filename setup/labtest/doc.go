// Package labtest has no code, only the tests of the whole program: the real
// gluster-setup on real glusterds in network namespaces, mostly where
// something is wrong.
package labtest
