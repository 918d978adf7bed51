package effect

import (
	"path"
	"slices"
	"strconv"
	"strings"

	"guardsh/rules/word"
)

// powerTarget is how a unit takes the machine down when it starts.
func powerTarget(base string) (string, bool) {
	switch base {
	case "reboot", "runlevel6", "ctrl-alt-del", "systemd-reboot":
		return "reboot", true
	case "poweroff", "shutdown", "runlevel0", "systemd-poweroff":
		return "poweroff", true
	case "halt", "systemd-halt":
		return "halt", true
	case "kexec":
		return "kexec", true
	case "rescue", "emergency", "runlevel1":
		return "rescue", true
	case "suspend", "hibernate", "sleep":
		return "suspend", true
	}
	return "", false
}

// startTarget is systemctl start and isolate: reboot.target is a reboot.
func startTarget(c *call) {
	if c.node.path == "systemctl enable" && !c.has("now") {
		return
	}
	for _, w := range c.values("unit") {
		for _, v := range w.Values {
			base := strings.TrimSuffix(strings.TrimSuffix(v, ".target"), ".service")
			attr, ok := powerTarget(base)
			if ok && base == v && strings.HasPrefix(v, "systemd-") {
				v += ".service" // what is meant where no type is named
			}
			if !ok || base == v && attr != "" && !strings.HasSuffix(v, ".target") && !strings.HasSuffix(v, ".service") && c.node.path == "systemctl start" {
				continue
			}
			c.set("_power")
			c.emit(c.effect(Power, attr, "now"), Object{Type: Host, Word: w})
		}
	}
}

// servicesOperand takes the actions off the operands of chkconfig,
// update-rc.d and rc-update, so that services are left.
func servicesOperand(c *call) {
	ops := c.args.Operands
	if c.name == "rc-update" && len(ops) > 1 {
		c.args.Values["a"] = ops[1:2]
		return
	}
	if len(ops) > 0 {
		c.args.Values["a"] = ops[:1]
	}
}

// stopUnits is systemctl stop: a mount unit is unmounted, a pattern may name
// many, a swap unit is swapped off.
func stopUnits(c *call) {
	for _, w := range c.values("unit") {
		if p, ok := w.Pattern(); ok && len(w.Values) == 0 && !strings.Contains(p, "/") {
			c.stopUnit(p, w) // the shell finds no such file, and systemctl matches it
			continue
		}
		if len(w.Values) == 0 {
			c.emit(c.effect(Stop), Object{Type: Service, Word: w})
		}
		for _, v := range w.Values {
			c.stopUnit(v, w)
		}
	}
}

func (c *call) stopUnit(v string, w word.Word) {
	if dir, ok := mountUnit(v); ok {
		c.emit(c.effect(Unmount), Object{Type: Path, Name: dir, Word: w})
		return
	}
	if dev, ok := strings.CutSuffix(v, ".swap"); ok {
		if dir, ok := mountUnit(dev + ".mount"); ok {
			c.emit(c.effect(VolumeChange, "swap", "detach"), Object{Type: Device, Name: dir, Word: w})
			return
		}
	}
	e := c.effect(Stop)
	if strings.ContainsAny(v, "*?[") {
		e.mark("pattern")
	}
	c.emit(e, Object{Type: Service, Name: strings.TrimSuffix(v, ".service"), Word: w})
}

// unitMethod is what a method of systemd's manager, called over D-Bus, does to
// the unit.
func unitMethod(name string) (Kind, bool) {
	switch name {
	case "StopUnit", "KillUnit", "FreezeUnit", "QueueSignalUnit":
		return Stop, true
	case "RestartUnit", "TryRestartUnit", "ReloadOrRestartUnit", "ReloadOrTryRestartUnit":
		return Restart, true
	case "DisableUnitFiles", "MaskUnitFiles", "DisableUnitFilesWithFlags":
		return Disable, true
	}
	return "", false
}

// busCall is a method of systemd's called by name: Manager.StopUnit with the
// unit behind it.
func busCall(c *call) {
	var kind Kind
	for _, w := range c.args.Operands {
		v, ok := w.Value()
		if !ok {
			continue
		}
		if k, named := unitMethod(v[strings.LastIndexByte(v, '.')+1:]); named {
			kind = k
			continue
		}
		// string:ssh.service, array:string:a.service,b.service, ['ssh.service']
		v = strings.TrimPrefix(v[strings.LastIndexByte(v, ':')+1:], "[")
		for _, unit := range strings.FieldsFunc(v, func(r rune) bool { return strings.ContainsRune(",[]'\" ", r) }) {
			ext := path.Ext(unit)
			if kind == "" || !unitType(ext) {
				continue
			}
			if kind == Stop {
				c.stopUnit(unit, w)
				continue
			}
			c.emit(c.effect(kind), Object{Type: Service, Name: strings.TrimSuffix(unit, ".service"), Word: w})
		}
	}
}

