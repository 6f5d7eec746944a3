// Package impostor is what a user without privileges can do to be taken for GlusterFS: a process with the arguments of one
// of its daemons, and a unix socket on which every question is answered with "done, and there is nothing". Tests have it
// run on their hosts and nodes.
package impostor

import (
	"context"
	"encoding/binary"
	"io"
	"net"
	"os"
	"os/exec"
	"runtime"
	"syscall"

	"golang.org/x/sys/unix"

	"brickyard/gluster/dict"
	"brickyard/gluster/xdr"
)

// waits makes a program that begins with Main one that only waits, whatever its arguments are.
const waits = "BRICKYARD_IMPOSTOR_WAITS"

// Main ends this process when its parent ends, where it was started by Pose. Programs that call Pose call it first.
func Main() {
	if os.Getenv(waits) != "" {
		select {}
	}
}

// Pose starts a process with each of the argument lists, listens on the socket and answers, until ctx ends. It returns
// what kept it from that.
func Pose(ctx context.Context, socket string, arguments ...[]string) error {
	_ = os.Remove(socket) //nolint:errcheck // it may not be there
	listener, err := (&net.ListenConfig{}).Listen(ctx, "unix", socket)
	if err != nil {
		return err
	}
	defer listener.Close() //nolint:errcheck // the process ends
	runtime.LockOSThread() // the processes end with the thread that started them
	for _, argv := range arguments {
		cmd := exec.CommandContext(ctx, "/proc/self/exe")
		cmd.Args, cmd.Env = argv, []string{waits + "=yes"}
		cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: unix.SIGKILL}
		if err := cmd.Start(); err != nil {
			return err
		}
		go func() { _ = cmd.Wait() }() //nolint:errcheck // it may be killed
	}
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go answer(conn)
		}
	}()
	<-ctx.Done()
	return nil
}

// answer says to every call that the heals of both bricks of a replica set have found nothing.
func answer(conn net.Conn) {
	defer conn.Close() //nolint:errcheck // nobody to tell
	nothing := dict.New(map[string]string{"0-0-hardlinks": "0", "0-1-hardlinks": "0"}).Marshal()
	for {
		var head [4]byte
		if _, err := io.ReadFull(conn, head[:]); err != nil {
			return
		}
		call := make([]byte, binary.BigEndian.Uint32(head[:])&0xffff)
		if _, err := io.ReadFull(conn, call); err != nil || len(call) < 4 {
			return
		}
		reply := append([]byte{}, call[:4]...)
		for _, word := range []uint32{1, 0, 0, 0, 0} { // a reply, accepted, without a verifier, done
			reply = xdr.AppendUint32(reply, word)
		}
		reply = xdr.AppendInt32(xdr.AppendInt32(reply, 0), 0) // op_ret, op_errno
		reply = xdr.AppendOpaque(xdr.AppendOpaque(reply, nothing), "")
		framed := binary.BigEndian.AppendUint32(nil, uint32(len(reply))|1<<31) //nolint:gosec // some bytes
		if _, err := conn.Write(append(framed, reply...)); err != nil {
			return
		}
	}
}
