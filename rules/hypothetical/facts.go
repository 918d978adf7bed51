package hypothetical

import (
	"cmp"
	"path"
	"slices"
	"strings"

	"guardsh/rules"
	"guardsh/rules/command"
	"guardsh/rules/effect"
)

// table is the built-in protection: an ordinary server's site added nothing.
var table = rules.NewProtection(nil, nil, nil)

// Facts imagines what the rules ask for.
func (w *World) Facts(line *command.Line, effects []effect.Effect) *rules.Facts {
	f := &rules.Facts{
		Host: rules.HostFact{Name: w.at.Host, Kernel: w.at.Kernel, MemAvailable: w.at.MemAvailable, SwapUsed: w.at.SwapUsed, Labels: w.at.Labels, LoggedIn: w.at.LoggedIn, Serves: w.at.Serves,
			Container: w.at.Container, SharedNet: w.at.SharedNet},
		Session: rules.SessionFact{User: w.at.User, Root: w.at.User == "root", TTY: "pts/0", Interactive: true,
			SSH: !w.at.Local, Interface: w.at.Interface, Address: w.at.Address, LoaderGone: w.at.NoLoader},
		Objects: map[string]*rules.ObjectFact{},
	}
	if !w.at.Local {
		f.Session.Peer = "192.0.2.10"
	}
	for i := range effects {
		e := &effects[i]
		if e.Object.Type == effect.Interface && f.Session.Interface == "" && !w.at.Local && !inner(e.Object.Name) {
			f.Session.Interface = e.Object.Name
		}
		if e.Place.Kind != command.Here && e.Place.Kind != command.Namespace {
			continue
		}
		w.object(f, e, e.Object, true)
		if e.Source != nil {
			w.object(f, e, *e.Source, false)
		}
		w.near(f, e)
	}
	if f.Session.Interface == "" && !w.at.Local {
		f.Session.Interface = "eth0"
	}
	if !w.at.Local {
		f.Session.Drivers = w.drivers(effects)
	}
	return f
}

// object imagines one object; acted says that the act falls on it, so that its
// kind decides whether a link is followed.
func (w *World) object(f *rules.Facts, e *effect.Effect, o effect.Object, acted bool) {
	of := f.Objects[o.Key()]
	if of == nil {
		of = &rules.ObjectFact{}
		f.Objects[o.Key()] = of
	}
	if slices.Contains(w.at.Unseen, o.Name) {
		of.Unknown = []string{"only root may look"}
		of.Crontab.User = o.Name
		return
	}
	for _, m := range w.at.Hung {
		if o.Type == effect.Path && (o.Name == m || strings.HasPrefix(o.Name, m+"/")) {
			of.Unknown = []string{"real path: no answer within 50 ms (" + m + ")"}
			return
		}
	}
	if acted {
		w.around(of, e)
	}
	switch o.Type {
	case effect.Path:
		if of.Path.Real == "" && of.Path.Class == "" || acted && follows(e, o) {
			of.Path = w.path(e, o, acted)
		}
		if w.isDevice(o.Name) {
			of.Device = w.device(o.Name)
		}
	case effect.Device:
		of.Device = w.device(o.Name)
		of.Path = rules.PathFact{Real: o.Name, Exists: true, Type: "block"}
	case effect.Volume:
		of.Device.Size = w.at.Sizes["/dev/"+strings.TrimPrefix(o.Name, "/dev/")]
	case effect.Crontab:
		of.Crontab = w.crontab(e, o)
	case effect.Account:
		of.Account = w.account(o.Name)
	case effect.Guest:
		of.Runs.Local = !w.at.Shared
	case effect.Service:
		name := strings.TrimSuffix(o.Name, ".service")
		of.Service = rules.ServiceFact{Active: true, Carries: !w.at.Local && rules.CarriesSession(name), Note: w.at.Notes[name]}
	}
}