// unitType reports whether a name with that ending is a unit's.
func unitType(ext string) bool {
	switch ext {
	case ".service", ".socket", ".target", ".mount", ".automount", ".timer", ".path", ".slice", ".scope", ".swap", ".device":
		return true
	}
	return false
}

// linkUnit reports whether a service is there for one interface, which stands
// behind the "@" or, for OpenRC, behind "net.".
func linkUnit(name string) bool {
	switch name {
	case "ifup", "netctl", "netctl-auto", "netctl-ifplugd", "dhclient", "dhcpcd", "network", "netifup":
		return true
	}
	return false
}

// linkOf is the interface that a service takes down when it stops.
func linkOf(service string) string {
	base, link, ok := strings.Cut(strings.TrimSuffix(service, ".service"), "@")
	if !ok || !linkUnit(base) {
		if link, ok = strings.CutPrefix(service, "net."); !ok {
			return ""
		}
	}
	if link == "lo" || strings.ContainsAny(link, "*?[/") {
		return ""
	}
	return link
}

// mountUnit is the directory of a mount unit: srv-data.mount is /srv/data.
func mountUnit(unit string) (string, bool) {
	name, ok := strings.CutSuffix(unit, ".mount")
	if !ok {
		name, ok = strings.CutSuffix(unit, ".automount")
	}
	if !ok || name == "" || strings.ContainsAny(name, "*?[") {
		return "", false
	}
	if name == "-" {
		return "/", true
	}
	var b strings.Builder
	b.WriteByte('/')
	for i := 0; i < len(name); i++ {
		switch {
		case name[i] == '-':
			b.WriteByte('/')
		case strings.HasPrefix(name[i:], `\x`) && i+4 <= len(name):
			n, err := strconv.ParseUint(name[i+2:i+4], 16, 8)
			if err != nil {
				return "", false
			}
			b.WriteByte(byte(n))
			i += 3
		default:
			b.WriteByte(name[i])
		}
	}
	return b.String(), true
}

// supervisedStop and supervisedRestart know the commands of runit's sv, which
// knows them by a letter as well, and of its neighbours.
func supervisedStop(verb string) bool {
	switch verb {
	case "down", "d", "stop", "kill", "k", "exit", "e", "x", "shutdown", "force-stop", "force-shutdown", "pause", "p", "once-down":
		return true
	}
	return false
}

func supervisedRestart(verb string) bool {
	switch verb {
	case "restart", "term", "t", "force-restart", "try-restart", "hup-all":
		return true
	}
	return false
}

// everyService is all that a supervisor runs.
func (c *call) everyService() {
	c.emit(c.effect(Stop, "all"), Object{Type: Service, Name: "every service", Word: c.action.Argv[0]})
}

// supervised is sv COMMAND SERVICE…, s6-svc -d SERVICE…, s6-rc -d change
// SERVICE…, initctl stop SERVICE. A service may be named by its directory.
func supervised(c *call) {
	ops := c.args.Operands
	kind, ok := Stop, false
	switch c.name {
	case "s6-svc", "svc", "s6-rc":
		ok = c.has("_down")
		if c.name == "s6-rc" && len(ops) > 0 {
			verb, _ := ops[0].Value()
			ok = ok && verb == "change" || verb == "stop"
			ops = ops[1:]
			if ok && c.has("_every") {
				c.everyService()
				return
			}
		}
	case "s6-svscanctl":
		if slices.ContainsFunc(c.action.Args(), func(w word.Word) bool {
			v := w.Prefix()
			return len(v) > 1 && v[0] == '-' && strings.ContainsAny(v, "tqbsS")
		}) {
			c.everyService()
		}
		return
	case "runsvchdir":
		if len(ops) > 0 && (ops[0].Is("single") || ops[0].Is("none")) {
			c.everyService()
		}
		return
	case "stop":
		ok = len(ops) == 1
	default:
		if len(ops) < 2 {
			return
		}
		verb, _ := ops[0].Value()
		ok = supervisedStop(verb)
		if supervisedRestart(verb) {
			kind, ok = Restart, true
		}
		ops = ops[1:]
		if ok && kind == Stop && (c.name == "herd" && ops[0].Is("root") || c.name == "66" && ops[0].Is("all")) {
			c.everyService()
			return
		}
	}
	if !ok {
		return
	}
	for _, w := range ops {
		for _, o := range named(Service, w) {
			if strings.Contains(o.Name, "/") {
				o = Object{Type: Service, Name: path.Base(o.Name), Word: word.Lit(o.Name)}
			}
			c.emit(c.effect(kind), o)
		}
	}
}

// startStop is start-stop-daemon --stop, which is told the service by its name,
// its program or the file that holds its number.
func startStop(c *call) {
	if !c.has("_stop") {
		return
	}
	for _, by := range [...]string{"unit", "program", "pidfile"} {
		names := c.values(by)
		if len(names) == 0 {
			continue
		}
		for _, o := range named(Service, names[0]) {
			o.Name = strings.TrimSuffix(path.Base(o.Name), ".pid")
			c.emit(c.effect(Stop), o)
		}
		return
	}
}
