package host

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"guardsh/rules/effect"
)

// need says which facts about the session and the host an effect's kind can
// depend on; the others are not looked up, so that harmless lines cost nothing.
type need uint8

const (
	needInterface need = 1 << iota
	needLogins
	needServes
	needContainer
	needKernel
	needMemory
)

// needOf is what a kind of effect needs to know.
func needOf(k effect.Kind) need {
	switch k {
	case effect.Power:
		return needInterface | needLogins | needServes | needContainer
	case effect.NetChange:
		return needInterface | needContainer
	case effect.Stop, effect.Restart:
		return needInterface | needServes | needContainer
	case effect.Disable:
		return needInterface
	case effect.Kill:
		return needInterface | needServes
	case effect.AccountChange:
		return needLogins
	case effect.Unmount, effect.GuestStop:
		return needServes
	case effect.KernelChange:
		return needInterface | needMemory | needLogins | needServes | needContainer
	case effect.BootChange:
		return needContainer | needKernel
	case effect.PackageRemove:
		return needKernel
	case effect.VolumeChange:
		return needMemory
	}
	return 0
}

// aroundUs fills in what kinds of effects need to know of session and host.
func (g *gathering) aroundUs() {
	var n need
	for i := range g.effects {
		if local(&g.effects[i]) {
			n |= needOf(g.effects[i].Kind)
		}
	}
	h := &g.facts.Host
	if g.w.root == "" || n != 0 {
		h.Name, _ = os.Hostname()
	}
	if n&needInterface != 0 && g.facts.Session.SSH {
		g.facts.Session.Interface = g.w.sessionInterface()
		g.links()
		g.facts.Session.Drivers = drivers(g.facts.Session.Interface)
	}
	if n&needKernel != 0 {
		var u unix.Utsname
		if unix.Uname(&u) == nil {
			h.Kernel = unix.ByteSliceToString(u.Release[:])
		}
	}
	if n&needMemory != 0 {
		h.MemAvailable, h.SwapUsed = memory()
	}
	if n&needLogins != 0 {
		h.LoggedIn = g.w.logins()
	}
	if n&needServes != 0 {
		h.Serves = g.w.serves()
	}
	if n&needContainer != 0 {
		h.Container = g.w.container()
		h.SharedNet = h.Container != "" && hostNetwork()
	}
}

// utmp's record as glibc writes it: the first fields are the same everywhere,
// only the end differs.
const (
	utmpUserProcess = 7
	utmpLine        = 8
	utmpUser        = 44
	utmpHost        = 76
	utmpHostEnd     = 332
)

func utmpSize() int {
	switch runtime.GOARCH {
	case "amd64", "386", "arm", "ppc64le", "s390x", "riscv64":
		return 384
	}
	return 400
}

// logins are the other sessions: "ann on pts/1 from 10.0.0.7".
func (w *World) logins() []string {
	var list []string
	add := func(user, tty, from string) {
		if user == "" || tty != "" && "/dev/"+tty == w.opts.TTY {
			return
		}
		s := user
		if tty != "" {
			s += " on " + tty
		}
		if from != "" {
			s += " from " + from
		}
		if !slices.Contains(list, s) && len(list) < maxNamed {
			list = append(list, s)
		}
	}
	if b, err := os.ReadFile(w.root + "/run/utmp"); err == nil {
		for _, r := range parseUtmp(b) {
			add(r[0], r[1], r[2])
		}
	}
	if len(list) > 0 {
		return list
	}
	// Without utmp (newer distributions), systemd-logind's own records. Beside
	// each lies a FIFO, which would keep who reads it for ever.
	own, _ := os.ReadFile("/proc/self/sessionid")
	files, _ := filepath.Glob(w.root + "/run/systemd/sessions/*")
	for _, f := range files {
		if fi, err := os.Lstat(f); err != nil || !fi.Mode().IsRegular() {
			continue
		}
		b, err := os.ReadFile(f)
		if err != nil {
			continue
		}
		t := parseTags(b, "")
		if t["CLASS"] == "user" && t["STATE"] != "closing" && t["AUDIT"] != string(own) {
			add(t["USER"], t["TTY"], t["REMOTE_HOST"])
		}
	}
	return list
}