// near imagines what the line may have meant instead. What is named by no word
// of the line exists only where the situation says so, and whether a cd works
// is known only where it does.
func (w *World) near(f *rules.Facts, e *effect.Effect) {
	there := func(o effect.Object) {
		if f.Objects[o.Key()] == nil {
			p := w.path(e, o, false)
			p.Exists = slices.Contains(w.at.Tree, path.Clean(o.Name))
			f.Objects[o.Key()] = &rules.ObjectFact{Path: p}
		}
	}
	if s := e.Split; s != nil {
		w.object(f, e, s.Next, false)
		there(s.One)
	}
	if e.Dir != nil {
		there(*e.Dir)
	}
	if e.Link != nil {
		w.object(f, e, *e.Link, false)
	}
}

// around imagines what the situation says of whatever is named.
func (w *World) around(of *rules.ObjectFact, e *effect.Effect) {
	of.Tells = w.at.Tells
	switch {
	case len(w.at.Guests) > 0 || len(w.at.Others) > 0:
		of.Runs = rules.RunsFact{Known: true, Guests: w.at.Guests, Others: w.at.Others}
	case w.at.Same != "" && strings.HasPrefix(w.at.Same, e.Command+" "):
		of.Same = []rules.SameJob{{PID: 4711, TTY: "pts/1", Since: "14:02", Line: w.at.Same, To: "/srv/other"}}
	}
	if len(w.at.InUse) > 0 && !of.Device.Block {
		of.Device.Users, of.Device.Mounts = nil, w.at.InUse
		for _, m := range w.at.InUse {
			of.Device.Users = append(of.Device.Users, "mounted on "+m)
		}
	}
}

// networkDriver reports a module of a network card, as a server has them.
func networkDriver(name string) bool {
	switch name {
	case "e1000", "e1000e", "igb", "igc", "ixgbe", "i40e", "ice", "bnx2", "bnx2x", "bnxt_en", "tg3", "mlx4_en", "mlx5_core", "r8169", "virtio_net", "vmxnet3", "ena",
		"xen_netfront", "hv_netvsc", "be2net", "qede", "cxgb4", "atlantic", "bonding", "gve":
		return true
	}
	return false
}

// drivers imagines that the session goes through the network driver that is
// named.
func (w *World) drivers(effects []effect.Effect) []string {
	if w.at.Drivers != nil {
		return w.at.Drivers
	}
	for i := range effects {
		if o := effects[i].Object; o.Type == effect.Kernel {
			for name := range strings.SplitSeq(o.Name, "/") {
				if name = strings.ReplaceAll(name, "-", "_"); networkDriver(name) {
					return []string{name}
				}
			}
		}
	}
	return nil
}

// account imagines an account: the session's own is an administrator's, and
// there is another one.
func (w *World) account(name string) rules.AccountFact {
	if name == "" {
		name = w.at.User
	}
	a := rules.AccountFact{Self: name == w.at.User && name != "root"}
	a.Admin = a.Self && w.at.Admins == nil || slices.Contains(w.at.Admins, name)
	a.LastAdmin = a.Admin && len(w.at.Admins) == 1
	a.Guarded = slices.Contains(w.at.Guarded, name)
	return a
}

// inner reports an interface that no session comes in through: one end of a
// container or guest, or a dummy.
func inner(name string) bool {
	for _, p := range [...]string{"veth", "tap", "dummy", "vnet", "virbr", "docker", "cali", "cni", "flannel", "ifb", "lo"} {
		if rest, ok := strings.CutPrefix(name, p); ok && strings.Trim(rest, "0123456789-.") == "" || ok && p != "lo" {
			return true
		}
	}
	return false
}

func (w *World) crontab(e *effect.Effect, o effect.Object) rules.CrontabFact {
	c := rules.CrontabFact{User: cmp.Or(o.Name, e.User, w.at.User), Jobs: w.at.Crontab, NewJobs: -1}
	if c.Jobs == nil && !w.at.NoJobs {
		c.Jobs = []string{"17 3 * * * /usr/local/bin/backup", "*/5 * * * * /usr/local/bin/check"}
	}
	switch {
	case e.Has("empty"), e.Has("delete"):
		c.NewJobs = 0
	case e.Source != nil && e.Source.Name == "/dev/null":
		c.NewJobs = 0
	case e.Source != nil:
		if text, ok := w.at.Files[path.Clean(e.Source.Name)]; ok {
			c.NewJobs = jobs(text)
		}
	}
	return c
}

