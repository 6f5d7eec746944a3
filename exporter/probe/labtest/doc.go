// Package labtest tests the prober on real GlusterFS mounts.
package labtest