// parseUtmp gives user, line and host of those who are logged in.
func parseUtmp(b []byte) (list [][3]string) {
	text := func(b []byte) string {
		b, _, _ = bytes.Cut(b, []byte{0})
		return string(b)
	}
	for n := utmpSize(); len(b) >= n; b = b[n:] {
		if binary.NativeEndian.Uint16(b) != utmpUserProcess {
			continue
		}
		list = append(list, [3]string{text(b[utmpUser:utmpHost]), text(b[utmpLine : utmpLine+32]), text(b[utmpHost:utmpHostEnd])})
	}
	return list
}

// serves says what others have from this host right now.
func (w *World) serves() []string {
	var list []string
	named := func(names []string, one string) {
		if len(names) > 0 {
			list = append(list, fmt.Sprintf("%s (%s)", plural(len(names), one), strings.Join(names[:min(len(names), maxNamed)], ", ")))
		}
	}
	if b, err := os.ReadFile(w.root + "/var/lib/nfs/etab"); err == nil {
		named(firstFields(b), "NFS export")
	}
	if n := nfsClients(); n > 0 {
		list = append(list, plural(n, "NFS client"))
	}
	named(w.guests(), "guest")
	named(iscsiTargets(), "iSCSI session")
	targets, _ := filepath.Glob("/sys/kernel/config/target/iscsi/iqn.*")
	for i, t := range targets {
		targets[i] = filepath.Base(t)
	}
	named(targets, "iSCSI target")
	return list
}

// nfsPort is where NFS over TCP is served.
const nfsPort = 2049

// nfsClients counts who the kernel's server knows, and where it does not say
// so (before 5.3, or ganesha) the addresses that are connected.
func nfsClients() int {
	clients, _ := os.ReadDir("/proc/fs/nfsd/clients")
	if len(clients) > 0 {
		return len(clients)
	}
	var peers []string
	for _, name := range [...]string{"/proc/net/tcp", "/proc/net/tcp6"} {
		b, err := os.ReadFile(name)
		if err == nil {
			peers = append(peers, connected(b, nfsPort)...)
		}
	}
	slices.Sort(peers)
	return len(slices.Compact(peers))
}

// connected reads /proc/net/tcp: the addresses at the other end of established
// connections to a local port, in the kernel's own spelling.
func connected(b []byte, port uint16) []string {
	const established = "01"
	suffix := fmt.Sprintf(":%04X", port)
	var list []string
	for line := range strings.Lines(string(b)) {
		f := strings.Fields(line)
		if len(f) < 4 || f[3] != established || !strings.HasSuffix(f[1], suffix) {
			continue
		}
		if peer, _, ok := strings.Cut(f[2], ":"); ok {
			list = append(list, peer)
		}
	}
	return list
}

// firstFields are the first words of lines that say something.
func firstFields(b []byte) []string {
	var list []string
	for line := range strings.Lines(string(b)) {
		if f := strings.Fields(line); len(f) > 0 && !strings.HasPrefix(f[0], "#") {
			list = append(list, f[0])
		}
	}
	slices.Sort(list)
	return slices.Compact(list)
}

// container is what kind of container this is; "" when it is none.
func (w *World) container() string {
	if b, err := os.ReadFile(w.root + "/run/systemd/container"); err == nil {
		if s := strings.TrimSpace(string(b)); s != "" {
			return s
		}
	}
	for _, mark := range [...]struct{ file, kind string }{{"/.dockerenv", "docker"}, {"/run/.containerenv", "podman"}} {
		if _, err := os.Lstat(w.root + mark.file); err == nil {
			return mark.kind
		}
	}
	if w.root != "" {
		return ""
	}
	if b, err := os.ReadFile("/proc/1/environ"); err == nil {
		for kv := range strings.SplitSeq(string(b), "\x00") {
			if kind, ok := strings.CutPrefix(kv, "container="); ok && kind != "" {
				return kind
			}
		}
	}
	if b, err := os.ReadFile("/proc/1/cgroup"); err == nil {
		for _, mark := range [...]string{"lxc", "docker", "libpod", "kubepods"} {
			if bytes.Contains(b, []byte("/"+mark)) {
				return mark
			}
		}
	}
	return ""
}

// hostNetwork says whether a container sees the host's network: only there are
// interfaces that have hardware below them.
func hostNetwork() bool {
	devices, _ := filepath.Glob("/sys/class/net/*/device")
	return len(devices) > 0
}
