package gluster

// defaultStateDir is where glusterd is asked to write its state: below the directory for
// run-time files, so that nothing stays after a reboot.
const defaultStateDir = "/run/brickyard"
