package host

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"io"
	"net"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"

	"golang.org/x/sys/unix"

	"guardsh/guard/proc"
)

// maxAbove bounds the way up through the processes above a session, and
// maxSockets the bytes read of the kernel's list of connections.
const (
	maxAbove   = 64
	maxSockets = 1 << 20
)

// connection is what is known of the ssh connection that a session came over.
type connection struct {
	ssh         bool
	peer, local string // addresses; "" where they are not known
}

// connectionOf finds a session's connection. The one of whoever types counts.
// The environment says it; where sudo, su or env -i dropped it there, the
// processes above are asked.
func connectionOf(env func(string) string) connection {
	if c := connectionIn(env); c.ssh {
		return c
	}
	return ownAbove()
}

// ownAbove is what the processes above this one tell: the trail and the facts
// both ask.
var ownAbove = sync.OnceValue(connectionAbove)

// Peer is the address that this process's session came from over ssh; "" where
// it did not, or where that is not known.
func Peer() string { return connectionOf(os.Getenv).peer }

// connectionIn is what sshd put into an environment. SSH_CLIENT and SSH_TTY are
// not asked: tmux leaves those of whoever started its server, and takes
// SSH_CONNECTION from the client or away.
func connectionIn(env func(string) string) connection {
	if f := strings.Fields(env("SSH_CONNECTION")); len(f) == 4 {
		return connection{true, f[0], f[2]}
	}
	return connection{}
}

// connectionAbove looks through the processes above this one.
//
// An environment is taken of the first process of the login, which is found
// through the terminals that sudo, script and guardsh put between: what is below
// it has the same or dropped it. What is above that and has no terminal is who
// keeps the terminal (sshd, a server of tmux or screen, getty) or a daemon (cron):
// its environment is that of whoever once started it. A window of tmux has what its
// client had when it was opened, and so no ssh where that was a console. Of sshd
// its socket tells, wherever it is above.
func connectionAbove() connection {
	var c connection
	var login []string // its processes, the first one last
	own := proc.Stat{Parent: unix.Getppid()}
	own.Session, _ = unix.Getsid(0)
	foreign := false
	for range maxAbove {
		if own.Parent == 0 {
			break
		}
		base, session := "/proc/"+strconv.Itoa(own.Parent), own.Session
		var err error
		if own, err = proc.At(base); err != nil {
			break
		}
		foreign = foreign || own.Session != session && own.TTY == 0
		switch own.Name {
		case "sshd", "sshd-session", "dropbear":
			if above := connectionAt(login); above.ssh {
				return above
			}
			c.ssh, login = true, nil
			if c.peer, c.local = socketOf(base); c.peer != "" {
				return c
			}
			foreign = true // its parent is sshd, too, and may have it
			continue
		}
		if c.ssh {
			return c
		}
		if !foreign {
			login = append(login, base)
		}
	}
	if !c.ssh {
		c = connectionAt(login)
	}
	return c
}

// connectionAt is what the environment of the last process says that can be read:
// another user's cannot.
func connectionAt(login []string) connection {
	for _, base := range slices.Backward(login) {
		if b, err := proc.ReadFile(base + "/environ"); err == nil {
			return connectionIn(variable(b))
		}
	}
	return connection{}
}

// variable reads an environment as /proc has it.
func variable(environ []byte) func(string) string {
	return func(name string) string {
		for kv := range bytes.SplitSeq(environ, []byte{0}) {
			if v, ok := bytes.CutPrefix(kv, []byte(name+"=")); ok {
				return string(v)
			}
		}
		return ""
	}
}

// socketOf gives the addresses of a process's first TCP connection: what
// sshd forwards comes behind its own.
func socketOf(base string) (peer, local string) {
	entries, _ := os.ReadDir(base + "/fd") // root's to read
	descriptors := map[string]int{}        // by the socket's inode
	for _, e := range entries {
		to, _ := os.Readlink(base + "/fd/" + e.Name())
		inode, ok := strings.CutPrefix(to, "socket:[")
		if n, err := strconv.Atoi(e.Name()); ok && err == nil {
			descriptors[strings.TrimSuffix(inode, "]")] = n
		}
	}
	if len(descriptors) == 0 {
		return "", ""
	}
	first := -1
	for _, table := range [...]string{"/net/tcp", "/net/tcp6"} {
		f, err := os.Open(base + table)
		if err != nil {
			continue
		}
		for sc := bufio.NewScanner(io.LimitReader(f, maxSockets)); sc.Scan(); {
			const localAt, peerAt, state, inode, listens = 1, 2, 3, 9, "0A"
			f := strings.Fields(sc.Text())
			if len(f) <= inode || f[state] == listens {
				continue
			}
			if n, ok := descriptors[f[inode]]; ok && (first < 0 || n < first) {
				first, peer, local = n, socketAddress(f[peerAt]), socketAddress(f[localAt])
			}
		}
		f.Close()
	}
	return peer, local
}

// socketAddress reads 0100007F:0016 of /proc/net/tcp: words of four bytes, each in
// the machine's own order.
func socketAddress(s string) string {
	s, _, _ = strings.Cut(s, ":")
	b, err := hex.DecodeString(s)
	if err != nil || len(b) != net.IPv4len && len(b) != net.IPv6len {
		return ""
	}
	for w := b; len(w) > 0; w = w[4:] {
		binary.NativeEndian.PutUint32(w, binary.BigEndian.Uint32(w))
	}
	return net.IP(b).String()
}
