package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"time"
)

// healedCmd waits on a host.
type healedCmd struct {
	Limit time.Duration `default:"15m"`
}

// Run looks once a second: each look asks the self-heal daemon to count what it
// is healing, and more of that slows it down.
func (c *healedCmd) Run(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, c.Limit)
	defer cancel()
	for {
		out, err := exec.CommandContext(ctx, "gluster-setup", "status").CombinedOutput()
		if err == nil {
			fmt.Printf("%.2f\n", float64(time.Now().UnixMilli())/1e3)
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("not healed: %s", bytes.TrimSpace(out))
		case <-time.After(time.Second):
		}
	}
}

const copyPort = "7999"

type receiveCmd struct {
	Dir string `arg:""`
}

// Run takes one stream of tar.
func (c *receiveCmd) Run(ctx context.Context) error {
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", ":"+copyPort)
	if err != nil {
		return err
	}
	defer l.Close() //nolint:errcheck // one connection was all
	conn, err := l.Accept()
	if err != nil {
		return err
	}
	defer conn.Close() //nolint:errcheck // read to its end
	return stream(ctx, conn, nil, "tar", "-C", c.Dir, "-xf", "-")
}

type sendCmd struct {
	Dir     string `arg:""`
	Address string `arg:""`
}

// Run sends one stream of tar, and prints the seconds until the other side had all of it.
func (c *sendCmd) Run(ctx context.Context) error {
	began := time.Now()
	var conn net.Conn
	var err error
	for range 1200 { // two minutes
		if conn, err = (&net.Dialer{}).DialContext(ctx, "tcp", net.JoinHostPort(c.Address, copyPort)); err == nil {
			break
		}
		time.Sleep(100 * time.Millisecond)
		began = time.Now()
	}
	if err != nil {
		return err
	}
	tcp, ok := conn.(*net.TCPConn)
	if !ok {
		return errors.New("no TCP connection")
	}
	if err := stream(ctx, nil, tcp, "tar", "-C", c.Dir, "-cf", "-", "."); err != nil {
		return err
	}
	if err := tcp.CloseWrite(); err != nil {
		return err
	}
	if _, err := tcp.Read(make([]byte, 1)); err == nil {
		return errors.New("the receiver sent something")
	}
	fmt.Printf("%.2f\n", since(began))
	return tcp.Close()
}

func stream(ctx context.Context, in, out net.Conn, argv ...string) error {
	cmd := exec.CommandContext(ctx, argv[0], argv[1:]...)
	cmd.Stderr = os.Stderr
	if in != nil {
		cmd.Stdin = in
	}
	if out != nil {
		cmd.Stdout = out
	}
	return cmd.Run()
}