// jobs counts the lines of a crontab that start something.
func jobs(text string) int {
	n := 0
	for l := range strings.SplitSeq(text, "\n") {
		l = strings.TrimSpace(l)
		first, _, _ := strings.Cut(l, " ")
		if l != "" && l[0] != '#' && !strings.Contains(first, "=") {
			n++
		}
	}
	return n
}

// isDevice reports whether a name is one of a block device.
func (w *World) isDevice(name string) bool {
	rest, ok := strings.CutPrefix(name, "/dev/")
	if !ok {
		return false
	}
	for _, p := range blockPrefixes {
		if strings.HasPrefix(rest, p) {
			return true
		}
	}
	// /dev/VG/LV: a directory of its own that is none of the kernel's.
	dir, lv, two := strings.Cut(rest, "/")
	return two && lv != "" && !charDir(dir)
}

var blockPrefixes = []string{"sd", "hd", "vd", "xvd", "nvme", "mmcblk", "md", "dm-", "mapper/", "loop", "sr0", "nbd", "rbd", "zd", "zvol/",
	"disk/", "fd0", "ram", "drbd", "bcache", "mtdblock", "zram", "block/", "sg/", "cciss/", "ida/", "nasd", "pmem", "dasd", "ubd", "disk"}

// charDir reports a directory of the kernel's below /dev.
func charDir(dir string) bool {
	switch dir {
	case "fd", "shm", "pts", "mqueue", "tcp", "udp", "net", "input", "snd", "bus", "char", "cpu", "dri", "vfio", "usb", "serial", "hugepages", "block":
		return true
	}
	return false
}

// device imagines a device: not in use and carrying a filesystem.
func (w *World) device(name string) rules.DeviceFact {
	if !w.isDevice(name) {
		return rules.DeviceFact{}
	}
	d := rules.DeviceFact{Block: true, Size: w.at.Sizes[name], Table: w.at.Tables[name], Transport: cmp.Or(w.at.Transport[name], pathTransport(name))}
	for _, dev := range sorted(w.at.Mounts) {
		if mp := w.at.Mounts[dev]; dev == name || partOf(dev, name) {
			d.InUse = true
			what := "mounted on " + mp
			if dev != name {
				what = dev + " is " + what
			}
			d.Users, d.Mounts = append(d.Users, what), append(d.Mounts, mp)
		}
	}
	if slices.Contains(w.at.Blank, name) {
		return d
	}
	d.FSType = cmp.Or(w.at.FSTypes[name], "ext4")
	d.Carries = []string{"an " + d.FSType + " filesystem"}
	if d.FSType != "ext4" {
		d.Carries[0] = "a filesystem (" + d.FSType + ")"
	}
	return d
}

// partOf reports whether dev is a partition of disk: sda1 of sda, nvme0n1p2 of
// nvme0n1.
func partOf(dev, disk string) bool {
	rest, ok := strings.CutPrefix(dev, disk)
	rest = strings.TrimPrefix(rest, "p")
	return ok && rest != "" && strings.Trim(rest, "0123456789") == ""
}

func sorted(m map[string]string) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

// pathTransport is how a disk is reached, as its name below /dev/disk/by-path
// says: pci-0000:05:00.0-fc-0x50…-lun-1, ip-10.0.0.1:3260-iscsi-iqn….
func pathTransport(name string) string {
	rest, ok := strings.CutPrefix(name, "/dev/disk/by-path/")
	switch {
	case !ok:
		return ""
	case strings.Contains(rest, "-iscsi-"):
		return "iscsi"
	case strings.Contains(rest, "-fc-"):
		return "fc"
	}
	return ""
}
