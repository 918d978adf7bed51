package host

import (
	"errors"
	"net"
	"os"
	"os/user"
	"path/filepath"
	"strings"
	"sync"

	"golang.org/x/sys/unix"

	"guardsh/rules"
)

// sessionCards holds what does not change while a session lasts.
type sessionCards struct {
	once    sync.Once
	session rules.SessionFact
	local   string // the address here that it came to over ssh

	ifaceOnce sync.Once
	iface     string
}

// session is who is typing and from where, as far as that is cheap.
func (w *World) session() rules.SessionFact {
	w.cards.once.Do(func() {
		s := &w.cards.session
		s.Root = os.Geteuid() == 0
		s.User = w.env["USER"]
		if u, err := user.Current(); err == nil {
			s.User = u.Username
		}
		s.TTY = w.opts.TTY
		s.Interactive = w.opts.Interactive
		c := connectionOf(func(name string) string { return w.env[name] })
		s.SSH, s.Peer, s.Address, w.cards.local = c.ssh, c.peer, c.local, c.local
	})
	return w.cards.session
}

// sessionInterface is the network interface that the session came through: the
// one that has the local address of its connection.
func (w *World) sessionInterface() string {
	w.session()
	w.cards.ifaceOnce.Do(func() {
		addr, _, _ := strings.Cut(w.cards.local, "%") // fe80::1%eth0
		local := net.ParseIP(addr)
		if local == nil {
			return
		}
		ifs, err := net.Interfaces()
		if err != nil {
			return
		}
		for _, i := range ifs {
			addrs, err := i.Addrs()
			if err != nil {
				continue
			}
			for _, a := range addrs {
				if n, ok := a.(*net.IPNet); ok && n.IP.Equal(local) {
					w.cards.iface = i.Name
					return
				}
			}
		}
	})
	return w.cards.iface
}

// loaders are where the dynamic loader of common architectures is, when the
// program itself cannot be read.
var loaders = [...]string{
	"/lib64/ld-linux-x86-64.so.2", "/lib/ld-linux-aarch64.so.1", "/lib/ld-linux-armhf.so.3", "/lib/ld-linux.so.2",
	"/lib/ld-musl-x86_64.so.1", "/lib/ld-musl-aarch64.so.1", "/lib64/ld64.so.2", "/lib/ld64.so.1",
	"/lib/ld-linux-riscv64-lp64d.so.1",
}

// LoaderGone says whether programs can no longer start.
func (w *World) LoaderGone() bool { return w.loaderGone() }

// loaderFound is a loader that was there, and what shows that it still is: it is
// looked for at each prompt.
type loaderFound struct {
	table *mountTable
	marks []mark
}

// loaderGone says whether programs can no longer start: the interpreter that
// the shell names cannot be opened.
func (w *World) loaderGone() bool {
	const shell = "/bin/sh"
	table := w.mountsNow()
	w.mu.Lock()
	found := w.loader
	w.mu.Unlock()
	if found.table == table && len(found.marks) > 0 && hold(found.marks) {
		return false
	}
	interp, err := interpreter(w.root + shell)
	if err == nil {
		gone := interp != "" && !w.opens(interp)
		if !gone && interp != "" {
			w.mu.Lock()
			w.loader = loaderFound{table, w.marksOn(table, shell, interp)}
			w.mu.Unlock()
		}
		return gone
	}
	if !errors.Is(err, unix.ENOENT) {
		return false // it may not be readable to us; that is no sign
	}
	for _, l := range loaders {
		if w.opens(l) {
			return false
		}
	}
	return true
}

// opens resolves inside the world's root, then opens for reading.
func (w *World) opens(name string) bool {
	s, err := w.walker(w.mountsNow(), "", true).find(name, true)
	if err != nil {
		return true // it lies where we do not look; no sign either
	}
	if !s.Exists {
		return false
	}
	f, err := os.Open(filepath.Join(w.root+"/", s.Real))
	if err != nil {
		return cannotLook(err)
	}
	f.Close()
	return true
}
